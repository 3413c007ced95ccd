"""The index of a packed data set: what it holds, and how to tell that it is whole.

A folder holds `packed.json` (this index), `images.jsonl` (a line a image: its name, what is
said of it, and which records it is), `records.npy` (where each record lies) and
`images-00000.tfrecord` and so on. A record of these is a image file, undivided: TFRecord has
no random access of its own, but with the table of places one seek and one read give any image.
"""

import hashlib
import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from tf_translate.config.data import Size
from tf_translate.config.settings import Settings
from tf_translate.errors import DataError

INDEX, IMAGES, RECORDS = "packed.json", "images.jsonl", "records.npy"
VERSION = 1
HEADER, FOOTER = 12, 4  # bytes that TFRecord puts around a record: length and checksums
RECORD = np.dtype([("shard", "<u4"), ("offset", "<u8"), ("bytes", "<u8"), ("crc32", "<u4")])


class Shard(Settings):
    """A file of records."""

    file: str
    bytes: int = Field(ge=0)
    records: int = Field(ge=1)


class Table(Settings):
    """A file that says where the records are and what they show."""

    bytes: int = Field(ge=0)
    sha256: str


class Sides(Settings):
    """How many images the domains of a split have, and whether they are pairs in order."""

    a: int = Field(ge=0)
    b: int = Field(ge=0)
    aligned: bool


class Index(Settings):
    """What a packed data set holds: either `splits` of two domains or `rows` with `columns`."""

    version: int
    made_by: str
    source: str
    layout: str
    images: int = Field(ge=1)
    splits: dict[Literal["train", "validation", "test"], Sides] = Field({})
    rows: dict[str, int] = Field({})  # by split as the table spells it; "" without a column split
    columns: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    sizes: tuple[Size, ...] = ()  # (height, width) that images were brought to; () as they were
    channels: tuple[Literal[1, 3, 4], ...] = ()
    shards: tuple[Shard, ...]
    tables: dict[Literal["images.jsonl", "records.npy"], Table]


def is_packed(path: Path) -> bool:
    """Whether a folder holds a packed data set."""
    return (path / INDEX).is_file()


def write_index(folder: Path, index: Index) -> None:
    """Writes the index of a folder that holds all the rest."""
    text = json.dumps(index.model_dump(mode="json"), indent=1)
    (folder / INDEX).write_text(text + "\n", "utf-8")


def table_of(folder: Path, name: str) -> Table:
    """Size and hash of a file as it is."""
    found = (folder / name).read_bytes()
    return Table(bytes=len(found), sha256=hashlib.sha256(found).hexdigest())


def read_index(folder: Path) -> Index:
    """Reads an index and checks every file that it names: there, inside, of its size, its hash.

    Shards are checked by size alone: each record has its own checksum, looked at when it is read.

    Raises:
        DataError: If it is of a newer form, is no index, or a file is not as it says.
    """
    path = folder / INDEX
    try:
        values = json.loads(path.read_text("utf-8"))
        version = values["version"] if isinstance(values, dict) else None
        if isinstance(version, int) and version > VERSION:
            raise DataError(
                f"{folder} was packed by a newer tf-translate (form {version}, this one reads up "
                f"to {VERSION}): upgrade tf-translate, or pack the data set again"
            )
        index = Index.model_validate(values)
    except (ValueError, KeyError, RecursionError) as error:
        raise DataError(f"{path} is not the index of a packed data set: {_first(error)}") from error
    for name in (*(shard.file for shard in index.shards), IMAGES, RECORDS):
        _check_inside(folder, name)
    for shard in index.shards:
        _check_size(folder / shard.file, shard.bytes)
    for name in (IMAGES, RECORDS):
        expected = index.tables.get(name)  # type: ignore[call-overload]
        if expected is None:
            raise DataError(f"{path} says nothing of {name}; pack the data set again")
        _check_size(folder / name, expected.bytes)
        if table_of(folder, name) != expected:
            raise DataError(f"{folder / name} was changed since it was packed; pack it again")
    return index


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        told = error.errors()[0]
        return f"{'.'.join(map(str, told['loc']))}: {told['msg']}"
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def _check_inside(folder: Path, name: str) -> None:
    plain = bool(name) and name == Path(name).name and "\0" not in name
    if not plain or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"the index of {folder} names {name!r}, which leads outside the folder; use a folder "
            "that tf-translate data pack wrote"
        )


def _check_size(path: Path, expected: int) -> None:
    if not path.is_file():
        raise DataError(f"{path} is missing; copy the packed data set again, or pack it again")
    found = path.stat().st_size
    if found != expected:
        cut = "was cut short" if found < expected else "has grown"
        raise DataError(
            f"{path} {cut}: it has {found} bytes, the index says {expected}; copy the packed data "
            "set again, or pack it again"
        )
