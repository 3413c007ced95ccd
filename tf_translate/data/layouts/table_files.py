"""Reads attribute tables of every file format into `AttributeTable`."""

from pathlib import Path

from tf_translate.config.data import cell_text
from tf_translate.data.layouts import celeba, csv_table
from tf_translate.data.layouts.attribute_table import AttributeTable
from tf_translate.data.layouts.parquet_table import find_shards, read_parquet, read_shards
from tf_translate.errors import DataError

SUFFIXES = (*csv_table.SUFFIXES, ".parquet", ".txt")


def is_table(path: Path) -> bool:
    """Whether a path is a table by its suffix, or a folder of Parquet shards."""
    return path.suffix.lower() in SUFFIXES or bool(find_shards(path))


def has_image_column(path: Path) -> bool:
    """Whether the header line of a table of text names a column of images."""
    return bool({"image", celeba.IMAGE_COLUMN} & set(csv_table.read_header(path)))


def read_columns(path: Path) -> AttributeTable:
    """Reads a .csv, .tsv or .parquet table, CelebA's list_attr_celeba.txt, or a folder of shards.

    The image column of a .csv or .tsv table is `image`, or else `image_id`, as in Kaggle's form of
    CelebA. Such a table and a .txt list get CelebA's official splits if these are near.

    Raises:
        DataError: If the file is missing, damaged or empty.
    """
    suffix = path.suffix.lower()
    if path.is_dir() and find_shards(path):
        return read_shards(path)
    if not path.is_file():
        raise DataError(f"there is no table {path}; `data.path` must name a file that exists")
    if suffix == ".parquet":
        return read_parquet(path)
    if suffix == ".txt":
        return celeba.add_companions(celeba.read_attribute_list(path))
    return _read_csv(path)


def _read_csv(path: Path) -> AttributeTable:
    header = csv_table.read_header(path)
    is_celeba = "image" not in header and celeba.IMAGE_COLUMN in header
    image_column = celeba.IMAGE_COLUMN if is_celeba else "image"
    rows = [
        (
            f"line {line}",
            {
                "image" if name == image_column else name: cell_text(cell)
                for name, cell in cells.items()
            },
        )
        for line, cells in csv_table.read_csv(path, (image_column,))
    ]
    if not rows:
        raise DataError(f"the table {path} has no rows below its header; add one for each image")
    table = AttributeTable(path, tuple(rows[0][1]), rows, path.parent)
    return celeba.add_companions(table) if is_celeba else table
