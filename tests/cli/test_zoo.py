"""`tf-translate zoo`, and the models of the zoo themselves."""

import json

import numpy as np
import pytest

import exporters
import tf_translate
from tf_translate.errors import DataError
from tf_translate.experiment.zoo import find_zoo_model, zoo_folder, zoo_models
from tf_translate.images import read

NAMES = [model.name for model in zoo_models()]
LARGE = ("tones",)  # Age-cGAN
MB = 1_000_000


def test_the_zoo_is_small_and_every_model_has_a_license_and_examples():
    sizes = {model.name: model.size_bytes for model in zoo_models()}
    assert sum(sizes.values()) <= 60 * MB
    for name, size in sizes.items():
        assert size <= (16 if name in LARGE else 4) * MB
        manifest = exporters.open_bundle(find_zoo_model(name)).manifest
        assert manifest.provenance["license"]
        assert manifest.source["golden_split"] == "test"
        assert not {"float32", "int8"} & {each.recipe for each in manifest.artifacts.values()}
    assert sorted(NAMES) == sorted(each.name for each in zoo_folder().iterdir() if each.is_dir())


@pytest.mark.parametrize("name", NAMES)
def test_every_model_of_the_zoo_passes_verify(name):
    verification = exporters.verify(find_zoo_model(name))
    assert verification.passed, verification.failures


def test_models_are_listed_copied_and_never_written_over(command, mistake, tmp_path):
    listed = json.loads(command("zoo", "list", "--json")[1])["models"]
    assert [each["name"] for each in listed] == NAMES
    assert "Flat emoji to 3D" in command("zoo", "list")[1]
    target = tmp_path / "mine"
    assert command("zoo", "get", NAMES[0], "--bundle", target)[0] == 0
    assert exporters.open_bundle(target).manifest.digest
    assert "exists already; give a new folder" in mistake(
        "zoo", "get", NAMES[0], "--bundle", target
    )
    assert "did you mean flat_to_3d?" in mistake("zoo", "get", "flat_to_3D")


def test_an_image_is_translated_by_a_model_of_the_zoo(command, tmp_path):
    code, _, error = command(
        "translate", "zoo:flat_to_3d", "assets/samples/fluent_flat/1f306.webp", "--output", tmp_path
    )
    assert code == 0, error
    assert read(tmp_path / "1f306.png").std() > 20


def test_a_model_of_the_zoo_runs_in_python():
    model = tf_translate.from_zoo("flat_to_3d")
    image = np.linspace(-1, 1, 64 * 64 * 3, dtype=np.float32).reshape(1, 64, 64, 3)
    translated = model.run("a_to_b", {"image": image})["image"]
    assert translated.shape == image.shape
    assert np.abs(translated - image).mean() > 0.01


def test_without_a_zoo_its_place_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TF_TRANSLATE_ZOO", str(tmp_path))
    with pytest.raises(DataError, match=r"there is no zoo in .* set TF_TRANSLATE_ZOO"):
        zoo_models()
