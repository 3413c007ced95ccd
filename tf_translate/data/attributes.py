"""Data sets given as a table of image -> columns, where an attribute makes the domains.

DiscoGAN takes CelebA this way (blond against black hair among women): `domain_column` and its
two values choose the domains, `where` the rows, `label_column` what becomes the labels.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tf_translate.config.data import DataConfig, cell_text
from tf_translate.data.folders import SPLIT_NAMES
from tf_translate.data.pictures import SPLITS, PictureFiles, Source, Split, listing
from tf_translate.data.tables import picture_file, read_csv
from tf_translate.errors import DataError

SUFFIXES = (".csv", ".parquet", ".txt")
CELEBA_FOLDER = "img_align_celeba"
_SEED = "tf_translate split 0"  # of the split by name; another one is another split
_Row = dict[str, str]


@dataclass(frozen=True)
class _Table:
    """Rows of text by column; `where` says where a row is, `folder` what paths are relative to."""

    path: Path
    columns: tuple[str, ...]
    rows: list[tuple[str, _Row]]
    folder: Path


def read_attributes(path: Path, config: DataConfig) -> Source:
    """Reads a table whose column `image` holds paths relative to it; unpaired.

    Splits are those of the column `split`. Without it a hash of the name of a picture, which is
    the same on every machine, sends 80 % to train, 10 % to validation and 10 % to test.

    Args:
        path: A .csv or .parquet table, or a .txt in the form of CelebA's list_attr_celeba.txt
            with the pictures in the folder img_align_celeba beside it, or next to it.
        config: Says which columns and values are meant.

    Raises:
        DataError: If the table, a column, a value or a cell is not as it must be.
    """
    table = _read(path)
    _check(table, config)
    kept = [
        (place, row)
        for place, row in table.rows
        if all(row[column] == value for column, value in config.where.items())
    ]
    domains = [
        [(place, row) for place, row in kept if row[str(config.domain_column)] == value]
        for value in (config.domain_a, config.domain_b)
    ]
    _check_found(table, config, kept, domains)
    sides = [_sides(table, config, rows) for rows in domains]
    given = "split" in table.columns
    splits = {
        name: Split(sides[0][name], sides[1][name], aligned=False)
        for name in SPLITS
        # Chance may leave a drawn split without pictures of a domain; a given one may not.
        if (any if given else all)(side[name].files for side in sides)
    }
    if "train" not in splits:
        raise DataError(f"the table {path} has no row of the split train in both domains")
    return Source(f"the table {path}", splits)


def drawn_split(name: str) -> str:
    """The split of a picture by a fixed hash of its name: 80 % train, 10 % each of the others."""
    digest = hashlib.sha256(f"{_SEED}:{name}".encode("utf-8", "surrogateescape")).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"


def _read(path: Path) -> _Table:
    if not path.is_file():
        raise DataError(f"there is no table {path}")
    if path.suffix.lower() == ".txt":
        return _read_celeba(path)
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)
    if not rows:
        raise DataError(f"the table {path} has no rows")
    return _Table(path, tuple(rows[0][1]), rows, path.parent)


def _csv_rows(path: Path) -> list[tuple[str, _Row]]:
    return [
        (f"line {line}", {name: cell_text(cell) for name, cell in cells.items() if name})
        for line, cells in read_csv(path, ("image",))
    ]


def _parquet_rows(path: Path) -> list[tuple[str, _Row]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise DataError(
            f"{path} needs the package pyarrow: pip install 'tf-translate[parquet]'"
        ) from error
    try:
        columns = parquet.read_table(path).to_pydict()
    except (ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"the table {path} cannot be read as Parquet: {reason}") from error
    if "image" not in columns or not all(isinstance(cell, str) for cell in columns["image"]):
        raise DataError(
            f"the table {path} must have a column image of paths (text), "
            f"it has the columns {', '.join(columns)}"
        )
    texts = {name: [cell_text(cell) for cell in cells] for name, cells in columns.items()}
    return [
        (f"row {number}", dict(zip(texts, cells, strict=True)))
        for number, cells in enumerate(zip(*texts.values(), strict=True), 1)
    ]


def _read_celeba(path: Path) -> _Table:
    """Line 1 the count, line 2 the names of the columns, then `000001.jpg -1 1 ...`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"the table {path} is not UTF-8 text: {error}") from error
    if len(lines) < 3 or not lines[0].strip().isdecimal():
        raise DataError(
            f"the table {path} must be as list_attr_celeba.txt: line 1 the number of pictures, "
            "line 2 the names of the columns, then a picture and its values a line"
        )
    names = lines[1].split()
    cells = {number: line.split() for number, line in enumerate(lines[2:], 3) if line.strip()}
    odd = [f"line {n}: {len(c) - 1} values" for n, c in cells.items() if len(c) != len(names) + 1]
    if odd:
        raise DataError(f"the table {path} needs {len(names)} values a line:{listing(odd)}")
    if len(cells) != int(lines[0]):
        raise DataError(
            f"the table {path} says {lines[0].strip()} pictures, but lists {len(cells)}; "
            "it may have been cut short: fetch it again, or correct its first line"
        )
    columns = ("image", *names)
    rows = [(f"line {n}", dict(zip(columns, c, strict=True))) for n, c in cells.items()]
    beside = path.parent / CELEBA_FOLDER
    return _Table(path, columns, rows, beside if beside.is_dir() else path.parent)


def _check(table: _Table, config: DataConfig) -> None:
    if not config.domain_column:
        raise DataError(
            f"{table.path} is a table of image -> columns: set domain_column, domain_a and "
            f"domain_b to say which pictures are a and b; its columns are {_named(table.columns)}"
        )
    wanted = {"domain_column": config.domain_column, "label_column": config.label_column}
    wanted |= {f"where.{column}": column for column in config.where}
    for setting, column in wanted.items():
        if column is not None and column not in table.columns:
            near = get_close_matches(column, table.columns, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {_named(table.columns)}"
            raise DataError(f"the table {table.path} has no column {column!r} ({setting}); {hint}")
    problems = [f"{place}: image is empty" for place, row in table.rows if not row["image"]]
    if "split" in table.columns:
        problems += [
            f"{place}: split {row['split']!r} is none of {', '.join(SPLIT_NAMES)}"
            for place, row in table.rows
            if row["split"] not in SPLIT_NAMES
        ]
    if problems:
        raise DataError(f"the table {table.path} has rows that cannot be used:{listing(problems)}")


def _check_found(
    table: _Table,
    config: DataConfig,
    kept: list[tuple[str, _Row]],
    domains: list[list[tuple[str, _Row]]],
) -> None:
    for name, value, rows in zip("ab", (config.domain_a, config.domain_b), domains, strict=True):
        if not rows:
            values = [cell for cell, _ in _counted(kept, str(config.domain_column))]
            among = f" among the {len(kept)} rows that where leaves" if config.where else ""
            raise DataError(
                f"the table {table.path} has no row with {config.domain_column} = {value!r} "
                f"(domain_{name}){among}; its values are {_named(values) or '(none)'}"
            )
    if config.label_column:
        without = [
            f"{place}: {row['image']}"
            for rows in domains
            for place, row in rows
            if not row[config.label_column]
        ]
        if without:
            raise DataError(
                f"the table {table.path} has rows with an empty {config.label_column!r} "
                "(label_column); fill them, leave them out by where, or choose another column:"
                f"{listing(without)}"
            )


def _sides(
    table: _Table, config: DataConfig, rows: list[tuple[str, _Row]]
) -> dict[str, PictureFiles]:
    """The pictures of one domain by split."""
    by_split: dict[str, list[_Row]] = {name: [] for name in SPLITS}
    for _, row in rows:
        given = row.get("split")
        by_split[SPLIT_NAMES[given] if given else drawn_split(row["image"])].append(row)
    column = config.label_column
    return {
        name: PictureFiles(
            [picture_file(row["image"], table.folder) for row in chosen],
            [row[column] for row in chosen] if column else None,
        )
        for name, chosen in by_split.items()
    }


def _counted(rows: list[tuple[str, _Row]], column: str) -> list[tuple[str, int]]:
    return Counter(row[column] for _, row in rows).most_common()


def _named(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(map(str, names[:12])) + more
