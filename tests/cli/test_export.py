"""`export`: sources of calibration images, content of the card, normalization options."""

import json

import numpy as np
import pytest

import exporters
from tests.cli.conftest import settings, write_pairs
from tf_translate import images


def _settings(bundle, recipe):
    manifest = json.loads((bundle / "manifest.json").read_text())
    return manifest["artifacts"][recipe]["settings"]


@pytest.mark.thorough
def test_an_integer_recipe_is_calibrated_on_the_training_split_and_verifies(
    command, trained, tmp_path
):
    bundle = tmp_path / "bundle"
    code, _, error = command(
        "export", trained, "--bundle", bundle, "--recipe", "int8_float_norm", "--recipe", "int8"
    )
    assert code == 0, error
    for recipe in ("int8", "int8_float_norm"):
        assert _settings(bundle, recipe)["calibration"] == {
            "examples": {"a_to_b": 7, "a_to_b_uint8": 7},  # of 8, one is for validation
            "source": "training split",
            "picker": "farthest colours and contrast",
            "seed": 0,
        }
    assert exporters.verify(bundle, isolated=False).passed


@pytest.mark.thorough
def test_a_folder_of_images_may_be_given_instead(command, trained, tmp_path):
    folder = write_pairs(tmp_path / "own", train=3, test=1, seed=4, size=20) / "train"
    bundle = tmp_path / "bundle"
    command("export", trained, "--bundle", bundle, "--recipe", "int8", "--calibration", folder)
    calibration = _settings(bundle, "int8")["calibration"]
    assert calibration["source"] == "train"
    assert calibration["examples"]["a_to_b"] == 3  # of its a/


@pytest.mark.thorough
def test_a_calibration_folder_that_no_recipe_needs_is_reported(command, trained, tmp_path):
    arguments = ("--bundle", tmp_path / "bundle", "--recipe", "float16", "--calibration", tmp_path)
    code, out, _ = command("export", trained, *arguments)
    assert code == 0
    assert "--calibration is not used: none of the recipes" in " ".join(out.split())


@pytest.mark.slow
def test_no_optimize_leaves_the_file_as_the_converter_wrote_it(command, trained, tmp_path):
    for option, optimized in (((), True), (("--no-optimize",), False)):
        bundle = tmp_path / str(optimized)
        arguments = ("--bundle", bundle, "--recipe", "float32", *option)
        code, _, error = command("export", trained, *arguments)
        assert code == 0, error
        manifest = json.loads((bundle / "manifest.json").read_text())
        assert manifest["artifacts"]["float32"]["optimized"] is optimized


@pytest.mark.thorough
def test_a_folder_without_images_is_a_mistake(mistake, trained, tmp_path):
    arguments = ("export", trained, "--bundle", tmp_path / "b", "--recipe", "int8", "--calibration")
    assert "there is no folder" in mistake(*arguments, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "holds no images" in mistake(*arguments, tmp_path / "empty")


@pytest.mark.slow
def test_the_card_has_what_the_run_and_the_user_say(command, trained, tmp_path):
    bundle = tmp_path / "bundle"
    texts = ("--license", "CC BY 4.0, me", "--intended-use", "Squares, nothing else.")
    code, out, error = command("export", trained, "--bundle", bundle, "--recipe", "float32", *texts)
    assert code == 0, error
    assert "card.md" in "".join(out.split())
    text = (bundle / "card.md").read_text("utf-8")
    assert "- License: CC BY 4.0, me" in text
    assert "## Intended use\n\nSquares, nothing else." in text
    assert f"Method: pix2pix. Run: {trained.name}." in text
    assert command("verify", bundle)[0] == 0


@pytest.mark.slow
def test_frozen_norms_report_their_error_and_verify(command, pairs, tmp_path):
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    options = settings(f"data.path={pairs}", "training.steps=1", "model.norm=instance")
    assert command("train", "pix2pix", "--run", run, *options)[0] == 0
    arguments = ("--bundle", bundle, "--recipe", "float32", "--frozen-norm")
    code, out, error = command("export", run, *arguments)
    assert code == 0, error
    manifest = json.loads((bundle / "manifest.json").read_text())
    inference_behavior = manifest["signatures"]["a_to_b"]["inference_behavior"]
    assert inference_behavior["normalization"] == "statistics of a calibration set"
    frozen = manifest["source"]["frozen_norm"]
    assert (frozen["source"], frozen["images"]) == ("training split", {"a_to_b": 7})
    psnr = frozen["psnr"]["a_to_b"]["image"]
    assert psnr["images"] == 8
    assert f"frozen norms: image of a_to_b has a PSNR of {psnr['mean']:.1f} dB" in out
    assert command("verify", bundle)[0] == 0


def test_a_model_without_norms_of_each_image_cannot_freeze_them(mistake, trained, tmp_path):
    bundle = tmp_path / "bundle"
    sentence = mistake("export", trained, "--bundle", bundle, "--frozen-norm")
    assert "no signature of a_to_b runs one; remove the option" in sentence
    assert not bundle.exists()


@pytest.mark.slow
def test_norm_inputs_verify_and_normalize_all_tiles_alike(command, mistake, pairs, tmp_path):
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    options = settings(
        f"data.path={pairs}", "training.steps=4", "model.norm=instance", "model.input_skip=false"
    )
    assert command("train", "pix2pix", "--run", run, *options)[0] == 0
    arguments = ("--bundle", bundle, "--recipe", "float32", "--norm-inputs")
    code, _, error = command("export", run, *arguments)
    assert code == 0, error
    manifest = json.loads((bundle / "manifest.json").read_text())
    names = ("a_to_b", "a_to_b_statistics", "a_to_b_tile")
    assert set(manifest["signatures"]) == {n + end for n in names for end in ("", "_uint8")}
    assert manifest["golden"]["cases"]["a_to_b_tile"] == 2 + 4  # held-out images too
    assert command("verify", bundle)[0] == 0
    # The left tile is equal in both images; its output also depends on the rest of the image.
    left, right = np.random.default_rng(0).integers(0, 256, (2, 16, 32, 3), np.uint8)
    for name, image in (("one", (left, right)), ("two", (left, 0 * right))):
        images.write(tmp_path / "photos" / f"{name}.png", np.concatenate(image, 1))
    out = ("--output", tmp_path / "out", "--tiles", "--overlap", 0)
    code, _, error = command("translate", bundle, tmp_path / "photos", *out)
    assert code == 0, error
    one, two = (images.read(tmp_path / "out" / f"{name}.png")[:, :16] for name in ("one", "two"))
    assert (one != two).any()
    for option, sentence in (
        (("--frozen-norm",), "--norm-inputs and --frozen-norm exclude each other"),
        (("--recipe", "int8"), "--norm-inputs does not go with --recipe int8"),
    ):
        assert sentence in mistake("export", run, *arguments[:-3], "--norm-inputs", *option)


@pytest.mark.thorough
def test_a_model_without_norms_of_each_image_has_no_statistics(mistake, trained, tmp_path):
    bundle = tmp_path / "bundle"
    sentence = mistake("export", trained, "--bundle", bundle, "--norm-inputs")
    assert "no signature of a_to_b maps a single image" in sentence
    assert not bundle.exists()
