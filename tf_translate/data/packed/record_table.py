"""Reads `records.npy`, the position of every record of a packed data set."""

import os
from pathlib import Path
from typing import IO, Any

import numpy as np

from tf_translate.data.packed.index import FOOTER, HEADER, RECORD, RECORDS, Index
from tf_translate.errors import DataError


def read_records(folder: Path, index: Index) -> np.ndarray:
    """Reads the positions of all records: `RECORD`, shape `(records,)`.

    The file is read only after its header is known to agree with its size.

    Raises:
        DataError: If the file is no such table, or a record lies outside of the shards.
    """
    path = folder / RECORDS
    with path.open("rb") as file:
        count = _read_header(file, path)
        records = np.fromfile(file, RECORD, count)
    _check_positions(records, index, path)
    return records


def _read_header(file: IO[bytes], path: Path) -> int:
    """Reads the header of the array; returns the number of records that follow."""
    readers: dict[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        shape, _, dtype = readers[np.lib.format.read_magic(file)](file)
    except Exception as error:  # a forged header may raise anything
        raise DataError(f"{path} is not a table of records: {_reason(error)}") from error
    if dtype != RECORD or len(shape) != 1:
        raise DataError(f"{path} is not a table of records: it holds {str(dtype)[:60]} {shape}")
    room = os.fstat(file.fileno()).st_size - file.tell()
    if shape[0] < 0 or shape[0] * RECORD.itemsize != room:
        raise DataError(
            f"{path} is not a table of records: its header says {shape[0]} records of "
            f"{RECORD.itemsize} bytes, but {room} bytes follow; pack the data set again"
        )
    return int(shape[0])


def _reason(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0][:200]


def _check_positions(records: np.ndarray, index: Index, path: Path) -> None:
    sizes = np.array([shard.bytes for shard in index.shards], np.uint64)
    if len(records) and int(records["shard"].max()) >= len(sizes):
        raise DataError(f"{path} names a shard that is not in the index of {path.parent}")
    room = sizes[records["shard"]]
    starts, lengths = records["offset"], records["bytes"]
    inside = (starts <= room) & (lengths <= room) & (starts + lengths + FOOTER <= room)
    if not inside.all():
        raise DataError(f"{path} names records beyond the end of their shard; pack it again")
    if not (starts >= HEADER).all():
        raise DataError(f"{path} names records before the first of their shard; pack it again")
    counts = np.bincount(records["shard"], minlength=len(sizes))
    for shard, count in zip(index.shards, counts.tolist(), strict=True):
        if count != shard.records:
            raise DataError(
                f"{path} has {count} records of {shard.file}, the index says {shard.records}; "
                "pack the data set again"
            )
