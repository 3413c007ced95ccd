"""Packed data sets that are damaged, of a newer version, or read with other settings."""

import shutil

import numpy as np
import pytest

from tests.data.image_files import config, named_pairs, plain
from tests.data.packed.packed_folders import change, message, pack_folder
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.packed.writer import PackingOptions
from tf_translate.errors import DataError


@pytest.fixture
def folder(tmp_path):
    return pack_folder(named_pairs(tmp_path / "original"), tmp_path / "packed")


def shards(folder):
    return sorted(folder.glob("*.tfrecord"))


def test_a_truncated_shard_is_found_before_a_image_is_read(folder):
    shard = shards(folder)[1]
    contents = shard.read_bytes()
    shard.write_bytes(contents[:-5])
    sentence = message(folder)
    assert f"{shard} is truncated: it has {len(contents) - 5} bytes" in sentence
    assert f"the index says {len(contents)}" in sentence
    shard.write_bytes(contents + b"more")
    assert f"{shard} is too long" in message(folder)
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
    assert f"{shard} is damaged at byte 12: the checksum of an image does not match" in sentence
    data = open_domain_dataset(config(folder, cache=cache, on_error="skip"))
    assert data.splits["train"] == (5, 5)
    assert len(data.skipped) == 1


def test_a_shard_damaged_during_training_raises_a_data_error(folder):
    import tensorflow as tf

    data = open_domain_dataset(config(folder, cache="none"))
    for shard in shards(folder):
        shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(tf.errors.OpError, match=r"DataError: .* is damaged at byte"):
        list(data.training(batch_size=2, seed=0).take(1))


def test_a_set_of_a_newer_version_is_refused(folder):
    change(folder, version=4, created_by="tf-translate 9", unknown=1)
    assert "was packed by a newer tf-translate (format 4, this one reads 3)" in message(folder)


@pytest.mark.parametrize(
    "name", ["../outside.tfrecord", "/etc/passwd", "..", "a/b", "", "a\0b", "x" * 300]
)
def test_a_path_outside_the_folder_is_refused(folder, name):
    (folder.parent / "outside.tfrecord").write_bytes(b"0" * 10)
    change(folder, shards=[{"file": name, "bytes": 10, "records": 1}])
    assert f"names {name[:60]!r}, which is outside the folder or no name of a file" in message(
        folder
    )


def test_a_link_to_a_file_outside_the_folder_is_refused(folder):
    shard = shards(folder)[0]
    shutil.move(shard, folder.parent / "elsewhere")
    shard.symlink_to(folder.parent / "elsewhere")
    assert "which is outside the folder or no name of a file" in message(folder)
    shard.unlink()
    shard.symlink_to(shard.name)
    assert "which is outside the folder or no name of a file" in message(folder)


@pytest.mark.parametrize("name", ["images.jsonl", "records.npy"])
def test_a_changed_table_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    assert f"{folder / name} has changed since it was packed" in message(folder)
    (folder / name).write_bytes(content[:-1])
    assert f"{folder / name} is truncated" in message(folder)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not the index of a packed data set"),
        ("[]", "is not the index of a packed data set"),
        ("{}", "no 'version'"),
        ('{"version": 3}', "Field required"),
        ('{"version": "1.5"}', "version: "),
    ],
)
def test_an_invalid_index_is_refused_with_its_path(folder, text, reason):
    (folder / "packed.json").write_text(text)
    sentence = message(folder)
    assert str(folder / "packed.json") in sentence
    assert reason in sentence


def test_a_resized_set_can_be_read_at_its_own_sizes_and_channels_only(tmp_path):
    how = PackingOptions(sizes=((8, 8), (10, 10)), channels=(1, 3))
    folder = pack_folder(
        named_pairs(tmp_path / "original", size=(12, 12)), tmp_path / "packed", how
    )
    open_domain_dataset(config(folder, load_size=(10, 10), channels_a=1))
    sentence = message(folder, size=(6, 6))
    assert "stores images of the sizes 8 8, 10 10 with 1, 3 channels" in sentence
    assert "but data.size is [6, 6] with 3 channels" in sentence
    assert "data.load_size is [9, 9]" in message(folder, load_size=(9, 9))
    assert "data.size is [8, 8] with 4 channels" in message(folder, channels_b=4)


@pytest.mark.parametrize("aspect", ["letterbox", "crop"])
def test_a_resized_set_has_the_pixels_of_its_aspect_and_is_read_with_it_only(tmp_path, aspect):
    original = named_pairs(tmp_path / "original", size=(12, 20))
    how = PackingOptions(sizes=((8, 8),), channels=(3,), aspect=aspect)
    folder = pack_folder(original, tmp_path / "packed", how)
    expected, found = (
        open_domain_dataset(config(each, aspect=aspect)).arrays("train")[0]
        for each in (original, folder)
    )
    np.testing.assert_array_equal(found, expected)
    sentence = message(folder)
    assert (
        f"resized with aspect {aspect}, but data.aspect is stretch; set data.aspect to" in sentence
    )


def test_a_packed_set_can_be_read_with_its_own_layout_only(folder, tmp_path):
    assert "has layout 'named_pairs'" in message(folder, layout="side_by_side")
    assert "label_column is for tables" in message(folder, label_column="x")
    with pytest.raises(DataError, match=r"was packed as two domains .*--layout images, ages"):
        open_image_dataset(config(folder))
    with pytest.raises(DataError, match="was packed as two domains"):
        open_attribute_dataset(config(folder, attributes={"glasses": ["0", "1"]}))
    for number in range(4):
        plain(tmp_path / "images" / f"{number}.png", number)
    one_set = pack_folder(tmp_path / "images", tmp_path / "one", layout="images")
    assert "set data.domain_column, data.domain_a and data.domain_b" in message(one_set)
    with pytest.raises(DataError, match="has no column 'age'"):
        open_attribute_dataset(config(one_set, attributes={"age": ["0-18", "19+"]}))


def test_a_moved_packed_set_keeps_its_cache(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(cache))
    first = open_domain_dataset(config(folder, cache="disk")).arrays("train")
    cached_files = sorted(cache.iterdir())
    moved = shutil.move(folder, tmp_path / "moved")
    again = open_domain_dataset(config(moved, cache="disk")).arrays("train")
    np.testing.assert_array_equal(again, first)
    assert sorted(cache.iterdir()) == cached_files


def test_another_packed_set_in_the_same_folder_is_decoded_again(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    first = open_domain_dataset(config(folder, cache="disk")).arrays("train")[0]
    shutil.rmtree(folder)
    # Names and sizes of files are the same, one pixel is not.
    plain(tmp_path / "original" / "train" / "a" / "000.png", 77)
    pack_folder(tmp_path / "original", folder)
    again = open_domain_dataset(config(folder, cache="disk")).arrays("train")[0]
    assert np.flatnonzero((again != first).any((1, 2, 3))).tolist() == [0]
