"""Reads a packed data set: any image with one seek, in the order and splits of the original."""

import hashlib
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import FileIO
from pathlib import Path

import numpy as np

from tf_translate.config.data import DataConfig
from tf_translate.data.image_format import ImageFormat
from tf_translate.data.layouts.attribute_table import AttributeTable, Row
from tf_translate.data.packed.image_entries import ImageEntry, read_entries
from tf_translate.data.packed.index import INDEX, read_index
from tf_translate.data.packed.record_table import read_records
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
from tf_translate.image_decoding import decode

_OPEN_SHARDS = 64  # files kept open; a process may open about a thousand


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
        self._records = read_records(folder, self.index)
        self.entries = read_entries(folder, self.index, len(self._records))
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
        """Raises `DataError` unless every size and channels of the settings is stored, alike."""
        for setting, (requested, stored) in self._how_resized(config).items():
            if self.index.sizes and requested != stored:
                raise DataError(
                    f"{self.folder} stores images that were resized with {setting} {stored}, but "
                    f"data.{setting} is {requested}; set data.{setting} to {stored}, or pack the "
                    "data set again with the options of this value, or without --size"
                )
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

    def _how_resized(self, config: DataConfig) -> dict[str, tuple[object, object]]:
        """By setting: its value, and the one that the images were resized with."""
        index = self.index
        stored_a, stored_b = index.interpolation_a, index.interpolation_b
        if index.columns:  # one set of images, which all are a
            stored_b = stored_a if config.domain_column else config.interpolation_b
        elif config.direction == "b_to_a":
            stored_a, stored_b = stored_b, stored_a
        return {
            "aspect": (config.aspect, index.aspect),
            "interpolation_a": (config.interpolation_a, stored_a),
            "interpolation_b": (config.interpolation_b, stored_b),
            "white_level": (config.white_level, index.white_level),
        }

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
        self._refuse_damaged()
        return self.pack.read_record(self.entry.records[0])

    def decode(self, contents: bytes, channels: int, white_level: int | None = None) -> np.ndarray:
        """Decodes its contents to uint8 `(h, w, channels)`."""
        origin = f"{self.name} in {self.pack.folder}"
        pixels = decode(contents, channels=channels, origin=origin, white_level=white_level)
        return pixels if self.pack.index.sizes else take_half(pixels, self.entry.half, origin)

    def decode_resized(self, image_format: ImageFormat) -> np.ndarray:
        """Decodes and resizes to a format; equals the result of the original file."""
        self.check(image_format)
        size, channels = image_format.size, image_format.channels
        position = self.pack.record_position(size, channels)
        if position is None:
            raise DataError(
                f"{self.pack.folder} stores no images of size {size} with {channels} channels"
            )
        contents = self.pack.read_record(self.entry.records[position])
        pixels = self.decode(contents, channels, image_format.white_level)
        return image_format.fit(pixels, f"{self.name} in {self.pack.folder}")

    def check(self, image_format: ImageFormat) -> None:
        """Raises `DataError` if it could not be decoded when it was packed. Reads no file."""
        self._refuse_damaged()

    def _refuse_damaged(self) -> None:
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
