"""Data sets given as a table: `split,a,b` with paths relative to the table."""

import csv
from pathlib import Path

from tf_translate.data.folders import SPLIT_NAMES
from tf_translate.data.pictures import SPLITS, PictureFile, PictureFiles, Source, Split, listing
from tf_translate.errors import DataError

COLUMNS = ("split", "a", "b")
Row = tuple[str, str, str]


def read_table(path: Path) -> Source:
    """Reads a table of pictures.

    A row with both `a` and `b` is a pair; a row with one of them is a picture of that
    domain alone. A split of nothing but pairs is aligned.

    Args:
        path: UTF-8 csv file with the columns split, a and b.

    Raises:
        DataError: If the file, a column or a cell is not as it must be (file and line named).
    """
    rows = _rows(path)
    splits = {}
    for name in SPLITS:
        chosen = [row for row in rows if row[0] == name]
        if chosen:
            splits[name] = _split(chosen, path.parent)
    if "train" not in splits:
        raise DataError(f"the table {path} has no row of the split train")
    return Source(f"the table {path}", splits)


def _rows(path: Path) -> list[Row]:
    if not path.is_file():
        raise DataError(f"there is no table {path}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened, restval="")
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"the table {path} has no column {', '.join(missing)}; "
                    f"its first line must be {','.join(COLUMNS)}"
                )
            numbered = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the table {path} cannot be read as UTF-8 csv: {error}") from error
    problems: list[str] = []
    rows = [_row(line, row, problems) for line, row in numbered]
    if problems:
        raise DataError(f"the table {path} has rows that cannot be used:{listing(problems)}")
    return rows


def _row(line: int, row: dict[str, str], problems: list[str]) -> Row:
    split, a, b = ((row[column] or "").strip() for column in COLUMNS)
    if split not in SPLIT_NAMES:
        problems.append(f"line {line}: split {split!r} is none of {', '.join(SPLIT_NAMES)}")
        return split, a, b
    if not a and not b:
        problems.append(f"line {line}: both a and b are empty")
    return SPLIT_NAMES[split], a, b


def _split(rows: list[Row], folder: Path) -> Split:
    aligned = all(a and b for _, a, b in rows)
    a_files = [_file(a, folder) for _, a, _ in rows if a]
    b_files = [_file(b, folder) for _, _, b in rows if b]
    return Split(PictureFiles(a_files), PictureFiles(b_files), aligned)


def _file(cell: str, folder: Path) -> PictureFile:
    return PictureFile(folder / cell, Path(cell).with_suffix("").as_posix())
