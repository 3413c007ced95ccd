"""Tables in Parquet files: paths of images, or the images themselves as Hugging Face stores them.

A data set of Hugging Face is a folder of shards such as `data/train-00000-of-00002.parquet`, with a
column of `{bytes, path}`. Columns of text, numbers and truth values become columns of the table;
the bytes of images stay in the file and are read when an image is.
"""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tf_translate.config.data import cell_text
from tf_translate.data.image_format import ImageFormat
from tf_translate.data.layouts.attribute_table import (
    AttributeTable,
    LocatedRows,
    Row,
    list_names,
)
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.splits import SPLITS, ImageFileList, ImageList, file_fingerprint
from tf_translate.errors import DataError
from tf_translate.image_decoding import decode

_SHARD = re.compile(
    rf"(?P<split>{'|'.join(SPLIT_NAMES)})"
    r"(-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]{16})?)?\.parquet"
)
_MOST_ROWS = 20_000_000  # a file of a few kilobytes can claim billions of equal rows
_ROW_GROUPS = 2  # kept in memory; Hugging Face writes about 100 images into one


def find_shards(folder: Path) -> dict[str, list[Path]]:
    """Finds the shards of a data set of Hugging Face, in the folder or in its folder data.

    Returns:
        The files of each split; empty if there is none.

    Raises:
        DataError: If a shard is missing, or a split has several spellings.
    """
    for place in (folder, folder / "data"):
        if place.is_dir():
            shards = sorted(
                (path, match)
                for path in place.iterdir()
                if (match := _SHARD.fullmatch(path.name)) and path.is_file()
            )
            if shards:
                return _group_by_split(place, shards)
    return {}


def _group_by_split(
    folder: Path, shards: list[tuple[Path, re.Match[str]]]
) -> dict[str, list[Path]]:
    splits: dict[str, list[tuple[Path, re.Match[str]]]] = {}
    for path, match in shards:
        splits.setdefault(SPLIT_NAMES[match["split"]], []).append((path, match))
    for split, found in splits.items():
        spellings = list(dict.fromkeys(match["split"] for _, match in found))
        if len(spellings) > 1:
            raise DataError(
                f"{folder} has shards of {' and of '.join(spellings)}, which are the same split "
                f"{split}: keep one of them"
            )
        numbers = [(match["number"], match["count"]) for _, match in found]
        count = int(numbers[0][1] or 1)
        expected = [(f"{number:05d}", f"{count:05d}") for number in range(count)]
        if numbers not in (expected, [(None, None)]):
            names = [path.name for path, _ in found]
            raise DataError(
                f"{folder} must have every shard of the split {split} once, but has "
                f"{list_names(names)}; download the missing ones, and keep one version of each"
            )
    return {name: [path for path, _ in splits[name]] for name in SPLITS if name in splits}


def read_parquet(path: Path) -> AttributeTable:
    """Reads a table from one Parquet file.

    The image column is `image`, or else the only column that holds images. It holds paths (text),
    or the bytes of image files: a column of bytes, or of structs with the field bytes.

    Raises:
        DataError: If pyarrow is missing, or the file is damaged, empty or without images.
    """
    return _read_shards(path, [("", path)])


def read_shards(folder: Path) -> AttributeTable:
    """Reads the shards that `find_shards` found as one table; their names give the column split.

    Raises:
        DataError: As `read_parquet`; or if shards have other columns than the first.
    """
    shards = find_shards(folder)
    return _read_shards(
        folder, [(split, path) for split, paths in shards.items() for path in paths]
    )


@dataclass(frozen=True)
class _Shard:
    """A Parquet file of images; `stamp` is its size and the time of its last change."""

    file: str
    column: str
    stamp: str


@dataclass(frozen=True, slots=True)
class ParquetImage:
    """An image in a Parquet file: a row of a row group, which is the least that can be read.

    Attributes:
        shard: The file.
        name: Path in the table, or split and position.
        group, row: Position of the row group in the file, and of the image in it.
    """

    shard: _Shard
    name: str
    group: int
    row: int

    @property
    def origin(self) -> str:
        """Names file, row group and row in messages."""
        return f"{self.name} in {self.shard.file} (row group {self.group}, row {self.row})"

    def read_bytes(self) -> bytes:
        """Returns the bytes of the image; `DataError` if they cannot be read."""
        with _READING:  # so that threads that need the same row group read it once
            try:
                contents = _read_group(self.shard, self.group)[self.row].as_py()
            except _read_errors() as error:
                raise DataError(f"{self.origin} cannot be read: {_reason(error)}") from error
        if not contents:
            raise DataError(f"{self.origin} has no bytes; remove the row, or write its image")
        return bytes(contents)

    def decode(self, contents: bytes, channels: int, white_level: int | None = None) -> np.ndarray:
        """Decodes these bytes to uint8 `(h, w, channels)`."""
        return decode(contents, channels=channels, origin=self.origin, white_level=white_level)

    def decode_resized(self, image_format: ImageFormat) -> np.ndarray:
        """Decodes and resizes to a format."""
        contents = self.read_bytes()
        pixels = self.decode(contents, image_format.channels, image_format.white_level)
        return image_format.fit(pixels, self.origin)

    def check(self, image_format: ImageFormat) -> None:
        """Raises `DataError` if it cannot be decoded."""
        pixels = self.decode(self.read_bytes(), image_format.channels, image_format.white_level)
        image_format.notice_changes(pixels, self.origin)

    def cache_key(self) -> str:
        """Joins file, size, time of its last change and position."""
        return f"{self.shard.file}:{self.shard.stamp}:{self.group}:{self.row}"

    def fingerprint(self) -> str:
        """Joins name, size of the file and position."""
        size = self.shard.stamp.split()[0]
        return file_fingerprint(self.name, "", f"{size}:{self.group}:{self.row}")


_READING = threading.Lock()


@lru_cache(_ROW_GROUPS)
def _read_group(shard: _Shard, group: int) -> Any:
    """Returns the bytes of the images of a row group, as an array of Arrow."""
    from pyarrow import parquet, types

    with parquet.ParquetFile(shard.file) as file:
        table = file.read_row_group(group, columns=[shard.column])
    column = table.column(0).combine_chunks()
    return column.field("bytes") if types.is_struct(column.type) else column


def _read_shards(path: Path, shards: Sequence[tuple[str, Path]]) -> AttributeTable:
    arrow = _import(path)
    rows: LocatedRows = []
    files: list[ParquetImage] = []
    columns: tuple[str, ...] = ()
    for split, shard in shards:
        try:
            with arrow.parquet.ParquetFile(shard) as file:
                found, embedded = _read_rows(file, shard, split)
        except _read_errors() as error:
            raise DataError(
                f"the table {shard} cannot be read as Parquet: {_reason(error)}; download or write "
                "it again"
            ) from error
        if found and columns not in ((), tuple(found[0][1])):
            raise DataError(
                f"{shard} has the columns {', '.join(found[0][1])}, but {shards[0][1].name} has "
                f"{', '.join(columns)}; the shards of a data set must have the same"
            )
        columns = tuple(found[0][1]) if found else columns
        rows += found
        files += embedded
    if not rows:
        raise DataError(f"the table {path} has no rows; it must have one for each image")
    if not files:
        return AttributeTable(path, columns, rows, shards[0][1].parent)
    if len(files) != len(rows):
        raise DataError(
            f"{path} has images in some shards and paths of images in others; write all in one way"
        )
    return _with_images(path, columns, rows, files)


def _with_images(
    path: Path, columns: tuple[str, ...], rows: LocatedRows, files: list[ParquetImage]
) -> AttributeTable:
    """Returns a table of embedded images; rows are named by path if every path is there once."""
    names = [row["image"] for _, row in rows]
    if not all(names) or len(set(names)) < len(names):
        names = [f"{row.get('split', 'row')}/{i:06d}" for i, (_, row) in enumerate(rows)]
    image_of = {
        name: ParquetImage(image.shard, os.path.splitext(name)[0], image.group, image.row)
        for name, image in zip(names, files, strict=True)
    }
    named_rows: LocatedRows = [
        (location, {**row, "image": name})
        for name, (location, row) in zip(names, rows, strict=True)
    ]

    def open_images(rows: list[Row], labels: Sequence[str] | None) -> ImageList:
        return ImageFileList([image_of[row["image"]] for row in rows], labels)

    return AttributeTable(path, columns, named_rows, path, open_images)


def _read_rows(file: Any, shard: Path, split: str) -> tuple[LocatedRows, list[ParquetImage]]:
    """Reads the rows of a file without the bytes of images, and where these are."""
    schema = file.schema_arrow
    if file.metadata.num_rows > _MOST_ROWS:
        raise DataError(
            f"the table {shard} says it has {file.metadata.num_rows:,} rows; at most "
            f"{_MOST_ROWS:,} are read; split it into several data sets"
        )
    if len(set(schema.names)) < len(schema.names):
        raise DataError(f"the table {shard} names a column twice; rename one of them")
    image_column, kind = _image_column(schema, shard)
    scalars = [field.name for field in schema if _is_scalar(field.type)]
    cells = file.read(columns=[name for name in scalars if name != image_column]).to_pydict()
    count = file.metadata.num_rows
    texts = {"image": _names(file, image_column, kind, count)}
    texts |= {name: [cell_text(cell) for cell in column] for name, column in cells.items()}
    if split:
        texts["split"] = [split] * count
    label = f"{shard.name} row" if split else "row"
    rows: LocatedRows = [
        (f"{label} {index}", dict(zip(texts, values, strict=True)))
        for index, values in enumerate(zip(*texts.values(), strict=True), 1)
    ]
    embedded = [] if kind == "text" else list(_locate(file, shard, image_column, kind))
    return rows, embedded


def _image_column(schema: Any, shard: Path) -> tuple[str, str]:
    """Returns the column of images, and what it holds: "text" (paths), "bytes" or "struct"."""
    kinds = {field.name: _kind_of(field.type) for field in schema}
    embedded = [name for name, kind in kinds.items() if kind in ("bytes", "struct")]
    if kinds.get("image"):
        return "image", kinds["image"]
    if "image" not in kinds and len(embedded) == 1:
        return embedded[0], kinds[embedded[0]]
    raise DataError(
        f"the table {shard} must have a column image of paths (text) or of images (bytes, or "
        "structs with the field bytes), or one column of images by another name; it has the "
        f"columns {', '.join(schema.names)}"
    )


def _kind_of(dtype: Any) -> str:
    """Says how a column can hold images: "text", "bytes", "struct", or "" if it cannot."""
    from pyarrow import types

    if types.is_dictionary(dtype):
        return _kind_of(dtype.value_type)
    if types.is_string(dtype) or types.is_large_string(dtype):
        return "text"
    if types.is_binary(dtype) or types.is_large_binary(dtype):
        return "bytes"
    fields = {field.name: field.type for field in dtype} if types.is_struct(dtype) else {}
    return "struct" if "bytes" in fields and _kind_of(fields["bytes"]) == "bytes" else ""


def _is_scalar(dtype: Any) -> bool:
    from pyarrow import types

    return not types.is_nested(dtype) and _kind_of(dtype) != "bytes"


def _names(file: Any, column: str, kind: str, count: int) -> list[str]:
    """Returns the paths of the images; "" where there is none."""
    if kind == "text":
        return [
            str(cell or "").strip() for cell in file.read(columns=[column]).column(0).to_pylist()
        ]
    has_paths = kind == "struct" and any(
        field.name == "path" for field in file.schema_arrow.field(column).type
    )
    if not has_paths:
        return [""] * count
    cells = file.read(columns=[f"{column}.path"]).column(0).to_pylist()
    return [str((cell or {}).get("path") or "") for cell in cells]


def _locate(file: Any, shard: Path, column: str, kind: str) -> Iterator[ParquetImage]:
    status = shard.stat()
    source = _Shard(
        str(shard.resolve()),
        f"{column}.bytes" if kind == "struct" else column,
        f"{status.st_size} {status.st_mtime_ns}",
    )
    for group in range(file.metadata.num_row_groups):
        for row in range(file.metadata.row_group(group).num_rows):
            yield ParquetImage(source, "", group, row)


def _import(path: Path) -> ModuleType:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(f"{path} needs the package pyarrow: pip install pyarrow") from error
    return pyarrow


def _read_errors() -> tuple[type[Exception], ...]:
    """What pyarrow raises for damaged files: also text that is no UTF-8, and impossible dates."""
    from pyarrow import ArrowException

    return ArrowException, OSError, ValueError, OverflowError, IndexError


def _reason(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]
