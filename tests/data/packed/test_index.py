"""Indexes of packed sets with values that no packed set has: each is refused before it is used."""

import json
import os

import pytest

from tests.data.image_files import named_pairs
from tests.data.packed.packed_folders import change, index_of, message, pack_folder
from tf_translate.data.packed.index import read_index
from tf_translate.errors import DataError


@pytest.fixture
def folder(tmp_path):
    return pack_folder(named_pairs(tmp_path / "original"), tmp_path / "packed")


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"sizes": [[10**9, 10**9]], "channels": [3]}, "sizes.0.0: "),
        ({"sizes": [[-8, 8]], "channels": [3]}, "sizes.0.0: "),
        ({"sizes": [[8.5, 8]], "channels": [3]}, "sizes.0.0: "),
        ({"sizes": [[0, 8]], "channels": [3]}, "sizes.0.0: "),
        ({"sizes": [8, 8], "channels": [3]}, "sizes.0: "),
        ({"sizes": [[8, 8]], "channels": [2]}, "channels.0: "),
        ({"sizes": [[8, 8]], "channels": []}, "need both sizes and channels"),
        ({"images": -1}, "images: "),
        ({"images": 1e300}, "images: "),
        ({"images": "many"}, "images: "),
        ({"splits": {"test": {"a": 1, "b": 1, "aligned": True}}}, "two domains need a split train"),
        ({"splits": {"train": {"a": 1, "b": 1, "c": 1, "aligned": True}}}, "splits.train.c: "),
        ({"splits": {"extra": {"a": 1, "b": 1, "aligned": True}}}, "splits.extra"),
        ({"splits": []}, "splits: "),
        ({"columns": ["image"]}, "has no splits of two domains"),
        ({"columns": ["hair"], "splits": {}}, "a table needs a column image"),
        ({"columns": ["image", "image"], "splits": {}}, "two columns have the same name"),
        ({"shards": {}}, "shards: "),
        ({"shards": [{"file": "x", "bytes": -1, "records": 1}]}, "shards.0.bytes: "),
        ({"shards": [{"file": "x", "bytes": 0.5, "records": 1}]}, "shards.0.bytes: "),
        ({"shards": [{"file": 7, "bytes": 1, "records": 1}]}, "shards.0.file: "),
        ({"tables": {"other.npy": {"bytes": 1, "sha256": ""}}}, "tables.other.npy"),
    ],
)
def test_impossible_values_are_refused_with_their_place(folder, values, where):
    change(folder, **values)
    sentence = message(folder)
    assert sentence.startswith(f"{folder / 'packed.json'} is not the index of a packed data set: ")
    assert where in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"version": ' * 50_000,
        "7",
        "null",
        '"text"',
        '{"version": 1' + "0" * 5000 + "}",
        '{"version": 1e999}',
        '{"version": NaN}',
        "\ufeff{}",
        "",
    ],
)
def test_json_that_is_no_index_is_refused(folder, text):
    (folder / "packed.json").write_text(text, "utf-8")
    sentence = message(folder)
    assert str(folder) in sentence
    assert len(sentence) < 1000


def test_an_index_that_is_no_text_is_refused(folder):
    (folder / "packed.json").write_bytes(b"\xff\xfe{}")
    assert "is not the index of a packed data set" in message(folder)


@pytest.mark.parametrize("name", ["packed.json", "images.jsonl", "records.npy"])
def test_vast_files_are_refused_before_they_are_read(folder, name):
    vast = 2**40  # a sparse file: it takes no space
    os.truncate(folder / name, vast)
    if name == "packed.json":
        assert "it has more than 256 MB" in message(folder)
        return
    tables = index_of(folder)["tables"]
    tables[name]["bytes"] = vast
    change(folder, tables=tables)
    assert f"has {vast} bytes, more than 16 images can need" in message(folder)
    change(folder, images=10**18)
    assert f"has {vast} bytes, more than {10**18} images can need" in message(folder)


def test_a_size_that_no_file_can_have_is_told_without_reading(folder):
    shards = index_of(folder)["shards"]
    shards[0]["bytes"] = 10**30
    change(folder, shards=shards)
    assert "is truncated" in message(folder)


def test_the_index_of_a_packed_set_is_valid(folder):
    text = (folder / "packed.json").read_text()
    assert read_index(folder).model_dump(mode="json") == json.loads(text)
    (folder / "images.jsonl").unlink()
    with pytest.raises(DataError, match=r"images.jsonl is missing"):
        read_index(folder)
