"""Reads a packed data set: any image with one seek, in the order and splits of the original."""

import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.data.layouts.attribute_table import AttributeTable, Row
from tf_translate.data.packed.index import (
    FOOTER,
    IMAGES,
    INDEX,
    RECORD,
    RECORDS,
    Index,
    read_index,
)
from tf_translate.data.splits import (
    SPLITS,
    DomainSource,
    ImageFileList,
    ImageList,
    Split,
    file_fingerprint,
    take_half,
)
from tf_translate.errors import DataError

_OPEN_SHARDS = 64  # files kept open; a process may open about a thousand


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """The metadata of one packed image: one line of `images.jsonl`.

    Attributes:
        name: Name of the image in its `ImageList`.
        file_bytes: Size of the original file; None if it was missing.
        records: Indices of its records: one, or one for each size and number of channels; none
            if the image was damaged.
        problem: Why it could not be decoded when it was packed, or "".
        split, side, half, label: Metadata of an image of a domain.
        location, cells: Metadata of a table row: its location in the table file, and its cells
            in the order of the columns.
    """

    name: str
    file_bytes: int | None
    records: tuple[int, ...]
    problem: str = ""
    split: str = ""
    side: str = ""
    half: str = ""
    label: str | None = None
    location: str = ""
    cells: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Formats the entry as one line of JSON, without empty fields."""
        fields = {key: value for key, value in asdict(self).items() if value not in ("", (), None)}
        return json.dumps({**fields, "file_bytes": self.file_bytes}) + "\n"

    @staticmethod
    def from_json(text: str, records: int) -> "ImageEntry":
        """Parses a line; ValueError or TypeError if it is invalid for so many records."""
        values: dict[str, Any] = json.loads(text)
        values["records"] = tuple(int(index) for index in values.get("records", ()))
        values["cells"] = tuple(values.get("cells", ()))
        entry = ImageEntry(**values)
        if not all(0 <= index < records for index in entry.records):
            raise ValueError("a record that does not exist")
        if not entry.records and not entry.problem:
            raise ValueError("it has no record")
        if not all(isinstance(value, str) for value in (entry.name, entry.problem, *entry.cells)):
            raise ValueError("its name, problem or cells are not text")
        return entry


class PackedDataset:
    """A folder that `writer.pack` wrote, checked against its index.

    Attributes:
        folder: Path of the folder.
        index: The index of the folder.
        entries: The metadata of each image.
        index_sha256: Hash of the index; it covers all tables and the sizes of all shards.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.index = folder, read_index(folder)
        self.index_sha256 = hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()
        self._records = _read_records(folder, self.index)
        self.entries = _read_entries(folder, self.index, len(self._records))
        self._opened = lru_cache(_OPEN_SHARDS)(self._open)

    def read_record(self, index: int) -> bytes:
        """Reads one record; safe to call from any thread.

        Raises:
            DataError: If it cannot be read, or its checksum is wrong.
        """
        shard, offset, size, checksum = self._records[index].tolist()
        path = self.folder / self.index.shards[shard].file
        try:
            file = self._opened(shard)
            # Threads share the file, so read at an offset instead of seeking. The local
            # variable keeps the file open if the cache drops it.
            contents = os.pread(file.fileno(), size, offset)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        if zlib.crc32(contents) != checksum:
            raise DataError(
                f"{path} is damaged at byte {offset}: the checksum of an image does not match; "
                "copy the packed data set again, or pack it again"
            )
        return contents

    def record_position(self, size: tuple[int, int], channels: int) -> int | None:
        """Returns which of an image's records has this size and channels; None if none has.

        If the original files are stored, the only record serves every size and channels.
        """
        if not self.index.sizes:
            return 0
        if size not in self.index.sizes or channels not in self.index.channels:
            return None
        first = self.index.sizes.index(size) * len(self.index.channels)
        return first + [*self.index.channels].index(channels)  # type: ignore[arg-type]

    def require(self, config: DataConfig, channels: Sequence[int]) -> None:
        """Raises `DataError` unless every size and channels of the settings is stored."""
        load_size = config.load_size or config.size
        for setting, size in (("data.size", config.size), ("data.load_size", load_size)):
            for count in channels:
                if self.record_position(size, count) is None:
                    sizes = ", ".join(f"{height} {width}" for height, width in self.index.sizes)
                    counts = ", ".join(map(str, self.index.channels))
                    raise DataError(
                        f"{self.folder} stores images of the sizes {sizes} with {counts} channels, "
                        f"but {setting} is {list(size)} with {count} channels; use one of these "
                        "values, or pack the data set again with this --size, --load-size and "
                        "--channels, or without these options"
                    )

    def _open(self, shard: int) -> FileIO:
        return FileIO(self.folder / self.index.shards[shard].file)


@dataclass(frozen=True, slots=True)
class PackedImage:
    """One image of a packed data set."""

    pack: PackedDataset
    entry: ImageEntry

    @property
    def name(self) -> str:
        """The name of the original file."""
        return self.entry.name

    def read_bytes(self) -> bytes:
        """Returns the original file, or the image at the first stored size."""
        self.check(3)
        return self.pack.read_record(self.entry.records[0])

    def decode(self, contents: bytes, channels: int) -> np.ndarray:
        """Decodes its contents to uint8 `(h, w, channels)`."""
        origin = f"{self.name} in {self.pack.folder}"
        pixels = images.decode(contents, channels=channels, origin=origin)
        return pixels if self.pack.index.sizes else take_half(pixels, self.entry.half, origin)

    def decode_resized(self, size: tuple[int, int], channels: int) -> np.ndarray:
        """Decodes and resizes to uint8 `(*size, channels)`; equals that of the original file."""
        self.check(channels)
        position = self.pack.record_position(size, channels)
        if position is None:
            raise DataError(
                f"{self.pack.folder} stores no images of size {size} with {channels} channels"
            )
        contents = self.pack.read_record(self.entry.records[position])
        return images.resize(self.decode(contents, channels), size)

    def check(self, channels: int) -> None:
        """Raises `DataError` if it could not be decoded when it was packed. Reads no file."""
        if self.entry.problem:
            raise DataError(self.entry.problem)

    def cache_key(self) -> str:
        """Joins the hash of the index with records and half of this image."""
        return f"{self.pack.index_sha256}:{self.entry.records}:{self.entry.half}"

    def fingerprint(self) -> str:
        """Returns the fingerprint of the original file."""
        size = "missing" if self.entry.file_bytes is None else self.entry.file_bytes
        return file_fingerprint(self.name, self.entry.half, size)


def read_source(pack: PackedDataset) -> DomainSource:
    """Opens the two domains of a packed data set."""
    splits: dict[str, Split] = {}
    for name in SPLITS:
        if name in pack.index.splits:
            entries = [entry for entry in pack.entries if entry.split == name]
            a, b = (
                _open_images(pack, [entry for entry in entries if entry.side == side])
                for side in "ab"
            )
            splits[name] = Split(a, b, aligned=pack.index.splits[name].aligned)
    return DomainSource(f"the data set packed in {pack.folder}", splits)


def read_table(pack: PackedDataset) -> AttributeTable:
    """Opens the attribute table of a packed data set."""
    columns = pack.index.columns
    rows = [
        (entry.location, dict(zip(columns, entry.cells, strict=True))) for entry in pack.entries
    ]
    entry_of = {row["image"]: entry for (_, row), entry in zip(rows, pack.entries, strict=True)}

    def open_rows(rows: list[Row], labels: Sequence[str] | None) -> ImageList:
        images = [PackedImage(pack, entry_of[row["image"]]) for row in rows]
        return ImageFileList(images, labels)

    return AttributeTable(
        pack.folder, columns, rows, pack.folder, open_rows, skipped=pack.index.skipped
    )


def _open_images(pack: PackedDataset, entries: Sequence[ImageEntry]) -> ImageFileList:
    labels = [entry.label for entry in entries if entry.label is not None]
    return ImageFileList([PackedImage(pack, entry) for entry in entries], labels or None)


def _read_records(folder: Path, index: Index) -> np.ndarray:
    path = folder / RECORDS
    try:
        records = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} is not a table of records: {error}") from error
    if records.dtype != RECORD or records.ndim != 1:
        raise DataError(f"{path} is not a table of records: it holds {records.dtype}")
    sizes = np.array([shard.bytes for shard in index.shards], np.uint64)
    if len(records) and int(records["shard"].max()) >= len(sizes):
        raise DataError(f"{path} names a shard that is not in the index of {folder}")
    room = sizes[records["shard"]]
    starts, lengths = records["offset"], records["bytes"]
    inside = (starts <= room) & (lengths <= room) & (starts + lengths + FOOTER <= room)
    if not inside.all():
        raise DataError(f"{path} names records beyond the end of their shard; pack it again")
    return records


def _read_entries(folder: Path, index: Index, records: int) -> list[ImageEntry]:
    path, stored_formats = folder / IMAGES, max(1, len(index.sizes) * len(index.channels))
    entries = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            entry = ImageEntry.from_json(text, records)
            if len(entry.records) not in (0, stored_formats) or len(entry.cells) != len(
                index.columns
            ):
                raise ValueError("wrong number of records or cells")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path} line {number} is not a valid image entry: {error}") from error
        entries.append(entry)
    if len(entries) != index.images:
        raise DataError(f"{path} has {len(entries)} images, the index says {index.images}")
    return entries
