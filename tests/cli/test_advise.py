"""`tf-translate advise`: groups for people, JSON for programs, mistakes."""

import itertools
import json

import pytest

from tests.experiment.advise.synthetic_results import results

DECIDED = {"cyclegan": (0.7, 0.71, 0.72), "dualgan": (0.5, 0.51, 0.52), "dtn": (0.1,)}


@pytest.fixture
def decided(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results(DECIDED)))
    return path


def _text(out):
    return " ".join(out.split())


def test_advice_without_a_comparison_answers_both_questions_and_ranks_nothing(
    command, tmp_path, monkeypatch
):
    monkeypatch.setattr("tf_translate.experiment.advise.results.SHIPPED", tmp_path / "none")
    code, out, _ = command("advise", "--pairs", "--images", 100)
    text = _text(out)
    assert code == 0
    assert "Not ranked: no comparison was measured" in text
    assert "keeps the content by: L1 to the ground truth" in text
    assert "reaches the domain by: conditional PatchGAN" in text
    assert "which is no ranking" in text
    assert "fader: it learns from attributes, and you have pairs and two sets; needed:" in text
    assert "fewest that this project tried are 832 (pix2pix_small)" in text


def test_ranks_are_printed_with_figures(command, decided):
    code, out, _ = command("advise", "--sets", 2, "--results", decided)
    text = _text(out)
    assert code == 0
    assert "rank 1: cyclegan, CycleGAN" in text
    assert "rank 2: dualgan, DualGAN" in text
    assert (
        "completeness 0.710 (95 % intervals of all seeds 0.690 to 0.730, seeds 0.700 to 0.720)"
        in text
    )
    assert "completeness = 2cd / (c + d)" in text  # the formula
    assert "without a rank: it has 1 seed, and a rank needs 3" in text
    assert "Not ranked" not in text


def test_methods_between_which_nothing_is_decided_are_printed_without_ranks(command, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results({**DECIDED, "dualgan": (0.7, 0.71, 0.72)})))
    _, out, _ = command("advise", "--sets", 2, "--results", path)
    text = _text(out)
    assert "Not ranked: the results do not decide between the methods" in text
    assert "undecided with dualgan: their difference may be chance" in text
    assert "rank 1" not in text


def test_a_completeness_that_is_undefined_is_said(command, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results({"cyclegan": (None, None, None)})))
    _, out, _ = command("advise", "--sets", 2, "--results", path)
    assert "completeness undefined, content/margin 0.200" in _text(out)
    assert "without a rank: its completeness is undefined for a seed" in _text(out)


@pytest.mark.parametrize("name", ["age_cgan", "age_cgan_pixelwise"])
def test_a_variant_of_a_method_is_called_one(command, tmp_path, name):
    file = tmp_path / "results.json"
    file.write_text(json.dumps(results({name: (0.5, 0.5, 0.5)}, task="ordinal")))
    code, out, _ = command("advise", "--levels", "--results", str(file))
    assert code == 0
    is_variant = name != "age_cgan"
    for text in ("a variant of age_cgan in the task", "with the same pixels"):
        assert (text in _text(out)) == is_variant


def test_outputs_that_a_second_view_places_beyond_their_inputs_are_to_be_looked_at(command):
    _, out, _ = command("advise", "--pairs", "--task", "paired", "--json")
    found = json.loads(out)["measured_without_rank"]
    farther = {each["name"]: each["farther_than_inputs"] for each in found}
    assert not farther["pix2pix"]
    (view,) = farther["discogan"]  # whose images are noisy
    assert view["network"] == "efficientnet_lite0"
    assert view["outputs"] > 2 * view["inputs"]
    _, out, _ = command("advise", "--pairs", "--task", "paired")
    sentence = "look at its images: by the features of efficientnet_lite0"
    assert _text(out).count(sentence) == 1
    _, out, _ = command("advise", "--pairs", "--attributes", "--task", "glasses")
    by_method = _text(out).split("keeps the content by")
    assert not any("CycleGAN" in a and sentence in b for a, b in itertools.pairwise(by_method))


def test_json_holds_the_same_and_nothing_else_is_on_stdout(command, decided, pairs):
    code, out, _ = command(
        "advise", "--data", pairs, "--results", decided, "--task", "unpaired", "--json"
    )
    assert code == 0
    advice = json.loads(out)
    assert advice["you_have"]["images"] == {"sets": 7, "pairs": 7}  # one is held out
    assert advice["you_have"]["image_sides"] == [[16, 16], [16, 16]]
    assert [each["method"]["name"] for each in advice["ranks"]] == ["cyclegan", "dualgan"]
    assert any("equal file names" in text for text in advice["you_have"]["assumptions"])


def test_names_of_a_forged_file_are_printed_as_escapes(command, tmp_path):
    found = results(DECIDED)
    found["command"] = "\x1b[2Jforged\nline"
    path = tmp_path / "results.json"
    path.write_text(json.dumps(found))
    _, out, _ = command("advise", "--sets", 2, "--results", path)
    assert "\x1b" not in out
    assert "\\x1b[2Jforged\\nline" in out


def test_mistakes_are_one_sentence(mistake, tmp_path, decided):
    assert "give --data PATH, or one of --pairs" in mistake("advise")
    assert "there is no folder" in mistake("advise", "--data", tmp_path / "none")
    assert "--labels must be none, a or both" in mistake("advise", "--sets", 2, "--labels", "b")
    assert "did you mean 'unpaired'" in mistake("advise", "--sets", 2, "--task", "unpared")
    assert "there is no" in mistake("advise", "--sets", 2, "--results", tmp_path / "none.json")
    assert "above 0" in mistake("advise", "--sets", 2, "--max-megabytes", -1)
    assert "add --data" in mistake("advise", "--pairs", "--attribute", "glasses")


def test_help_lists_it(command):
    _, out, _ = command("--help")
    assert "advise" in out
