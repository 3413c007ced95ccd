"""Reads a table of pairs or unpaired images: `split,a,b`, with paths relative to the table."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tf_translate.data.layouts.csv_table import read_csv, read_header
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.image_cells import image_files
from tf_translate.data.splits import (
    SPLITS,
    DomainSource,
    ImageFileList,
    Split,
    format_list,
    list_names,
)
from tf_translate.errors import DataError

COLUMNS = ("split", "a", "b")
_ALL_COLUMNS = (*COLUMNS, "label_a", "label_b")


@dataclass(frozen=True)
class _Row:
    """One line of the table: `split` by its standard name, and cells by column, "" if missing."""

    line: int
    split: str
    cells: dict[str, str]


def read_table(path: Path) -> DomainSource:
    """Reads a table of images of two domains.

    A row with both `a` and `b` is a pair; a row with one of them is an unpaired image. A split
    is aligned if all its rows are pairs. The optional columns `label_a` and `label_b` hold the
    class of every image of a domain, or are empty.

    Args:
        path: Table of text as for `csv_table.read_csv`, with the columns split, a and b.

    Raises:
        DataError: If the file, a column or a cell is invalid. The message names file and line.
    """
    rows = _read_rows(path)
    _check_labels(path, rows)
    splits, notes = {}, [*_unused_columns(path)]
    for name in SPLITS:
        chosen = [row for row in rows if row.split == name]
        if chosen:
            splits[name] = _split(path, chosen)
            notes += _some_pairs(name, chosen)
    if "train" not in splits:
        raise DataError(
            f"the table {path} must have rows of the split train, and has none: set its column "
            "split to train in some rows"
        )
    return DomainSource(f"the table {path}", splits, notes=tuple(notes))


def _unused_columns(path: Path) -> Iterator[str]:
    unused = [each for each in read_header(path) if each not in _ALL_COLUMNS and each]
    if unused:
        yield (
            f"columns of the table {path} that are not used: {list_names(unused)}; those used are "
            f"{', '.join(_ALL_COLUMNS)}"
        )


def _some_pairs(split: str, rows: list[_Row]) -> Iterator[str]:
    """A note if some rows of a split are pairs and others are not."""
    single = [row for row in rows if not (row.cells["a"] and row.cells["b"])]
    if 0 < len(single) < len(rows):
        verb = "has" if len(single) == 1 else "have"
        yield (
            f"{split}: {len(single):,} of {len(rows):,} rows {verb} no a or no b, such as line "
            f"{single[0].line}, so the whole split counts as unpaired and has no ground truth"
        )


def has_domains(path: Path) -> bool:
    """Whether a table of text lists images by domain: it has a column `a` or `b`."""
    return bool({"a", "b"} & set(read_header(path)))


def _read_rows(path: Path) -> list[_Row]:
    problems: list[str] = []
    rows = [_parse_row(line, cells, problems) for line, cells in read_csv(path, COLUMNS)]
    if problems:
        raise DataError(f"the table {path} has invalid rows:{format_list(problems)}")
    return rows


def _parse_row(line: int, cells: dict[str, str], problems: list[str]) -> _Row:
    cells = {column: (cells.get(column) or "").strip() for column in _ALL_COLUMNS}
    split = cells["split"]
    if split not in SPLIT_NAMES:
        problems.append(f"line {line}: split {split!r} is none of {', '.join(SPLIT_NAMES)}")
    elif not cells["a"] and not cells["b"]:
        problems.append(f"line {line}: both a and b are empty")
    problems += [
        f"line {line}: label_{side} is {cells[f'label_{side}']!r}, but {side} is empty"
        for side in "ab"
        if cells[f"label_{side}"] and not cells[side] and (cells["a"] or cells["b"])
    ]
    return _Row(line, SPLIT_NAMES.get(split, split), cells)


def _check_labels(path: Path, rows: list[_Row]) -> None:
    for side in "ab":
        rows_of_side = [row for row in rows if row.cells[side]]
        without = [f"line {row.line}" for row in rows_of_side if not row.cells[f"label_{side}"]]
        if without and len(without) < len(rows_of_side):
            raise DataError(
                f"the table {path} has label_{side} for only some images of {side}; "
                f"give every image of a domain a label, or none:{format_list(without)}"
            )


def _split(path: Path, rows: list[_Row]) -> Split:
    aligned = all(row.cells["a"] and row.cells["b"] for row in rows)
    return Split(_open_domain(path, rows, "a"), _open_domain(path, rows, "b"), aligned)


def _open_domain(path: Path, rows: list[_Row], side: str) -> ImageFileList:
    chosen = [row for row in rows if row.cells[side]]
    cells = [(f"line {row.line}: {side}", row.cells[side]) for row in chosen]
    labels = [row.cells[f"label_{side}"] for row in chosen]
    return ImageFileList(image_files(path, path.parent, cells), labels if any(labels) else None)
