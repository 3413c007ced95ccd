"""Images inside Parquet files, in shards as Hugging Face publishes them."""

import io
import os

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from tests.data.image_files import config, values
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.layouts import parquet_table
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.errors import DataError

STRUCT = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
BY_LABEL = {"domain_column": "label", "domain_a": "0", "domain_b": "1"}


def png(value) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def write(path, images, rows_per_group=2, column="image", dtype=STRUCT, **columns):
    """Writes a Parquet file with a column of images and others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {column: pyarrow.array(images, dtype), **columns}
    parquet.write_table(pyarrow.table(arrays), path, row_group_size=rows_per_group)
    return path


def structs(numbers, named=True):
    return [{"bytes": png(n), "path": f"{n}.png" if named else None} for n in numbers]


def shards(folder, place="data", named=True):
    """Writes images 0 to 4 and 5 to 7 as two training shards, 8 and 9 for test."""
    for name, numbers in (
        ("train-00000-of-00002", range(5)),
        ("train-00001-of-00002", range(5, 8)),
        ("test-00000-of-00001", range(8, 10)),
    ):
        images = structs(numbers, named)
        write(folder / place / f"{name}.parquet", images, label=[n % 2 for n in numbers])
    return folder


def message(path) -> str:
    with pytest.raises(DataError) as raised:
        open_image_dataset(config(path))
    return str(raised.value)


@pytest.mark.parametrize("place", ["data", ""])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("cache", ["memory", "disk", "none"])
def test_shards_are_split_by_the_beginning_of_their_names(
    tmp_path, monkeypatch, place, named, cache
):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    folder = shards(tmp_path / "set", place, named)
    data = open_image_dataset(config(folder, cache=cache))
    assert data.splits == {"train": 8, "test": 2}
    assert values(data.images("train", at=range(8))) == list(range(8))
    assert values(data.images("test", at=[1, 0])) == [9, 8]


def test_columns_of_shards_make_domains_labels_and_attributes(tmp_path):
    folder = shards(tmp_path)
    a, b = open_domain_dataset(config(folder, **BY_LABEL)).arrays("train")
    assert (values(a), values(b)) == ([0, 2, 4, 6], [1, 3, 5, 7])
    data = open_attribute_dataset(config(folder, attributes={"label": ["0", "1"]}))
    assert data.values("test").ravel().tolist() == [0, 1]


def test_images_are_named_by_their_paths_or_else_by_their_positions(tmp_path):
    named = open_domain_dataset(config(shards(tmp_path / "named"), **BY_LABEL))
    assert named.names("test", "a") == ("8",)
    unnamed = open_domain_dataset(config(shards(tmp_path / "unnamed", named=False), **BY_LABEL))
    assert unnamed.names("test", "a") == ("test/000008",)


@pytest.mark.parametrize("dtype", [pyarrow.binary(), pyarrow.large_binary()])
def test_a_plain_column_of_bytes_holds_images_also_by_another_name(tmp_path, dtype):
    for column in ("image", "img"):
        path = write(
            tmp_path / f"{column}.parquet",
            [png(n) for n in range(6)],
            column=column,
            dtype=dtype,
            split=["train"] * 4 + ["test"] * 2,
        )
        data = open_image_dataset(config(path))
        assert values(data.images("train", at=range(4))) == [0, 1, 2, 3]
        assert values(data.images("test", at=range(2))) == [4, 5]


def test_packed_shards_give_the_same_images(tmp_path):
    folder = shards(tmp_path / "set", named=False)
    found, layout = find_to_pack(str(folder))
    pack(found, tmp_path / "packed", PackingOptions(), layout=layout)
    data = open_domain_dataset(config(tmp_path / "packed", **BY_LABEL))
    assert [values(side) for side in data.arrays("train")] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    single = write(tmp_path / "one.parquet", structs(range(4)), label=[0, 1, 0, 1])
    found, layout = find_to_pack(str(single))
    assert pack(found, tmp_path / "one", PackingOptions(), layout=layout).images == 4


def test_few_row_groups_are_in_memory_and_each_is_read_once_in_order(tmp_path):
    path = write(tmp_path / "train.parquet", structs(range(40)), rows_per_group=4)
    images = parquet_table.read_shards(tmp_path).images(parquet_table.read_shards(tmp_path).rows)
    parquet_table._read_group.cache_clear()
    for image in images.iterate():
        image.read_bytes()
    group_reads = parquet_table._read_group.cache_info()
    assert (group_reads.misses, group_reads.currsize) == (10, 2)
    assert path.is_file()


def test_a_file_that_changes_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "set" / "train.parquet"
    for value in (1, 2):
        write(path, structs([value] * 3))
        os.utime(path, ns=(value, value))
        data = open_image_dataset(config(tmp_path / "set", cache="disk"))
        assert values(data.images("train", at=[0])) == [value]


def test_damaged_images_are_named_with_their_file_or_skipped(tmp_path):
    images = [*structs(range(3)), {"bytes": b"no image", "path": "x.png"}, None]
    path = write(tmp_path / "train.parquet", images)
    sentence = message(tmp_path)
    assert f"x in {path} (row group 1, row 1)" in sentence or "row group 1, row 1" in sentence
    assert "has no bytes" in sentence
    data = open_image_dataset(config(tmp_path, on_error="skip"))
    assert (data.splits, len(data.skipped)) == ({"train": 3}, 2)


def test_incomplete_and_ambiguous_shards_are_refused(tmp_path):
    folder = shards(tmp_path / "incomplete")
    (folder / "data" / "train-00001-of-00002.parquet").unlink()
    sentence = message(folder)
    assert "must have every shard of the split train once, but has train-00000-of-00002" in sentence
    folder = shards(tmp_path / "spelt")
    write(folder / "data" / "val-00000-of-00001.parquet", structs([1]), label=[0])
    write(folder / "data" / "validation-00000-of-00001.parquet", structs([1]), label=[0])
    assert "has shards of val and of validation, which are the same split" in message(folder)
    folder = shards(tmp_path / "columns")
    write(folder / "data" / "validation.parquet", structs([1]))
    assert "validation.parquet has the columns image, split, but" in message(folder)


@pytest.mark.parametrize("cut", [0, 3, 100, -8, -1])
def test_a_damaged_shard_is_refused_by_name(tmp_path, cut):
    folder = shards(tmp_path)
    path = folder / "data" / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    assert f"the table {path} cannot be read as Parquet" in message(folder)


def test_a_file_that_claims_too_many_rows_is_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_table, "_MOST_ROWS", 5)
    folder = shards(tmp_path)
    write(folder / "data" / "validation.parquet", structs(range(6)), label=[0] * 6)
    assert "validation.parquet says it has 6 rows; at most 5 are read" in message(folder)


def test_text_that_is_not_utf8_is_refused(tmp_path):
    bad = pyarrow.array([b"\xff\xfe", b"ok"]).view(pyarrow.string())
    write(tmp_path / "train.parquet", structs(range(2)), label=bad)
    assert "cannot be read as Parquet" in message(tmp_path)
