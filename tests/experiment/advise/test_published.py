"""`published.json` agrees with the results and presets that it was made from."""

import json

import pytest

from scripts.results.advice_data import RESULTS, SIZES, count_images
from scripts.results.methods_table import own_methods
from tf_translate.config.load import load
from tf_translate.experiment.advise.published import published


def test_every_method_has_its_preset_and_sizes_and_every_published_run_is_there():
    names = {method.name for method in own_methods()}
    presets = {one.source for one in published().trained_on if one.kind == "preset"}
    assert presets == {f"{name}_small" for name in names}
    assert set(published().exports) == names
    runs = {
        path.name for path in RESULTS.glob("*.json") if "evaluation" in json.loads(path.read_text())
    }
    assert {one.source for one in published().trained_on if one.kind == "result"} == runs


@pytest.mark.parametrize("method", ["dtn", "fader", "genegan", "pix2pix"])
def test_images_of_presets_are_those_of_the_shipped_samples(method):
    preset = f"{method}_small"
    (stated,) = [one for one in published().trained_on if one.source == preset]
    assert stated.images == count_images(method, load(preset).data)


def test_sizes_are_those_of_the_published_files():
    rows = json.loads((RESULTS / SIZES).read_text())["verification"]
    ian = {row["recipe"]: row["bytes"] for row in rows if row["model"] == "ian"}
    recipes = published().exports["ian"].recipes
    assert recipes == {name: size for name, size in ian.items() if name != "saved_model"}


def test_the_fewest_images_come_first():
    images = [one.images for one in published().of("fader")]
    assert images == sorted(images)
    assert images[0] == 324  # ORL
