"""Packed data sets that were damaged, are from the future, or want to be read as they are not."""

import json
import shutil

import numpy as np
import pytest

from tests.data.drawn import config, named_pairs, plain
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_data
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.packed.sources import find_to_pack
from tf_translate.data.packed.writer import Packing, pack
from tf_translate.errors import DataError


def packed_of(path, output, how=None, layout="auto"):
    data, found = find_to_pack(str(path), layout)
    pack(data, output, how or Packing(shard_bytes=700), layout=found)
    return output


@pytest.fixture
def folder(tmp_path):
    return packed_of(named_pairs(tmp_path / "original"), tmp_path / "packed")


def message(folder, **settings) -> str:
    with pytest.raises(DataError) as raised:
        open_data(config(folder, **settings))
    sentence = str(raised.value)
    assert "Traceback" not in sentence
    return sentence


def change(folder, **values):
    path = folder / "packed.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def shards(folder):
    return sorted(folder.glob("*.tfrecord"))


def rewritten(folder, name, content):
    """Puts another table into a packed set, with the size and hash that its index then says."""
    import hashlib

    (folder / name).write_bytes(content)
    tables = json.loads((folder / "packed.json").read_text())["tables"]
    tables[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change(folder, tables=tables)


def test_a_shard_that_was_cut_short_is_found_before_a_image_is_read(folder):
    shard = shards(folder)[1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-5])
    sentence = message(folder)
    assert f"{shard} was cut short: it has {len(whole) - 5} bytes" in sentence
    assert f"the index says {len(whole)}" in sentence
    shard.write_bytes(whole + b"more")
    assert f"{shard} has grown" in message(folder)
    shard.unlink()
    assert f"{shard} is missing" in message(folder)


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_a_changed_byte_is_found_by_the_checksum(folder, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    shard = shards(folder)[0]
    damaged = bytearray(shard.read_bytes())
    damaged[40] ^= 1  # within the first image
    shard.write_bytes(damaged)
    sentence = message(folder, cache=cache)
    assert f"{shard} is damaged at byte 12: the checksum of a image is another" in sentence
    data = open_data(config(folder, cache=cache, on_error="skip"))
    assert data.splits["train"] == (5, 5)
    assert len(data.skipped) == 1


def test_damage_during_training_ends_it_with_that_sentence(folder):
    import tensorflow as tf

    data = open_data(config(folder, cache="none"))
    for shard in shards(folder):
        shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(tf.errors.OpError, match=r"DataError: .* is damaged at byte"):
        list(data.training(batch_size=2, seed=0).take(1))


def test_a_set_of_the_future_is_refused(folder):
    change(folder, version=2, made_by="tf-translate 9", surprise=1)
    assert "was packed by a newer tf-translate (form 2, this one reads up to 1)" in message(folder)


@pytest.mark.parametrize("name", ["../outside.tfrecord", "/etc/passwd", "..", "a/b", ""])
def test_a_path_outside_the_folder_is_refused(folder, name):
    (folder.parent / "outside.tfrecord").write_bytes(b"0" * 10)
    change(folder, shards=[{"file": name, "bytes": 10, "records": 1}])
    assert f"names {name!r}, which leads outside the folder" in message(folder)


def test_a_link_that_leaves_the_folder_is_refused(folder):
    shard = shards(folder)[0]
    shutil.move(shard, folder.parent / "elsewhere")
    shard.symlink_to(folder.parent / "elsewhere")
    assert "leads outside the folder" in message(folder)


@pytest.mark.parametrize("name", ["images.jsonl", "records.npy"])
def test_a_changed_table_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    assert f"{folder / name} was changed since it was packed" in message(folder)
    (folder / name).write_bytes(content[:-1])
    assert f"{folder / name} was cut short" in message(folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not the index of a packed data set"),
        ("[]", "is not the index of a packed data set"),
        ("{}", "no 'version'"),
        ('{"version": 1}', "Field required"),
        ('{"version": "1.5"}', "version: "),
    ],
)
def test_what_is_no_index_is_named(folder, text, reason):
    (folder / "packed.json").write_text(text)
    sentence = message(folder)
    assert str(folder / "packed.json") in sentence
    assert reason in sentence


def test_tables_that_agree_with_the_index_but_not_with_the_shards_are_refused(folder):
    places = np.load(folder / "records.npy")
    for column, value, reason in (
        ("offset", 10**6, "records beyond the end of their shard"),
        ("bytes", 2**64 - 1, "records beyond the end of their shard"),
        ("shard", 99, "names a shard that the index"),
    ):
        changed = places.copy()
        changed[column][3] = value
        np.save(folder / "new.npy", changed)
        rewritten(folder, "records.npy", (folder / "new.npy").read_bytes())
        assert reason in message(folder)
    np.save(folder / "new.npy", np.zeros(3))
    rewritten(folder, "records.npy", (folder / "new.npy").read_bytes())
    assert "is no table of records: it holds float64" in message(folder)
    np.save(folder / "new.npy", np.array([{"an": "object"}]), allow_pickle=True)
    rewritten(folder, "records.npy", (folder / "new.npy").read_bytes())
    assert "is no table of records" in message(folder)


def test_lines_that_are_of_no_image_are_refused(folder):
    lines = (folder / "images.jsonl").read_text().splitlines(keepends=True)
    for line, reason in (
        ("{}", "is not of a image"),
        ("7", "is not of a image"),
        ('{"name": "x", "file_bytes": 1, "records": [99]}', "a record that is not there"),
        ('{"name": "x", "file_bytes": 1, "records": []}', "it has no record"),
        ('{"name": 7, "file_bytes": 1, "records": [0]}', "are no text"),
        ('{"name": "x", "file_bytes": 1, "records": [0, 1]}', "another number of records"),
        ('{"name": "x", "file_bytes": 1, "records": [0], "evil": 1}', "unexpected keyword"),
    ):
        text = "".join([lines[0], line + "\n", *lines[2:]])
        rewritten(folder, "images.jsonl", text.encode())
        sentence = message(folder)
        assert "images.jsonl line 2 is not of a image" in sentence
        assert reason in sentence
    rewritten(folder, "images.jsonl", "".join(lines[1:]).encode())
    assert "has 15 images, the index says 16" in message(folder)


def test_a_resized_set_serves_its_own_sizes_and_channels_only(tmp_path):
    how = Packing(sizes=((8, 8), (10, 10)), channels=(1, 3))
    folder = packed_of(named_pairs(tmp_path / "original", size=(12, 12)), tmp_path / "packed", how)
    open_data(config(folder, load_size=(10, 10), channels_a=1))
    sentence = message(folder, size=(6, 6))
    assert "keeps images of the sizes 8 8, 10 10 with 1, 3 channels" in sentence
    assert "but data.size is [6, 6] with 3 channels" in sentence
    assert "data.load_size is [9, 9]" in message(folder, load_size=(9, 9))
    assert "data.size is [8, 8] with 4 channels" in message(folder, channels_b=4)


def test_a_set_is_read_as_it_was_packed(folder, tmp_path):
    assert "is read with layout 'named_pairs'" in message(folder, layout="side_by_side")
    assert "label_column is for tables" in message(folder, label_column="x")
    with pytest.raises(DataError, match=r"was packed as two domains .*--layout images, ages"):
        open_image_dataset(config(folder))
    with pytest.raises(DataError, match="was packed as two domains"):
        open_attribute_dataset(config(folder, attributes={"glasses": ["0", "1"]}))
    for number in range(4):
        plain(tmp_path / "heap" / f"{number}.png", number)
    heap = packed_of(tmp_path / "heap", tmp_path / "one", layout="images")
    assert "set domain_column, domain_a and domain_b" in message(heap)
    with pytest.raises(DataError, match="has no column 'age'"):
        open_attribute_dataset(config(heap, attributes={"age": ["0-18", "19+"]}))


def test_a_packed_set_may_be_moved_and_keeps_its_cache(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(cache))
    first = open_data(config(folder, cache="disk")).arrays("train")
    kept = sorted(cache.iterdir())
    moved = shutil.move(folder, tmp_path / "moved")
    again = open_data(config(moved, cache="disk")).arrays("train")
    np.testing.assert_array_equal(again, first)
    assert sorted(cache.iterdir()) == kept


def test_another_set_in_the_same_place_is_decoded_anew(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    first = open_data(config(folder, cache="disk")).arrays("train")[0]
    shutil.rmtree(folder)
    # Names and sizes of files are the same, one pixel is not.
    plain(tmp_path / "original" / "train" / "a" / "000.png", 77)
    packed_of(tmp_path / "original", folder)
    again = open_data(config(folder, cache="disk")).arrays("train")[0]
    assert np.flatnonzero((again != first).any((1, 2, 3))).tolist() == [0]
