"""The metadata of packed images: `images.jsonl`, one line for each image."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tf_translate.data.packed.index import IMAGES, LONGEST_LINE, Index
from tf_translate.errors import DataError


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
        values: Any = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("it is no JSON object")
        for key in ("records", "cells"):
            if not isinstance(values.setdefault(key, []), list):
                raise ValueError(f"its {key} are no list")
            values[key] = tuple(values[key])
        entry = ImageEntry(**values)
        entry._check(records)
        return entry

    def _check(self, records: int) -> None:
        if not all(type(index) is int and 0 <= index < records for index in self.records):
            raise ValueError("it names a record that does not exist")
        if not self.records and not self.problem:
            raise ValueError("it has no record")
        texts = (self.name, self.problem, self.split, self.side, self.half, self.location)
        if not all(map(_is_text, (*texts, "" if self.label is None else self.label, *self.cells))):
            raise ValueError("its name, problem, metadata or cells are not text")
        if self.file_bytes is not None and (
            type(self.file_bytes) is not int or self.file_bytes < 0
        ):
            raise ValueError("file_bytes is no number of bytes")
        if self.half not in ("", "left", "right"):
            raise ValueError(f"half is {self.half[:20]!r}, neither left nor right")


def _is_text(value: Any) -> bool:
    """Whether a value is text that can be hashed, printed and be part of a path."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def read_entries(folder: Path, index: Index, records: int) -> list[ImageEntry]:
    """Reads the metadata of all images and checks it against the index.

    Args:
        folder: Folder of the packed data set.
        index: Its index.
        records: Its number of records.

    Raises:
        DataError: If a line is invalid, or the images are not those that the index counts.
    """
    path, stored_formats = folder / IMAGES, max(1, len(index.sizes) * len(index.channels))
    entries = []
    for number, line in enumerate(_read_lines(path), 1):
        try:
            entry = ImageEntry.from_json(line.decode("utf-8"), records)
            if len(entry.records) not in (0, stored_formats) or len(entry.cells) != len(
                index.columns
            ):
                raise ValueError("wrong number of records or cells")
            if not index.columns and (
                entry.split not in index.splits or entry.side not in ("a", "b")
            ):
                raise ValueError(
                    f"split {entry.split[:20]!r} and side {entry.side[:20]!r}, but the index has "
                    f"the splits {', '.join(index.splits)} of the sides a and b"
                )
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(
                f"{path} line {number} is not a valid image entry: {str(error)[:200]}"
            ) from error
        entries.append(entry)
    if len(entries) != index.images:
        raise DataError(f"{path} has {len(entries)} images, the index says {index.images}")
    _check_rows(path, index, entries) if index.columns else _check_domains(path, index, entries)
    return entries


def _read_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            yield line


def _check_rows(path: Path, index: Index, entries: Sequence[ImageEntry]) -> None:
    """Checks the number of rows of each split, as the table spells it."""
    if "split" in index.columns:
        column = index.columns.index("split")
        counts = Counter(entry.cells[column] for entry in entries)
    else:
        counts = Counter({"": len(entries)})
    for split in {**counts, **index.rows}:
        if counts[split] != index.rows.get(split, 0):
            raise DataError(
                f"{path} has {counts[split]} rows of the split {split[:20]!r}, the index says "
                f"{index.rows.get(split, 0)}; pack the data set again"
            )


def _check_domains(path: Path, index: Index, entries: Sequence[ImageEntry]) -> None:
    """Checks the number of images of each split and domain, and that labels are complete."""
    counts = Counter((entry.split, entry.side) for entry in entries)
    labelled = Counter((entry.split, entry.side) for entry in entries if entry.label is not None)
    for split, expected in index.splits.items():
        for side, number in (("a", expected.a), ("b", expected.b)):
            found, with_label = counts[split, side], labelled[split, side]
            if found != number:
                raise DataError(
                    f"{path} has {found} images of {side} in {split}, the index says {number}; "
                    "pack the data set again"
                )
            if with_label not in (0, found):
                raise DataError(
                    f"{path} has labels for {with_label} of the {found} images of {side} in "
                    f"{split}: it must be all, or none; pack the data set again"
                )
        if expected.aligned and expected.a != expected.b:
            raise DataError(
                f"{path} has {expected.a} images of a and {expected.b} of b in {split}, which the "
                "index says are pairs; pack the data set again"
            )
