"""Images of another aspect ratio than the model's: training, RUN and BUNDLE treat them alike."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

import exporters
from exporters.inference.aspect import place
from tests.cli.conftest import settings
from tests.exporters.fakes import Signature, Tensor
from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.experiment import load_run as runs
from tf_translate.experiment.export.model_file import pixels_in

SQUARE = (64, 64)
ASPECTS = ("stretch", "letterbox", "crop")


def _square(function):
    tensors = (Tensor(shape=(None, *SQUARE, 3)),)
    return {"a_to_b": Signature("a_to_b", function, tensors, tensors)}


def _smooth(seed, height=64, width=128):
    soft = np.random.default_rng(seed).integers(40, 216, (5, 9, 3), np.uint8)
    resized = Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized)


@pytest.fixture
def pairs(tmp_path):
    """Pairs of 64x128 pixels: noise with its negative."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for index in range(2):
            pixels = random.integers(0, 256, (64, 128, 3)).astype(np.uint8)
            images.write(tmp_path / "pairs" / split / "a" / f"{index}.png", pixels)
            images.write(tmp_path / "pairs" / split / "b" / f"{index}.png", 255 - pixels)
    return tmp_path / "pairs"


@pytest.fixture
def run_of(tmp_path, monkeypatch):
    """Makes a run's directory with some signatures and an aspect; its model is not trained."""

    def make(signatures, aspect):
        folder = tmp_path / f"run-{aspect}"
        folder.mkdir()
        config = {"method": "pix2pix", "data": {"path": "nowhere", "aspect": aspect}}
        (folder / "config.json").write_text(json.dumps(config))
        translator = SimpleNamespace(signatures=signatures.copy)
        monkeypatch.setattr(runs, "load_model", lambda path: translator)
        return folder

    return make


@pytest.fixture
def translate(command, tmp_path):
    """Translates a file and returns its pixels and what was said on stderr."""

    def invoke(model, file, *options):
        output = tmp_path / f"out-{model.name}-{len(options)}"
        code, _, said = command("translate", model, file, "--output", output, *options)
        assert code == 0, said
        return images.read(output / f"{file.stem}.png"), said

    return invoke


@pytest.mark.thorough
@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_network_sees_the_pixels_in_run_and_bundle_that_it_saw_in_training(
    translate, pairs, run_of, tmp_path, aspect
):
    config = DataConfig(path=str(pairs), size=SQUARE, aspect=aspect, flip="none", cache="none")
    dataset = open_domain_dataset(config, paired=True)
    seen, _ = dataset.arrays("train")
    batch = next(iter(dataset.training(batch_size=1, seed=0)))["a"].numpy()[0]
    assert any(np.array_equal(batch, each) for each in seen)
    held_out, _ = dataset.arrays("test")
    negative = _square(lambda image: {"image": -image})
    placement = place((64, 128), SQUARE, aspect)
    expected = placement.off_canvas(255 - images.to_uint8(held_out[0]))
    bundle = exporters.export(negative, tmp_path / "bundle", aspect=aspect)
    for model in (bundle, run_of(negative, aspect)):
        translated, said = translate(model, pairs / "test" / "a" / "0.png")
        np.testing.assert_array_equal(translated, expected)
        assert ("centre part of 64x64" in said) == (aspect == "crop")


@pytest.mark.thorough
def test_the_error_of_translate_is_that_of_training(command, tmp_path):
    """A model that is exact on squeezed 64x128 pairs: about 1 level off, not 10 as letterboxed."""
    stripes = 20 * np.sin(np.arange(64) / 2.0)[:, None, None] * np.ones((64, 64, 3))
    shift = np.float32(stripes / 127.5)
    model = _square(lambda image: {"image": keras.ops.clip(image + shift, -1.0, 1.0)})
    columns = np.repeat(stripes, 2, axis=1)
    errors = {}
    sources = [_smooth(seed) for seed in range(3)]
    for seed, source in enumerate(sources):
        images.write(tmp_path / "in" / f"{seed}.png", source)
    for aspect in ("stretch", "letterbox"):
        bundle = exporters.export(model, tmp_path / aspect, aspect=aspect)
        output = tmp_path / f"out-{aspect}"
        code, _, said = command("translate", bundle, tmp_path / "in", "--output", output)
        assert code == 0, said
        translated = [images.read(output / f"{seed}.png") for seed in range(3)]
        truth = [np.rint(source + columns) for source in sources]
        errors[aspect] = np.abs(np.subtract(translated, truth)).mean()
    assert errors["stretch"] < 1.5
    assert errors["letterbox"] > 5 * errors["stretch"]


def test_tiles_translate_what_crop_leaves_out(translate, pairs, run_of):
    negative = _square(lambda image: {"image": -image})
    file = pairs / "test" / "a" / "0.png"
    translated, said = translate(run_of(negative, "crop"), file, "--tiles")
    np.testing.assert_array_equal(translated, 255 - images.read(file))
    assert "centre part" not in said


@pytest.mark.slow
def test_a_run_and_its_bundle_record_the_aspect(command, translate, pairs, tmp_path):
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    options = settings(
        f"data.path={pairs}", "data.aspect=crop", "training.steps=2", "training.batch_size=1"
    )
    assert command("train", "pix2pix", "--run", run, *options)[0] == 0
    assert json.loads((run / "config.json").read_text())["data"]["aspect"] == "crop"
    assert command("export", run, "--bundle", bundle, "--recipe", "float32")[0] == 0
    assert exporters.open_bundle(bundle).manifest.aspect == "crop"
    file = pairs / "test" / "a" / "0.png"
    ours, theirs = (translate(model, file)[0].astype(int) for model in (run, bundle))
    assert ours.shape == (64, 64, 3)
    assert np.abs(ours - theirs).max() <= 1
    assert command("verify", bundle, "--images", pairs / "test")[0] == 0


def test_a_load_size_of_another_aspect_ratio_is_a_mistake(mistake, pairs, tmp_path):
    sizes = ("data.size=[64, 64]", "data.load_size=[72, 80]")
    options = settings(f"data.path={pairs}", *sizes, "data.aspect=letterbox")
    sentence = mistake("train", "pix2pix", "--run", tmp_path / "run", *options)
    assert "load_size must have the aspect ratio of size [64, 64] with aspect letterbox" in sentence
    assert not (tmp_path / "run").exists()


def test_an_unknown_aspect_is_a_mistake(mistake, pairs, tmp_path):
    options = settings(f"data.path={pairs}", "data.aspect=fit")
    sentence = mistake("train", "pix2pix", "--run", tmp_path / "run", *options)
    assert "data.aspect" in sentence
    assert "'stretch', 'letterbox' or 'crop'" in sentence


def test_a_bundle_of_an_unknown_aspect_is_refused(mistake, tmp_path):
    images.write(tmp_path / "me.png", _smooth(0))
    bundle = exporters.export(_square(lambda image: {"image": -image}), tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text())
    for change, message in (({"aspect": "fit"}, "'stretch', 'letterbox' or 'crop'"), ({}, "requ")):
        content = {key: value for key, value in manifest.items() if key != "aspect"} | change
        (bundle / "manifest.json").write_text(json.dumps(content))
        sentence = mistake("translate", bundle, tmp_path / "me.png", "--output", tmp_path / "o")
        assert "`aspect`" in sentence
        assert message in sentence


@pytest.mark.thorough
def test_a_model_file_is_exported_with_the_aspect_that_is_given(command, mistake, tmp_path):
    layers = [keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1, activation="tanh")]
    keras.Sequential(layers).save(tmp_path / "net.keras")
    options = ("export", tmp_path / "net.keras", "--recipe", "float32", "--no-saved-model")
    for given, expected in (((), "stretch"), (("--aspect", "crop"), "crop")):
        bundle = tmp_path / expected
        code, said, error = command(*options, "--bundle", bundle, *given)
        assert code == 0, error
        assumed = "aspect assumed stretch: give --aspect letterbox or crop otherwise" in said
        assert assumed == (not given)
        assert exporters.open_bundle(bundle).manifest.aspect == expected
    sentence = mistake(*options, "--bundle", tmp_path / "o", "--aspect", "fit")
    assert "--aspect must be one of stretch, letterbox, crop, got 'fit'" in sentence


def test_the_aspect_of_a_run_cannot_be_given_at_export(mistake, run_of, tmp_path):
    run = run_of(_square(lambda image: {"image": -image}), "letterbox")
    sentence = mistake("export", run, "--bundle", tmp_path / "o", "--aspect", "crop")
    assert "--aspect is for a model file, and a run knows its own; leave it out" in sentence


def test_packing_resized_images_needs_a_known_aspect(mistake, pairs, tmp_path):
    options = ("data", "pack", pairs, "--output", tmp_path / "o", "--aspect")
    assert "--aspect must be one of stretch, letterbox" in mistake(*options, "fit")
    assert "--aspect needs --size H W" in mistake(*options, "crop")


def test_notes_of_other_proportions_name_the_option_that_was_used(command, pairs, tmp_path):
    packing = ("data", "pack", pairs, "--output", tmp_path / "o", "--size", 64, 64)
    code, said, error = command(*packing, "--aspect", "crop")
    assert code == 0, error
    assert "8 images, such as " in said + error
    assert "are cut to the centre part (--aspect)" in said + error
    lines = []
    found = pixels_in(pairs / "test" / "a", (64, 64, 3), aspect="letterbox", report=lines.append)
    assert found.shape == (2, 64, 64, 3)
    assert lines[-1].startswith("2 images, such as ")
    assert lines[-1].endswith("are given mirrored borders (--aspect)")
