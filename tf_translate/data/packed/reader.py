"""A packed data set, read: any image by one seek, in the order and splits of the original."""

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
from tf_translate.data.layouts.attribute_table import Row, Table
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
    ImageFiles,
    Images,
    Source,
    Split,
    half_of,
    identity_of,
)
from tf_translate.errors import DataError

_OPEN_SHARDS = 64  # files that are kept open; the system allows a process about a thousand


@dataclass(frozen=True, slots=True)
class Line:
    """What is said of one image.

    Attributes:
        name: As its `Images` had it.
        file_bytes: Of the original file; None if it was missing.
        records: Where it lies: one record, or one for each size and number of channels; none if
            it was broken.
        problem: Why it could not be decoded when it was packed, or "".
        split, side, half, label: Of a image of a domain.
        place, cells: Of a row of a table: where it was, and its cells in the order of the columns.
    """

    name: str
    file_bytes: int | None
    records: tuple[int, ...]
    problem: str = ""
    split: str = ""
    side: str = ""
    half: str = ""
    label: str | None = None
    place: str = ""
    cells: tuple[str, ...] = ()

    def text(self) -> str:
        """As one line of JSON, without what is not said."""
        said = {key: value for key, value in asdict(self).items() if value not in ("", (), None)}
        return json.dumps({**said, "file_bytes": self.file_bytes}) + "\n"

    @staticmethod
    def of(text: str, records: int) -> "Line":
        """Reads it; ValueError or TypeError if it is none of so many records."""
        values: dict[str, Any] = json.loads(text)
        values["records"] = tuple(int(number) for number in values.get("records", ()))
        values["cells"] = tuple(values.get("cells", ()))
        line = Line(**values)
        if not all(0 <= number < records for number in line.records):
            raise ValueError("a record that is not there")
        if not line.records and not line.problem:
            raise ValueError("it has no record")
        if not all(isinstance(word, str) for word in (line.name, line.problem, *line.cells)):
            raise ValueError("its name, problem or cells are no text")
        return line


class Pack:
    """A folder that `packing.pack` wrote, whole as far as its index can tell.

    Attributes:
        folder: Where it is.
        index: What it says of itself.
        lines: What it says of each image.
        stamp: Hash of the index, and so of all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.index = folder, read_index(folder)
        self.stamp = hashlib.sha256((folder / INDEX).read_bytes()).hexdigest()
        self._records = _read_records(folder, self.index)
        self.lines = _read_lines(folder, self.index, len(self._records))
        self._opened = lru_cache(_OPEN_SHARDS)(self._open)

    def record(self, number: int) -> bytes:
        """One record, from any thread.

        Raises:
            DataError: If it cannot be read whole, or is not what was written.
        """
        shard, offset, size, checksum = self._records[number].tolist()
        path = self.folder / self.index.shards[shard].file
        try:
            file = self._opened(shard)
            # By place, not by seek: threads share the file. Held here, it outlives the cache.
            found = os.pread(file.fileno(), size, offset)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        if zlib.crc32(found) != checksum:
            raise DataError(
                f"{path} is damaged at byte {offset}: the checksum of a image is another; copy "
                "the packed data set again, or pack it again"
            )
        return found

    def form(self, size: tuple[int, int], channels: int) -> int | None:
        """Which of a image's records has this form; None if it is not kept.

        Where images are kept as they were, the only record serves every form.
        """
        if not self.index.sizes:
            return 0
        if size not in self.index.sizes or channels not in self.index.channels:
            return None
        place = self.index.sizes.index(size) * len(self.index.channels)
        return place + [*self.index.channels].index(channels)  # type: ignore[arg-type]

    def require(self, config: DataConfig, channels: Sequence[int]) -> None:
        """Raises `DataError` unless images are kept in every form that settings ask for."""
        load_size = config.load_size or config.size
        for setting, size in (("data.size", config.size), ("data.load_size", load_size)):
            for count in channels:
                if self.form(size, count) is None:
                    kept = ", ".join(f"{height} {width}" for height, width in self.index.sizes)
                    counts = ", ".join(map(str, self.index.channels))
                    raise DataError(
                        f"{self.folder} keeps images of the sizes {kept} with {counts} channels, "
                        f"but {setting} is {list(size)} with {count} channels; set it to one of "
                        "them, or pack the data set again with that --size, --load-size and "
                        "--channels, or with none of them"
                    )

    def _open(self, shard: int) -> FileIO:
        return FileIO(self.folder / self.index.shards[shard].file)


@dataclass(frozen=True, slots=True)
class PackedImage:
    """A image of a packed data set."""

    pack: Pack
    line: Line

    @property
    def name(self) -> str:
        """As that of the file it was."""
        return self.line.name

    def contents(self) -> bytes:
        """The file it was, or the first of the sizes that are kept."""
        self.check(3)
        return self.pack.record(self.line.records[0])

    def decode(self, contents: bytes, channels: int) -> np.ndarray:
        """Uint8 `(h, w, channels)` of its contents."""
        origin = f"{self.name} in {self.pack.folder}"
        pixels = images.decode(contents, channels=channels, origin=origin)
        return pixels if self.pack.index.sizes else half_of(pixels, self.line.half, origin)

    def formed(self, size: tuple[int, int], channels: int) -> np.ndarray:
        """Uint8 `(*size, channels)`, the same numbers as from the original file."""
        self.check(channels)
        form = self.pack.form(size, channels)
        if form is None:
            raise DataError(f"{self.pack.folder} keeps no images of {size} with {channels}")
        contents = self.pack.record(self.line.records[form])
        return images.resize(self.decode(contents, channels), size)

    def check(self, channels: int) -> None:
        """Raises `DataError` if it could not be decoded when it was packed; reads nothing."""
        if self.line.problem:
            raise DataError(self.line.problem)

    def stamp(self) -> str:
        """Of all, and which it is."""
        return f"{self.pack.stamp}:{self.line.records}:{self.line.half}"

    def identity(self) -> str:
        """That of the file it was."""
        size = "missing" if self.line.file_bytes is None else self.line.file_bytes
        return identity_of(self.name, self.line.half, size)


def read_source(pack: Pack) -> Source:
    """The two domains of a packed data set, split by split."""
    splits: dict[str, Split] = {}
    for name in SPLITS:
        if name in pack.index.splits:
            of_split = [line for line in pack.lines if line.split == name]
            a, b = (
                _images(pack, [line for line in of_split if line.side == side]) for side in "ab"
            )
            splits[name] = Split(a, b, aligned=pack.index.splits[name].aligned)
    return Source(f"the data set packed in {pack.folder}", splits)


def read_table(pack: Pack) -> Table:
    """The table of a packed data set of image -> columns."""
    columns = pack.index.columns
    rows = [(line.place, dict(zip(columns, line.cells, strict=True))) for line in pack.lines]
    line_of = {row["image"]: line for (_, row), line in zip(rows, pack.lines, strict=True)}

    def opened(chosen: list[Row], labels: Sequence[str] | None) -> Images:
        lines = [line_of[row["image"]] for row in chosen]
        return ImageFiles([PackedImage(pack, line) for line in lines], labels)

    return Table(pack.folder, columns, rows, pack.folder, opened, skipped=pack.index.skipped)


def _images(pack: Pack, lines: Sequence[Line]) -> ImageFiles:
    labels = [line.label for line in lines if line.label is not None]
    return ImageFiles([PackedImage(pack, line) for line in lines], labels or None)


def _read_records(folder: Path, index: Index) -> np.ndarray:
    path = folder / RECORDS
    try:
        records = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DataError(f"{path} is no table of records: {error}") from error
    if records.dtype != RECORD or records.ndim != 1:
        raise DataError(f"{path} is no table of records: it holds {records.dtype}")
    sizes = np.array([shard.bytes for shard in index.shards], np.uint64)
    if len(records) and int(records["shard"].max()) >= len(sizes):
        raise DataError(f"{path} names a shard that the index of {folder} does not")
    room = sizes[records["shard"]]
    starts, lengths = records["offset"], records["bytes"]
    inside = (starts <= room) & (lengths <= room) & (starts + lengths + FOOTER <= room)
    if not inside.all():
        raise DataError(f"{path} names records beyond the end of their shard; pack it again")
    return records


def _read_lines(folder: Path, index: Index, records: int) -> list[Line]:
    path, forms = folder / IMAGES, max(1, len(index.sizes) * len(index.channels))
    lines = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            line = Line.of(text, records)
            if len(line.records) not in (0, forms) or len(line.cells) != len(index.columns):
                raise ValueError("another number of records or cells")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{path} line {number} is not of a image: {error}") from error
        lines.append(line)
    if len(lines) != index.images:
        raise DataError(f"{path} has {len(lines)} images, the index says {index.images}")
    return lines
