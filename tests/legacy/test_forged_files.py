"""Forged and damaged files of Keras 2: each ends in one sentence, no memory is filled."""

import contextlib
import json
import random
import resource
import zipfile
from pathlib import Path

import h5py
import pytest

from tests.keras_files.mutations import mutate
from tf_translate import load_legacy
from tf_translate.errors import DataError

FIXTURES = Path(__file__).parents[1] / "fixtures" / "legacy"
FORMS = ("h5", "keras")


def _write(folder, form, change):
    """A copy of a network; `change` gets its description and returns a new one, as JSON or text."""
    source = FIXTURES / f"tutorial.{form}"
    path = folder / source.name
    if form == "h5":
        path.write_bytes(source.read_bytes())
        with h5py.File(path, "r+") as file:
            text = _text(change(json.loads(file.attrs["model_config"])))
            del file.attrs["model_config"]
            file.attrs.create("model_config", text, dtype=h5py.string_dtype())
        return path
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "config.json":
                content = _text(change(json.loads(content)))
            copy.writestr(name, content)
    return path


def _text(description):
    return description if isinstance(description, str) else json.dumps(description)


def _refusal(path):
    with pytest.raises(DataError) as refused:
        load_legacy(path, image_shape=(16, 24, 3))
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("form", FORMS)
def test_a_description_of_any_depth_is_refused_by_it(tmp_path, form):
    deep = '{"class_name": "Functional", "config": ' + '{"a":' * 10_000 + "1" + "}" * 10_001
    assert "nests more than 100 levels" in _refusal(_write(tmp_path, form, lambda _: deep))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("filters", [2**24, 10**12])
def test_huge_layers_are_refused_before_memory_is_taken(tmp_path, form, filters):
    def change(description):
        for layer in description["config"]["layers"]:
            if layer["class_name"].startswith("Conv2D"):
                layer["config"]["filters"] = filters
        return description

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sentence = _refusal(_write(tmp_path, form, change))
    assert "weights take more than" in sentence or f"with filters={filters}" in sentence
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # kB


def test_an_array_that_is_far_larger_than_its_file_is_refused(tmp_path):
    path = _write(tmp_path, "h5", lambda description: description)
    with h5py.File(path, "r+") as file:
        file["model_weights"].create_dataset("x", (2**20, 2**10), "float32", chunks=True)
    assert "holds arrays of more than" in _refusal(path)


def test_h5_files_of_keras_3_are_refused_with_the_way_out(tmp_path):
    path = _write(tmp_path, "h5", lambda description: description)
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"] = "3.15.1"
    assert "was saved by Keras 3.15.1; save the network as .keras instead" in _refusal(path)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_mutated_descriptions_are_read_or_end_in_a_sentence(tmp_path, form):
    draw, refused = random.Random(23), 0
    for _ in range(50):

        def change(description):
            for _ in range(draw.randint(1, 3)):
                mutate(description, draw)
            return description

        path = _write(tmp_path, form, change)
        try:
            load_legacy(path, image_shape=(16, 24, 3))
        except DataError as error:
            sentence = str(error)
        else:
            continue
        refused += 1
        assert sentence.startswith(str(path))
        assert "\n" not in sentence
    assert refused > 20


@pytest.mark.thorough
def test_files_with_flipped_bytes_are_read_or_end_in_a_sentence(tmp_path):
    draw = random.Random(24)
    for form in FORMS:
        good = (FIXTURES / f"tutorial.{form}").read_bytes()
        for _ in range(20):
            content = bytearray(good)
            for _ in range(draw.randint(1, 30)):
                content[draw.randrange(len(content))] = draw.randrange(256)
            path = tmp_path / f"flipped.{form}"
            path.write_bytes(content)
            with contextlib.suppress(DataError):
                load_legacy(path, image_shape=(16, 24, 3))
