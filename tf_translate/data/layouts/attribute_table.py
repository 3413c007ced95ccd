"""Tables with a column image and attribute columns, and how their rows are split."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.layouts.image_cells import image_files
from tf_translate.data.splits import SPLITS, ImageFileList, ImageList, format_list, list_names
from tf_translate.errors import DataError
from tf_translate.image_files import NOTHING, LeftOut

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
        notes: What else the user should know about the table, one line each.
        split_notes: What decides the column split, if it is no column of the file.
    """

    path: Path
    columns: tuple[str, ...]
    rows: LocatedRows
    folder: Path
    opener: Callable[[list[Row], Sequence[str] | None], ImageList] | None = None
    skipped: tuple[str, ...] = ()
    left_out: LeftOut = NOTHING
    notes: tuple[str, ...] = ()
    split_notes: tuple[str, ...] = ()

    def images(self, rows: LocatedRows, labels: Sequence[str] | None = None) -> ImageList:
        """Opens the images of some rows of one split, in order, with labels or None."""
        if self.opener is not None:
            return self.opener([row for _, row in rows], labels)
        cells = [(f"{location}: image", row["image"]) for location, row in rows]
        return ImageFileList(image_files(self.path, self.folder, cells), labels)

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
            own = row.get("split")
            split = SPLIT_NAMES[own] if own else split_by_hash(row[group_column or "image"])
            splits[split].append((location, row))
        return splits


def split_by_hash(name: str, validation_share: float = 0.1, test_share: float = 0.1) -> str:
    """Assigns a name to a split by a fixed hash, by default 80 % to train."""
    digest = hashlib.sha256(f"{_SEED}:{name}".encode("utf-8", "surrogateescape")).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position >= 1 - test_share:
        return "test"
    return "validation" if position >= 1 - test_share - validation_share else "train"
