"""Tables of records with forged headers and positions: refused before anything is allocated."""

import tracemalloc

import numpy as np
import pytest

from tests.data.image_files import named_pairs
from tests.data.packed.packed_folders import (
    change,
    index_of,
    message,
    pack_folder,
    replace_array,
    replace_table,
)
from tf_translate.data.packed.index import RECORD


@pytest.fixture
def folder(tmp_path):
    return pack_folder(named_pairs(tmp_path / "original"), tmp_path / "packed")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("offset", 10**6, "records beyond the end of their shard"),
        ("offset", 2**64 - 1, "records beyond the end of their shard"),
        ("bytes", 2**64 - 1, "records beyond the end of their shard"),
        ("offset", 0, "records before the first of their shard"),
        ("shard", 99, "names a shard that is not in the index"),
        ("shard", 2**32 - 1, "names a shard that is not in the index"),
        ("shard", 1, "the index says"),
    ],
)
def test_positions_outside_of_the_shards_are_refused(folder, column, value, reason):
    changed = np.load(folder / "records.npy")
    changed[column][0] = value
    replace_array(folder, changed)
    assert reason in message(folder)


def test_arrays_of_another_kind_are_refused(folder):
    for array, kind in (
        (np.zeros(3), "float64"),
        (np.zeros((2, 2), RECORD), "shard"),
        (np.zeros((), RECORD), "shard"),
        (np.array([{"an": "object"}]), "object"),
    ):
        replace_array(folder, array)
        sentence = message(folder)
        assert "records.npy is not a table of records: it holds" in sentence
        assert kind in sentence


@pytest.mark.parametrize(
    "shape",
    [
        "(10**15,)",
        "(-1,)",
        "(3.5,)",
        "(999999999999999,)",
        "(15,)",
        "(True,)",
        "'x'",
        "(" * 3000,
        "None",
    ],
)
def test_a_header_that_does_not_agree_with_the_size_is_refused_without_memory(folder, shape):
    contents = (folder / "records.npy").read_bytes()
    start = 10 + int.from_bytes(contents[8:10], "little")
    shape = shape.replace("10**15", str(10**15))
    header = f"{{'descr': {RECORD.descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    forged = contents[:8] + len(header).to_bytes(2, "little") + header + contents[start:]
    replace_table(folder, "records.npy", forged)
    tracemalloc.start()
    sentence = message(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "records.npy is not a table of records" in sentence
    assert peak < 2**26


@pytest.mark.parametrize("contents", [b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00", b"PK\x03\x04" * 30])
def test_files_that_are_no_array_are_refused(folder, contents):
    replace_table(folder, "records.npy", contents)
    assert "records.npy is not a table of records" in message(folder)


def test_a_wrong_number_of_records_in_a_shard_is_refused(folder):
    shards = index_of(folder)["shards"]
    count = shards[0]["records"]
    shards[0]["records"] = count + 1
    change(folder, shards=shards)
    assert f"has {count} records of {shards[0]['file']}, the index says {count + 1}" in message(
        folder
    )
