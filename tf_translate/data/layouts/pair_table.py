"""Reads a table of pairs or unpaired images: `split,a,b`, with paths relative to the table."""

import csv
from dataclasses import dataclass
from pathlib import Path

from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.splits import (
    SPLITS,
    DomainSource,
    ImageFile,
    ImageFileList,
    Split,
    format_list,
)
from tf_translate.errors import DataError

COLUMNS = ("split", "a", "b")


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
        path: UTF-8 csv file with the columns split, a and b.

    Raises:
        DataError: If the file, a column or a cell is invalid. The message names file and line.
    """
    rows = _read_rows(path)
    _check_labels(path, rows)
    splits = {}
    for name in SPLITS:
        chosen = [row for row in rows if row.split == name]
        if chosen:
            splits[name] = _split(chosen, path.parent)
    if "train" not in splits:
        raise DataError(f"the table {path} has no row of the split train")
    return DomainSource(f"the table {path}", splits)


def read_header(path: Path) -> tuple[str, ...]:
    """Returns the column names of a csv file; empty if it cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            return tuple(next(csv.reader(opened), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def has_domains(path: Path) -> bool:
    """Whether a csv file lists images by domain: it has a column `a` or `b`."""
    return bool({"a", "b"} & set(read_header(path)))


def read_csv(path: Path, required: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Reads a UTF-8 csv file with a header: (line, cells by column) of every row.

    Raises:
        DataError: If there is no such file, a required column is missing, or it cannot be read.
    """
    if not path.is_file():
        raise DataError(f"there is no table {path}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened, restval="")
            missing = [column for column in required if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"the table {path} has no column {', '.join(missing)}; "
                    f"its first line must be {','.join(required)}"
                )
            return [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the table {path} cannot be read as UTF-8 csv: {error}") from error


def _read_rows(path: Path) -> list[_Row]:
    problems: list[str] = []
    rows = [_parse_row(line, cells, problems) for line, cells in read_csv(path, COLUMNS)]
    if problems:
        raise DataError(f"the table {path} has invalid rows:{format_list(problems)}")
    return rows


def _parse_row(line: int, cells: dict[str, str], problems: list[str]) -> _Row:
    columns = (*COLUMNS, "label_a", "label_b")
    cells = {column: (cells.get(column) or "").strip() for column in columns}
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


def _split(rows: list[_Row], folder: Path) -> Split:
    aligned = all(row.cells["a"] and row.cells["b"] for row in rows)
    return Split(_open_domain(rows, "a", folder), _open_domain(rows, "b", folder), aligned)


def _open_domain(rows: list[_Row], side: str, folder: Path) -> ImageFileList:
    chosen = [row.cells for row in rows if row.cells[side]]
    files = [image_file(cells[side], folder) for cells in chosen]
    labels = [cells[f"label_{side}"] for cells in chosen]
    return ImageFileList(files, labels if any(labels) else None)


def image_file(cell: str, folder: Path) -> ImageFile:
    """Returns the image file that a cell names, relative to the folder of its table."""
    return ImageFile(str(folder / cell), Path(cell).with_suffix("").as_posix())
