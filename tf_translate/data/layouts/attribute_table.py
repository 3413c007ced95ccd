"""Tables with a column image and attribute columns: .csv, .parquet and CelebA's list."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tf_translate.config.data import cell_text
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.pair_table import image_file, read_csv
from tf_translate.data.splits import SPLITS, ImageFileList, ImageList, format_list
from tf_translate.errors import DataError
from tf_translate.image_files import NOTHING, LeftOut

SUFFIXES = (".csv", ".parquet", ".txt")
CELEBA_FOLDER = "img_align_celeba"
_SEED = "tf_translate split 0"  # of `split_by_hash`; changing it would change the splits
Row = dict[str, str]
LocatedRows = list[tuple[str, Row]]  # location in the file (for messages), and cells by column


@dataclass(frozen=True)
class AttributeTable:
    """A table with one row for each image.

    Attributes:
        path: The table file, or the folder whose file names were read.
        columns: Names of the columns; always has "image".
        rows: All rows, each with its location in the file.
        folder: The folder that paths of images are relative to.
        opener: Opens the images of some rows of one split, with labels or None. If it is None,
            images are files in `folder`.
        skipped: Images without a row, as "file: reason".
        left_out: What was left out of the folder, if it was searched.
    """

    path: Path
    columns: tuple[str, ...]
    rows: LocatedRows
    folder: Path
    opener: Callable[[list[Row], Sequence[str] | None], ImageList] | None = None
    skipped: tuple[str, ...] = ()
    left_out: LeftOut = NOTHING

    def images(self, rows: LocatedRows, labels: Sequence[str] | None = None) -> ImageList:
        """Opens the images of some rows of one split, in order, with labels or None."""
        if self.opener is not None:
            return self.opener([row for _, row in rows], labels)
        return ImageFileList([image_file(row["image"], self.folder) for _, row in rows], labels)

    def where(self, values: Mapping[str, str]) -> LocatedRows:
        """Returns the rows with all of these column values."""
        return [
            (location, row)
            for location, row in self.rows
            if all(row[column] == value for column, value in values.items())
        ]

    def check(self, columns: Mapping[str, str | None]) -> None:
        """Checks that columns exist and every row is valid.

        Args:
            columns: Setting -> the column that it names, or None.

        Raises:
            DataError: If a column is missing, or a row has no image or an unknown split.
        """
        for setting, column in columns.items():
            if column is not None and column not in self.columns:
                near = get_close_matches(column, self.columns, n=1, cutoff=0.5)
                hint = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"its columns are {list_names(self.columns)}"
                )
                raise DataError(
                    f"the table {self.path} has no column {column!r} ({setting}); {hint}"
                )
        problems = [
            f"{location}: image is empty" for location, row in self.rows if not row["image"]
        ]
        if "split" in self.columns:
            problems += [
                f"{location}: split {row['split']!r} is none of {', '.join(SPLIT_NAMES)}"
                for location, row in self.rows
                if row["split"] not in SPLIT_NAMES
            ]
        if problems:
            raise DataError(f"the table {self.path} has invalid rows:{format_list(problems)}")

    def by_split(
        self, rows: LocatedRows, *, group_column: str | None = None
    ) -> dict[str, LocatedRows]:
        """Assigns rows to splits by the column `split`, or else by a hash.

        Args:
            rows: Some rows of the table.
            group_column: Column to hash, so that equal values stay in one split; None hashes
                the image path.
        """
        splits: dict[str, LocatedRows] = {name: [] for name in SPLITS}
        for location, row in rows:
            split = row.get("split")
            hashed_split = split_by_hash(row[group_column or "image"])
            splits[SPLIT_NAMES[split] if split else hashed_split].append((location, row))
        return splits


def split_by_hash(name: str) -> str:
    """Assigns a name to a split by a fixed hash: 80 % train, 10 % validation, 10 % test."""
    digest = hashlib.sha256(f"{_SEED}:{name}".encode("utf-8", "surrogateescape")).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    return "train" if position < 0.8 else "validation" if position < 0.9 else "test"


def list_names(names: Sequence[str]) -> str:
    """Formats names for a message: the first 12 and how many more there are."""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(map(str, names[:12])) + more


def read_columns(path: Path) -> AttributeTable:
    """Reads a .csv or .parquet table, or CelebA's list_attr_celeba.txt.

    Raises:
        DataError: If the file is missing, damaged or empty.
    """
    if not path.is_file():
        raise DataError(f"there is no table {path}")
    if path.suffix.lower() == ".txt":
        return _read_celeba(path)
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)
    if not rows:
        raise DataError(f"the table {path} has no rows")
    return AttributeTable(path, tuple(rows[0][1]), rows, path.parent)


def _csv_rows(path: Path) -> LocatedRows:
    return [
        (f"line {line}", {name: cell_text(cell) for name, cell in cells.items() if name})
        for line, cells in read_csv(path, ("image",))
    ]


def _parquet_rows(path: Path) -> LocatedRows:
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
        (f"row {index}", dict(zip(texts, cells, strict=True)))
        for index, cells in enumerate(zip(*texts.values(), strict=True), 1)
    ]


def _read_celeba(path: Path) -> AttributeTable:
    """Line 1: the count. Line 2: names of the columns. Then lines `000001.jpg -1 1 ...`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"the table {path} is not UTF-8 text: {error}") from error
    if len(lines) < 3 or not lines[0].strip().isdecimal():
        raise DataError(
            f"the table {path} must have the form of list_attr_celeba.txt: line 1 the number of "
            "images, line 2 the names of the columns, then one line for each image and its values"
        )
    names = lines[1].split()
    cells = {number: line.split() for number, line in enumerate(lines[2:], 3) if line.strip()}
    invalid = [
        f"line {n}: {len(c) - 1} values" for n, c in cells.items() if len(c) != len(names) + 1
    ]
    if invalid:
        raise DataError(
            f"the table {path} needs {len(names)} values in every line:{format_list(invalid)}"
        )
    if len(cells) != int(lines[0]):
        raise DataError(
            f"the table {path} says {lines[0].strip()} images, but lists {len(cells)}; "
            "it may be truncated: download it again, or correct its first line"
        )
    columns = ("image", *names)
    rows = [(f"line {n}", dict(zip(columns, c, strict=True))) for n, c in cells.items()]
    image_folder = path.parent / CELEBA_FOLDER
    return AttributeTable(
        path, columns, rows, image_folder if image_folder.is_dir() else path.parent
    )
