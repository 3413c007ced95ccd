"""Reads tables of text: a header line, and cells between commas, semicolons or tabs."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tf_translate.data.splits import format_list
from tf_translate.errors import DataError

SUFFIXES = (".csv", ".tsv")
_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_LONGEST_LINE = 2**20  # characters; the header line of CelebA's list has 600


def read_csv(path: Path, required: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Reads a table of UTF-8 text with a header line; a byte order mark is allowed.

    The separator is the one of comma, semicolon and tab that occurs in the header line outside of
    double quotes; a header line with several of them is refused.

    Args:
        path: The file.
        required: Columns that it must have.

    Returns:
        (line, cells by column) of every row that is not blank; columns without a name are left out.
        A row with fewer cells than the header has "" in the others.

    Raises:
        DataError: If there is no such file, its header names two separators, a column twice or
            lacks a required one, a row has more cells than the header, or it cannot be read.
    """
    if not path.is_file():
        raise DataError(f"there is no table {path}; `data.path` must name a file that exists")
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            separator = _find_separator(next(lines_of(opened, path), ""), path)
            opened.seek(0)
            reader = csv.reader(lines_of(opened, path), delimiter=separator)
            names = [name.strip() for name in next(reader, ())]
            _check_names(path, names, required, separator)
            rows = [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(_unreadable(path, error)) from error
    too_long = [
        f"line {line}: {len(cells)} cells" for line, cells in rows if any(cells[len(names) :])
    ]
    if too_long:
        raise DataError(
            f"the table {path} has rows of more cells than the {len(names)} of its header line; "
            f"put cells that hold {_SEPARATORS[separator]} in double quotes:{format_list(too_long)}"
        )
    return [(line, _cells_by_column(names, cells)) for line, cells in rows]


def read_header(path: Path) -> tuple[str, ...]:
    """Returns the column names of such a table; empty if there is no file.

    Raises:
        DataError: If it cannot be read as UTF-8 text, or the header line holds two separators or
            never ends.
    """
    if not path.is_file():
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            separator = _find_separator(next(lines_of(opened, path), ""), path)
            opened.seek(0)
            reader = csv.reader(lines_of(opened, path), delimiter=separator)
            return tuple(name.strip() for name in next(reader, ()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(_unreadable(path, error)) from error


def lines_of(opened: TextIO, path: Path) -> Iterator[str]:
    """Yields the lines of an open file; `DataError` if one is longer than any of a table."""
    number = 0
    while line := opened.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise DataError(
                f"line {number} of the table {path} is longer than {_LONGEST_LINE} characters: "
                "it is no table of text with a line for each image"
            )
        yield line


def _unreadable(path: Path, error: Exception) -> str:
    return f"the table {path} cannot be read as UTF-8 csv: {error}; save it again as UTF-8"


def _find_separator(header: str, path: Path) -> str:
    unquoted = re.sub(r'"[^"]*"', "", header)
    found = [separator for separator in _SEPARATORS if separator in unquoted]
    if len(found) > 1:
        named = " and ".join(f"{_SEPARATORS[separator]} ({separator!r})" for separator in found)
        raise DataError(
            f"the header line of the table {path} holds {named}, so the separator is not clear; "
            "put names of columns that hold one of them in double quotes"
        )
    return found[0] if found else ","


def _check_names(path: Path, names: list[str], required: tuple[str, ...], separator: str) -> None:
    missing = [column for column in required if column not in names]
    if missing:
        existing = ", ".join(names[:12]) or "(none)"
        raise DataError(
            f"the table {path} has no column {', '.join(missing)}; its first line must name "
            f"{', '.join(required)}, but read with {_SEPARATORS[separator]} between names it has "
            f"{existing}"
        )
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise DataError(f"the table {path} names the column {twice[0]!r} twice; rename one of them")


def _cells_by_column(names: list[str], cells: list[str]) -> dict[str, str]:
    padded = cells + [""] * (len(names) - len(cells))
    return {name: cell for name, cell in zip(names, padded, strict=False) if name}
