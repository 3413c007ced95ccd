"""`export MODEL.keras|MODEL.h5`: value ranges that are recognised, given, assumed or refused."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import exporters
from exporters.inference.images import to_uint8
from tests.cli.conftest import write_pairs

CASES = Path(__file__).parents[1] / "fixtures" / "cases"


def _ranges(bundle):
    record = json.loads((bundle / "manifest.json").read_text())["signatures"]["a_to_b"]
    return [record[role][0]["value_range"] for role in ("inputs", "outputs")]


def _save(folder, *parts, shape=(16, 16, 3)):
    file = folder / "generator.keras"
    keras.Sequential([keras.Input(shape), *parts]).save(file)
    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "limits", "mean", "lines"),
    [
        (
            "sig", [0, 1], 127.8,
            ("input range assumed [0, 1]: give --input-range -1 1 otherwise",),
        ),
        (
            "r255", [0, 255], 127.0,
            ("input range [0, 255], by the first layers", "output range [0, 255], by the last"),
        ),
    ],
)  # fmt: skip
def test_generators_of_other_ranges_are_exported_with_the_right_pixels(
    command, tmp_path, name, limits, mean, lines
):
    bundle = tmp_path / "bundle"
    file = CASES / f"{name}.h5"
    code, out, error = command("export", file, "--bundle", bundle, "--recipe", "float32")
    assert code == 0, error
    for line in lines:
        assert line in " ".join(out.split())
    assert _ranges(bundle) == [limits, limits]
    with np.load(CASES / f"{name}.npz") as stored:
        images, outputs = stored["x"], stored["y"]
    pixels = to_uint8(images, tuple(limits))
    runner = exporters.Runner(exporters.open_bundle(bundle))
    found = runner.run("a_to_b_uint8", {"image": pixels})["image"]
    assert found.mean() == pytest.approx(mean, abs=0.1)
    expected = outputs * 255 / limits[1]
    assert np.abs(found - expected).max() <= 1.5  # inputs and outputs are rounded to levels
    assert command("verify", bundle)[0] == 0


@pytest.mark.thorough
def test_an_unknown_range_is_assumed_and_said_and_may_be_given(command, tmp_path):
    file = _save(tmp_path, keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones"))
    arguments = ("export", file, "--recipe", "float32", "--bundle")
    code, out, error = command(*arguments, tmp_path / "assumed")
    assert code == 0, error
    said = " ".join(out.split())
    assert "input range assumed [-1, 1]: give --input-range 0 1 otherwise" in said
    assert "output range assumed [-1, 1]: give --output-range 0 1 otherwise" in said
    given = ("--input-range", 0, 255, "--output-range", -10, 300)
    code, out, error = command(*arguments, tmp_path / "given", *given)
    assert code == 0, error
    assert "input range [0, 255], as given" in " ".join(out.split())
    assert _ranges(tmp_path / "given") == [[0, 255], [-10, 300]]


def test_golden_outputs_outside_the_assumed_range_are_refused_with_the_fix(mistake, tmp_path):
    file = _save(tmp_path, keras.layers.ReLU(), keras.layers.Rescaling(200.0))
    sentence = mistake("export", file, "--bundle", tmp_path / "bundle", "--recipe", "float32")
    assert "signature 'a_to_b' gives values of 'image' from 0 to 1" in sentence
    assert "outside its value range [-1, 1]" in sentence
    assert "--output-range 0 255" in sentence
    assert not (tmp_path / "bundle").exists()


def test_impossible_ranges_and_options_of_runs_are_mistakes(mistake, trained, tmp_path):
    file = _save(tmp_path, keras.layers.Activation("tanh"))
    export = ("export", file, "--bundle", tmp_path / "bundle")
    assert "--input-range must be a minimum and a larger maximum, such as 0 1, got 1 0" in mistake(
        *export, "--input-range", 1, 0
    )
    assert "--frozen-norm needs the folder of a run" in mistake(*export, "--frozen-norm")
    assert "--output-range is for a model file, and a run knows its own" in mistake(
        "export", trained, "--bundle", tmp_path / "bundle", "--output-range", 0, 1
    )
    assert "give the folder of the run" in mistake(
        "export", trained / "model.keras", "--bundle", tmp_path / "bundle"
    )
    for name in ("none.keras", "none.h5"):
        assert "there is no such file" in mistake("export", tmp_path / name, *export[2:])


@pytest.mark.slow
def test_other_networks_and_saved_models_are_exported_with_what_they_take(
    command, mistake, tmp_path
):
    file = _save(tmp_path, keras.layers.Flatten(), keras.layers.Dense(2))
    bundle = tmp_path / "bundle"
    code, out, error = command("export", file, "--bundle", bundle, "--recipe", "float32")
    assert code == 0, error
    said = " ".join(out.split())
    assert "value range of input 'image' assumed [-1, 1]: give --input-range" in said
    assert "output output: float32 (1, 2)" in said
    assert command("verify", bundle)[0] == 0
    sentence = mistake("translate", bundle, file, "--output", tmp_path / "out")
    assert "it takes image (1, 16, 16, 3) and gives output (1, 2)" in sentence
    assert "needs a network from one image to one image" in mistake(
        "export", file, "--bundle", tmp_path / "other", "--recipe", "int8"
    )
    generator = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1, activation="sigmoid")]
    )
    generator.export(tmp_path / "saved", verbose=False)
    ranges = ("--input-range", 0, 1, "--output-range", 0, 1)
    arguments = (tmp_path / "saved", "--bundle", tmp_path / "third", "--recipe", "float32")
    code, _, error = command("export", *arguments, *ranges)
    assert code == 0, error
    assert _ranges(tmp_path / "third") == [[0, 1], [0, 1]]
    assert command("verify", tmp_path / "third")[0] == 0


@pytest.mark.thorough
def test_a_network_without_fixed_sides_needs_them(command, mistake, tmp_path):
    file = _save(tmp_path, keras.layers.Conv2D(3, 1, activation="tanh"), shape=(None, None, 3))
    export = ("export", file, "--bundle", tmp_path / "bundle", "--recipe", "float32")
    assert "give --size HEIGHT WIDTH" in mistake(*export)
    code, out, error = command(*export, "--size", 16, 24)
    assert code == 0, error
    assert "output range [-1, 1], by the last layers" in " ".join(out.split())


@pytest.mark.slow
def test_integer_recipes_are_calibrated_on_a_folder_in_the_networks_range(command, tmp_path):
    file = _save(
        tmp_path,
        keras.layers.Rescaling(1 / 127.5, -1),
        keras.layers.Conv2D(3, 3, padding="same", activation="tanh"),
        keras.layers.Rescaling(127.5, 127.5),
    )
    folder = write_pairs(tmp_path / "own", train=5, test=1, size=20) / "train" / "a"
    arguments = ("--recipe", "int8", "--bundle", tmp_path / "bundle", "--calibration", folder)
    code, _, error = command("export", file, *arguments)
    assert code == 0, error
    assert "5 images" in error
    code, _, error = command("verify", tmp_path / "bundle")
    assert code == 0, error
    with np.load(tmp_path / "bundle" / "golden.npz") as golden:
        images = golden["a_to_b/inputs/image"]
    assert len(images) == 2 + 4
    assert images[2:].max() > 100, "golden images are in 0..255"
