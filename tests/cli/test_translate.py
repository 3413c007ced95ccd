"""`tf-translate translate` with attributes, strengths and exemplars, by a bundle and by a run."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import exporters
from tests.exporters.fakes import dim, edit, swap
from tf_translate import images
from tf_translate.experiment import load_run as runs

FAKES = {fake.name: fake for fake in (edit(), dim(), swap())}
RUN = {"method": "pix2pix", "data": {"path": "nowhere"}}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return exporters.export(FAKES, tmp_path_factory.mktemp("bundles") / "many")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run's directory; its model has the same signatures and is not trained."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text(json.dumps(RUN))
    monkeypatch.setattr(runs, "load_model", lambda path: SimpleNamespace(signatures=FAKES.copy))
    return tmp_path / "run"


@pytest.fixture
def image(tmp_path):
    images.write(tmp_path / "me.png", np.full((20, 30, 3), 100, np.uint8))
    return tmp_path / "me.png"


@pytest.fixture
def friend(tmp_path):
    images.write(tmp_path / "friend.png", np.full((9, 5, 3), 50, np.uint8))
    return tmp_path / "friend.png"


@pytest.fixture
def translate(command, image, tmp_path):
    """Translates the image and returns the written images by name."""

    def invoke(model, *options):
        output = tmp_path / f"out-{model.name}"
        code, _, sentence = command("translate", model, image, "--output", output, *options)
        assert code == 0, sentence
        return {file.name: images.read(file) for file in output.iterdir()}

    return invoke


@pytest.fixture
def refused(mistake, image, tmp_path):
    """Translates the image with invalid options and returns the error message."""

    def invoke(model, *options):
        sentence = mistake("translate", model, image, "--output", tmp_path / "o", *options)
        assert not (tmp_path / "o").exists()
        return sentence

    return invoke


@pytest.mark.parametrize(
    ("options", "colour"),
    [
        (("--attribute", "glasses=1", "--attribute", "hair=blond"), [255, 0, 255]),
        (("--attribute", "hair=black", "--attribute", "glasses=0.5"), [128, 255, 0]),
        (("--attribute", "hair=black=0.5", "--attribute", "glasses=2"), [255, 128, 0]),
        (("--signature", "dim"), [100, 100, 100]),
        (("--attribute", "strength=0"), [128, 128, 128]),
    ],
)
def test_bundle_and_run_take_attributes_alike(translate, bundle, run, options, colour):
    for model in (bundle, run):
        written = translate(model, *options)
        assert list(written) == ["me.png"]
        assert written["me.png"].shape == (20, 30, 3)
        assert np.unique(written["me.png"].reshape(-1, 3), axis=0).tolist() == [colour]


def test_further_images_are_written_beside_the_first(translate, bundle, run, friend):
    for model in (bundle, run):
        written = translate(model, "--exemplar", friend)
        assert sorted(written) == ["me-exemplar.png", "me.png"]
        assert written["me.png"].shape == (20, 30, 3)
        assert written["me-exemplar.png"].shape == (9, 5, 3)
        assert np.unique(written["me.png"]) == [155]
        assert np.unique(written["me-exemplar.png"]) == [205]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("glases=1", "hair=blond"), "no attribute 'glases'; did you mean glasses? known are"),
        (("glasses=1", "hair=blnd"), "no attribute 'hair=blnd'; did you mean hair=blond?"),
        (("glasses=1", "hair=1"), "no attribute 'hair'; did you mean hair=black or hair=blond?"),
        (("hair=blond",), "none is given for glasses; give for example glasses=1"),
        (
            ("glasses=1",),
            "none is given for hair=black or hair=blond; give for example hair=black;",
        ),
        (("glasses=yes",), "glasses must be a number, 0 for absent and 1 for present, got 'yes'"),
        (("glasses",), "takes name=value, for example glasses=1; got 'glasses'"),
        (("glasses=",), "takes name=value, for example glasses=1; got 'glasses='"),
        (("=1",), "takes name=value, for example glasses=1 or hair=blond; got '=1'"),
        (("glasses=nan", "hair=blond"), "'glasses' must be a finite float32 number"),
        (("glasses=1", "glasses=0"), "gives glasses twice, as glasses=1 and as glasses=0"),
        (("hair=black", "hair=blond"), "gives hair twice, as hair=black and as hair=blond"),
        (("hair=black=2", "hair=blond"), "gives hair twice, as hair=black=2 and as hair=blond"),
    ],
)
def test_impossible_attributes_are_mistakes(refused, bundle, run, options, sentence):
    arguments = [part for option in options for part in ("--attribute", option)]
    for model in (bundle, run):
        assert sentence in refused(model, *arguments)


def test_attributes_are_checked_for_a_chosen_signature_too(refused, bundle, run):
    for model in (bundle, run):
        sentence = refused(model, "--signature", "edit", "--attribute", "glases=1")
        assert "no attribute 'glases'; did you mean glasses?" in sentence


@pytest.mark.parametrize(
    "option", [("--recipe", "int8"), ("--time-limit", "9"), ("--memory-limit", "2")]
)
def test_options_for_the_files_of_a_bundle_are_refused_for_a_run(refused, run, option):
    sentence = refused(run, *option)
    assert f"{option[0]} is for the files of a bundle, and {run} is a run" in sentence


def test_mistakes_in_arguments_are_said_before_the_model_is_started(refused, bundle, monkeypatch):
    monkeypatch.setattr(exporters.IsolatedRunner, "start", lambda _: pytest.fail("started"))
    assert "no attribute 'glases'" in refused(bundle, "--attribute", "glases=1")
    assert "holds no model of recipe 'int8'" in refused(bundle, "--recipe", "int8")


def test_impossible_exemplars_are_mistakes(refused, bundle, run, friend, tmp_path):
    for model in (bundle, run):
        sentence = refused(model, "--signature", "dim", "--exemplar", friend)
        assert "'dim' takes one image and no exemplar; leave the exemplar out" in sentence
        sentence = refused(model, "--signature", "swap")
        assert "'swap' needs an exemplar, a second image to transfer from; give one" in sentence
        sentence = refused(model, "--exemplar", tmp_path / "nobody.png")
        assert f"there is no image file {tmp_path}/nobody.png" in sentence


def test_attributes_for_a_signature_without_any_are_mistakes(refused, bundle):
    sentence = refused(bundle, "--signature", "swap", "--attribute", "glasses=1")
    assert "signature 'swap' takes no attributes; leave out glasses" in sentence


def test_an_output_file_that_exists_or_occurs_twice_is_a_mistake(
    command, mistake, bundle, friend, tmp_path
):
    options = ("--output", tmp_path / "o", "--exemplar", friend)
    images.write(tmp_path / "o" / "friend-exemplar.png", np.zeros((2, 2, 3), np.uint8))
    sentence = mistake("translate", bundle, friend, *options)
    assert "friend-exemplar.png exists already; choose another --output" in sentence
    images.write(tmp_path / "friend-exemplar.png", np.zeros((2, 2, 3), np.uint8))
    sentence = mistake("translate", bundle, friend, tmp_path / "friend-exemplar.png", *options)
    assert "would both be written as" in sentence
    assert "friend-exemplar.png; rename one" in sentence


def test_help_teaches_attributes_and_exemplars(command):
    _, out, _ = command("translate", "--help")
    for words in ("--attribute hair=blond", "--exemplar friend.jpg", "NAME-OUTPUT.png"):
        assert words in " ".join(out.split())
