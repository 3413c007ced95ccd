"""Tables of image -> columns in their several forms, read into rows of text."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tf_translate.config.data import cell_text
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.pair_table import image_file, read_csv
from tf_translate.data.splits import SPLITS, ImageFiles, Images, listing
from tf_translate.errors import DataError

SUFFIXES = (".csv", ".parquet", ".txt")
CELEBA_FOLDER = "img_align_celeba"
_SEED = "tf_translate split 0"  # of the split by name; another one is another split
Row = dict[str, str]
Rows = list[tuple[str, Row]]  # where a row is, and its cells by column


@dataclass(frozen=True)
class Table:
    """A table as read.

    Attributes:
        path: The file, or the folder that names of images were read from.
        columns: Names of the columns; always an "image".
        rows: Every row, with where it is.
        folder: What the paths of images are relative to.
        opener: Finds the images of some rows of one split, with these labels or none; None: files
            in `folder`.
        skipped: Images that got no row, as "file: reason".
    """

    path: Path
    columns: tuple[str, ...]
    rows: Rows
    folder: Path
    opener: Callable[[list[Row], Sequence[str] | None], Images] | None = None
    skipped: tuple[str, ...] = ()

    def images(self, rows: Rows, labels: Sequence[str] | None = None) -> Images:
        """The images of some rows of one split, in their order, with a label each or none."""
        if self.opener is not None:
            return self.opener([row for _, row in rows], labels)
        return ImageFiles([image_file(row["image"], self.folder) for _, row in rows], labels)

    def where(self, wanted: Mapping[str, str]) -> Rows:
        """The rows that have all the wanted values."""
        return [
            (place, row)
            for place, row in self.rows
            if all(row[column] == value for column, value in wanted.items())
        ]

    def check(self, wanted: Mapping[str, str | None]) -> None:
        """Checks that columns are there and every row can be used.

        Args:
            wanted: Columns by the setting that names them; None where it names none.

        Raises:
            DataError: If a column is missing, or rows have no image or an unknown split.
        """
        for setting, column in wanted.items():
            if column is not None and column not in self.columns:
                near = get_close_matches(column, self.columns, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {named(self.columns)}"
                raise DataError(
                    f"the table {self.path} has no column {column!r} ({setting}); {hint}"
                )
        problems = [f"{place}: image is empty" for place, row in self.rows if not row["image"]]
        if "split" in self.columns:
            problems += [
                f"{place}: split {row['split']!r} is none of {', '.join(SPLIT_NAMES)}"
                for place, row in self.rows
                if row["split"] not in SPLIT_NAMES
            ]
        if problems:
            raise DataError(
                f"the table {self.path} has rows that cannot be used:{listing(problems)}"
            )

    def by_split(self, rows: Rows, *, together: str | None = None) -> dict[str, Rows]:
        """Rows by split: that of the column `split`, or one drawn by a hash.

        Args:
            rows: Some of the table's.
            together: Column whose equal values stay in one split; None draws by the image.
        """
        found: dict[str, Rows] = {name: [] for name in SPLITS}
        for place, row in rows:
            given = row.get("split")
            drawn = drawn_split(row[together or "image"])
            found[SPLIT_NAMES[given] if given else drawn].append((place, row))
        return found


def drawn_split(name: str) -> str:
    """The split of a image by a fixed hash of its name: 80 % train, 10 % each of the others."""
    digest = hashlib.sha256(f"{_SEED}:{name}".encode("utf-8", "surrogateescape")).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"


def named(names: Sequence[str]) -> str:
    """Names for a message, the first dozen of them."""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(map(str, names[:12])) + more


def read_columns(path: Path) -> Table:
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
    return Table(path, tuple(rows[0][1]), rows, path.parent)


def _csv_rows(path: Path) -> Rows:
    return [
        (f"line {line}", {name: cell_text(cell) for name, cell in cells.items() if name})
        for line, cells in read_csv(path, ("image",))
    ]


def _parquet_rows(path: Path) -> Rows:
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


def _read_celeba(path: Path) -> Table:
    """Line 1 the count, line 2 the names of the columns, then `000001.jpg -1 1 ...`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"the table {path} is not UTF-8 text: {error}") from error
    if len(lines) < 3 or not lines[0].strip().isdecimal():
        raise DataError(
            f"the table {path} must be as list_attr_celeba.txt: line 1 the number of images, "
            "line 2 the names of the columns, then a image and its values a line"
        )
    names = lines[1].split()
    cells = {number: line.split() for number, line in enumerate(lines[2:], 3) if line.strip()}
    odd = [f"line {n}: {len(c) - 1} values" for n, c in cells.items() if len(c) != len(names) + 1]
    if odd:
        raise DataError(f"the table {path} needs {len(names)} values a line:{listing(odd)}")
    if len(cells) != int(lines[0]):
        raise DataError(
            f"the table {path} says {lines[0].strip()} images, but lists {len(cells)}; "
            "it may have been cut short: fetch it again, or correct its first line"
        )
    columns = ("image", *names)
    rows = [(f"line {n}", dict(zip(columns, c, strict=True))) for n, c in cells.items()]
    beside = path.parent / CELEBA_FOLDER
    return Table(path, columns, rows, beside if beside.is_dir() else path.parent)
