"""Metadata of packed images that is invalid, or does not agree with the index."""

import json
import tracemalloc

import pytest

from tests.data.image_files import config, named_pairs, plain
from tests.data.packed.packed_folders import (
    change,
    index_of,
    message,
    pack_folder,
    replace_lines,
    replace_table,
)
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.errors import DataError


@pytest.fixture
def folder(tmp_path):
    return pack_folder(named_pairs(tmp_path / "original"), tmp_path / "packed")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{}", "missing 2 required"),
        ("7", "no JSON object"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ('{"a": ' * 50_000, ""),
        ("[" * 50_000, ""),
        ('{"records": [99]}', "a record that does not exist"),
        ('{"records": [-1]}', "a record that does not exist"),
        ('{"records": [0.5]}', "a record that does not exist"),
        ('{"records": [true]}', "a record that does not exist"),
        ('{"records": [1e999]}', "a record that does not exist"),
        ('{"records": [1' + "0" * 5000 + "]}", ""),
        ('{"records": "0"}', "its records are no list"),
        ('{"records": {"0": 0}}', "its records are no list"),
        ('{"records": []}', "it has no record"),
        ('{"records": [0, 1]}', "wrong number of records"),
        ('{"cells": ["x"]}', "wrong number of records or cells"),
        ('{"cells": "x"}', "its cells are no list"),
        ('{"name": 7}', "are not text"),
        ('{"name": null}', "are not text"),
        ('{"name": "a\\u0000b"}', "are not text"),
        ('{"name": "\\ud800"}', "are not text"),
        ('{"label": 3}', "are not text"),
        ('{"label": 0}', "are not text"),
        ('{"file_bytes": -1}', "file_bytes is no number of bytes"),
        ('{"file_bytes": 0.5}', "file_bytes is no number of bytes"),
        ('{"file_bytes": "1"}', "file_bytes is no number of bytes"),
        ('{"half": "top"}', "half is 'top'"),
        (
            '{"side": "c"}',
            "side 'c', but the index has the splits train, test of the sides a and b",
        ),
        ('{"side": ""}', "side ''"),
        ('{"side": "ab"}', "side 'ab'"),
        ('{"split": "extra"}', "split 'extra'"),
        ('{"split": ["train"]}', "are not text"),
        ('{"evil": 1}', "unexpected keyword"),
    ],
)
def test_an_invalid_line_is_refused_with_its_number(folder, line, reason):
    lines = (folder / "images.jsonl").read_text().splitlines(keepends=True)
    if line.endswith("}") and len(line) > 2:
        valid = json.dumps(json.loads(lines[1]))
        line = f"{valid[:-1]}, {line[1:]}"  # of two equal keys the last counts
    text = "".join([lines[0], line + "\n", *lines[2:]])
    replace_table(folder, "images.jsonl", text.encode())
    sentence = message(folder)
    assert f"{folder / 'images.jsonl'} line 2 is not a valid image entry: " in sentence
    assert reason in sentence
    assert "\n" not in sentence


def test_metadata_that_is_no_text_is_refused(folder):
    replace_table(folder, "images.jsonl", b"\xff\xfe\n")
    assert "images.jsonl line 1 is not a valid image entry: " in message(folder)


def test_a_line_that_never_ends_is_refused_without_memory(folder):
    replace_table(folder, "images.jsonl", b" " * 10 * 2**20)
    tracemalloc.start()
    sentence = message(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "images.jsonl line 1 is not a valid image entry: " in sentence
    assert peak < 2**23


def test_another_number_of_images_than_the_index_says_is_refused(folder):
    lines = (folder / "images.jsonl").read_text().splitlines(keepends=True)
    replace_table(folder, "images.jsonl", "".join(lines[1:]).encode())
    assert "has 15 images, the index says 16" in message(folder)


def test_wrong_counts_of_a_split_are_refused(folder):
    splits = index_of(folder)["splits"]
    for split, side in (("train", "a"), ("train", "b"), ("test", "b")):
        wrong = json.loads(json.dumps(splits))
        count = wrong[split][side]
        wrong[split][side] += 1
        change(folder, splits=wrong)
        sentence = f"has {count} images of {side} in {split}, the index says {count + 1}"
        assert sentence in message(folder)


def test_pairs_without_a_partner_are_refused(folder):
    def move(line):
        if line["split"] == "train" and line["name"] == "000":
            line["side"] = "a"

    replace_lines(folder, move)
    splits = index_of(folder)["splits"]
    splits["train"] |= {"a": 7, "b": 5}
    change(folder, splits=splits)
    assert "has 7 images of a and 5 of b in train, which the index says are pairs" in message(
        folder
    )


def test_labels_of_only_some_images_are_refused(folder):
    def label(line):
        if line["name"] == "000":
            line["label"] = "x"

    replace_lines(folder, label)
    sentence = message(folder)
    assert "has labels for 1 of the 6 images of a in train: it must be all, or none" in sentence


def test_wrong_counts_of_rows_are_refused(tmp_path):
    for split in ("train", "test"):
        for number in range(3):
            plain(tmp_path / "set" / split / f"{number}.png", number)
    folder = pack_folder(tmp_path / "set", tmp_path / "packed", layout="images")
    assert open_image_dataset(config(folder)).splits == {"train": 3, "test": 3}
    for rows in ({"train": 4, "test": 3}, {"train": 3}, {"train": 3, "test": 3, "val": -1}):
        change(folder, rows=rows)
        with pytest.raises(DataError, match=r"has \d rows of the split .*, the index says"):
            open_image_dataset(config(folder))
