"""The index of a packed data set: its contents, and the sizes and hashes that verify it.

The folder of a packed data set holds four kinds of files. `packed.json` is this index.
`images.jsonl` has one line for each image: its name, metadata and records. `records.npy` has the
position of each record. `images-00000.tfrecord` and so on hold the records. A record is one
complete image file. TFRecord has no random access of its own, but with the table of positions
one seek and one read give any image.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from tf_translate.config.data import Aspect, Interpolation, Sides
from tf_translate.config.settings import Settings
from tf_translate.errors import DataError

INDEX, IMAGES, RECORDS = "packed.json", "images.jsonl", "records.npy"
_LONGEST_NAME = 255  # bytes of a file name, as on most file systems
_LARGEST_INDEX = 256 * 2**20  # bytes; it names each shard, and each image that was skipped
_LARGEST_TABLE = 8 * 2**30  # bytes: 40 million images
LONGEST_LINE = 2**20  # bytes of the metadata of an image
VERSION = 3
HEADER, FOOTER = 12, 4  # bytes that TFRecord writes before and after a record: length and checksums
RECORD = np.dtype([("shard", "<u4"), ("offset", "<u8"), ("bytes", "<u8"), ("crc32", "<u4")])


class Shard(Settings):
    """One file of records."""

    file: str
    bytes: int = Field(ge=0)
    records: int = Field(ge=1)


class TableFile(Settings):
    """Size and hash of `images.jsonl` or `records.npy`."""

    bytes: int = Field(ge=0)
    sha256: str


class DomainCounts(Settings):
    """Numbers of images of both domains of a split, and whether equal positions are pairs."""

    a: int = Field(ge=0)
    b: int = Field(ge=0)
    aligned: bool


class Index(Settings):
    """Contents of a packed data set: either `splits` of two domains, or `rows` with `columns`."""

    version: int
    created_by: str
    source: str
    layout: str
    images: int = Field(ge=1)
    splits: dict[Literal["train", "validation", "test"], DomainCounts] = Field(default={})
    rows: dict[str, int] = Field(
        default={}
    )  # split as the table spells it -> number of rows; "" without a column split
    columns: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    sizes: tuple[
        Sides, ...
    ] = ()  # (height, width) that images were resized to; () for original files
    channels: tuple[Literal[1, 3, 4], ...] = ()
    # How images were brought to `sizes`; None for original files.
    aspect: Aspect | None = None
    interpolation_a: Interpolation | None = None
    interpolation_b: Interpolation | None = None
    white_level: int | None = Field(default=None, ge=1, le=65535)
    shards: tuple[Shard, ...]
    tables: dict[Literal["images.jsonl", "records.npy"], TableFile]

    @model_validator(mode="after")
    def _is_complete(self) -> "Index":
        if self.columns and ("image" not in self.columns or self.splits):
            raise ValueError("a table needs a column image, and has no splits of two domains")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("two columns have the same name")
        if not self.columns and ("train" not in self.splits or self.rows):
            raise ValueError("two domains need a split train, and have no rows")
        if bool(self.sizes) != bool(self.channels):
            raise ValueError("resized images need both sizes and channels")
        return self


def is_packed(path: Path) -> bool:
    """Whether a folder holds a packed data set."""
    return (path / INDEX).is_file()


def write_index(folder: Path, index: Index) -> None:
    """Writes the index of a folder. Called last, when all other files are complete."""
    text = json.dumps(index.model_dump(mode="json"), indent=1)
    (folder / INDEX).write_text(text + "\n", "utf-8")


def measure_file(folder: Path, name: str) -> TableFile:
    """Computes size and hash of a file."""
    with (folder / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return TableFile(bytes=file.tell(), sha256=digest.hexdigest())


def read_index(folder: Path) -> Index:
    """Reads an index and checks the path, size and hash of every file that it names.

    Shards are checked by size alone: each record has a checksum, which is verified when the
    record is read.

    Raises:
        DataError: If the index has another version or is invalid, or a file does not match it.
    """
    path = folder / INDEX
    if path.stat().st_size > _LARGEST_INDEX:
        raise DataError(f"{path} is no index of a packed data set: it has more than 256 MB")
    try:
        values = json.loads(path.read_text("utf-8"))
        version = values["version"] if isinstance(values, dict) else None
        if isinstance(version, int) and version > VERSION:
            raise DataError(
                f"{folder} was packed by a newer tf-translate (format {version}, this one reads "
                f"{VERSION}): upgrade tf-translate, or pack the data set again"
            )
        if isinstance(version, int) and version < VERSION:
            raise DataError(
                f"{folder} was packed by an older tf-translate (format {version}, this one reads "
                f"{VERSION}): pack the data set again"
            )
        index = Index.model_validate(values)
    except (ValueError, KeyError, RecursionError) as error:
        raise DataError(
            f"{path} is not the index of a packed data set: {_describe(error)}"
        ) from error
    for name in (*(shard.file for shard in index.shards), IMAGES, RECORDS):
        _check_inside(folder, name)
    for shard in index.shards:
        _check_size(folder / shard.file, shard.bytes)
    for name in (IMAGES, RECORDS):
        expected = index.tables.get(name)  # type: ignore[call-overload]
        if expected is None:
            raise DataError(f"{path} does not list {name}; pack the data set again")
        _check_size(folder / name, expected.bytes)
        if expected.bytes > _largest_table(index)[name]:
            raise DataError(
                f"{folder / name} has {expected.bytes} bytes, more than {index.images} images can "
                "need; pack the data set again"
            )
        if measure_file(folder, name) != expected:
            raise DataError(
                f"{folder / name} has changed since it was packed; pack the data set again"
            )
    return index


def _largest_table(index: Index) -> dict[str, int]:
    """The most bytes that each table can have: their hashes are computed, which takes time."""
    records = sum(shard.records for shard in index.shards)
    needed = {IMAGES: index.images * LONGEST_LINE, RECORDS: records * RECORD.itemsize + 2**16}
    return {name: min(size, _LARGEST_TABLE) for name, size in needed.items()}


def _describe(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:100]
        return f"{where}: {first['msg']}" if where else first["msg"]
    return f"no {error}" if isinstance(error, KeyError) else str(error)[:200]


def _check_inside(folder: Path, name: str) -> None:
    try:
        is_inside = (folder / name).resolve().is_relative_to(folder.resolve())
    except (RuntimeError, OSError, ValueError):  # a link to itself, or no text of a path
        is_inside = False
    is_file_name = name == Path(name).name and 0 < len(os.fsencode(name)) <= _LONGEST_NAME
    if not is_inside or not is_file_name:
        raise DataError(
            f"the index of {folder} names {name[:60]!r}, which is outside the folder or no name of "
            "a file; use a folder that tf-translate data pack wrote"
        )


def _check_size(path: Path, expected: int) -> None:
    if not path.is_file():
        raise DataError(f"{path} is missing; copy the packed data set again, or pack it again")
    size = path.stat().st_size
    if size != expected:
        difference = "is truncated" if size < expected else "is too long"
        raise DataError(
            f"{path} {difference}: it has {size} bytes, the index says {expected}; copy the packed "
            "data set again, or pack it again"
        )
