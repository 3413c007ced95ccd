"""CelebA's lists: attributes of its images, the official partition, and who is in an image.

The lists are read as published (`list_attr_celeba.txt` and so on, in the folders Anno and Eval) and
in the csv form of Kaggle (`list_attr_celeba.csv` with the columns image_id, 5_o_Clock_Shadow, ...).
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tf_translate.data.layouts.attribute_table import AttributeTable
from tf_translate.data.layouts.csv_table import lines_of, read_csv
from tf_translate.data.splits import SPLITS, format_list
from tf_translate.errors import DataError

IMAGE_COLUMN = "image_id"  # of Kaggle's csv forms
IMAGE_FOLDER = "img_align_celeba"
_FOLDERS_OF_IMAGES = (IMAGE_FOLDER, f"Img/{IMAGE_FOLDER}")
_PARTITION, _IDENTITY = "list_eval_partition", "identity_CelebA"
_SPLITS = dict(zip("012", SPLITS, strict=True))


def read_attribute_list(path: Path) -> AttributeTable:
    """Reads list_attr_celeba.txt.

    Line 1 is the number of images, line 2 the names of the columns; then there is a line such as
    `000001.jpg -1 1 ...` for each image.

    Raises:
        DataError: If the file has another form.
    """
    lines = _read_lines(path)
    if len(lines) < 3 or not (lines[0].strip().isascii() and lines[0].strip().isdecimal()):
        raise DataError(
            f"the table {path} must have the form of list_attr_celeba.txt: line 1 the number of "
            "images, line 2 the names of the columns, then one line for each image and its values"
        )
    names = lines[1].split()
    twice = [name for name, count in Counter(["image", *names]).items() if count > 1]
    if twice:
        raise DataError(f"the table {path} names the column {twice[0]!r} twice; rename one of them")
    cells = {number: line.split() for number, line in enumerate(lines[2:], 3) if line.strip()}
    invalid = [
        f"line {n}: {len(c) - 1} values" for n, c in cells.items() if len(c) != len(names) + 1
    ]
    if invalid:
        raise DataError(
            f"the table {path} needs {len(names)} values in every line:{format_list(invalid)}"
        )
    if str(len(cells)) != (lines[0].strip().lstrip("0") or "0"):
        raise DataError(
            f"the table {path} says {lines[0].strip()[:20]} images, but lists {len(cells)}; "
            "it may be truncated: download it again, or correct its first line"
        )
    columns = ("image", *names)
    rows = [(f"line {n}", dict(zip(columns, c, strict=True))) for n, c in cells.items()]
    return AttributeTable(path, columns, rows, path.parent)


def add_companions(table: AttributeTable) -> AttributeTable:
    """Adds what lies near a list of attributes: images, official splits and identities.

    They are looked for beside the list and one folder up, as in the published folders Anno, Eval
    and Img. `list_eval_partition` (.txt or .csv) gives the column split, unless the list has one;
    `identity_CelebA.txt` the column identity, for `group_column`.

    Raises:
        DataError: If an image of the list is missing from one of the other two.
    """
    table = replace(table, folder=_find_images(table.path))
    partition = _find(table.path, _PARTITION, ("", "Eval"), (".txt", ".csv"))
    if partition is not None and "split" not in table.columns:
        table = _add_column(table, "split", partition, _read_partition(partition))
        counts = Counter(row["split"] for _, row in table.rows)
        listed = ", ".join(f"{counts[name]:,} {name}" for name in SPLITS)
        note = f"{partition} decides the splits of {table.path}: {listed}"
        table = replace(table, split_notes=(note,))
    identities = _find(table.path, _IDENTITY, ("", "Anno"), (".txt",))
    if identities is not None and "identity" not in table.columns:
        table = _add_column(table, "identity", identities, _read_pairs(identities, "identity"))
    return table


def _find(
    path: Path, stem: str, folders: tuple[str, ...], suffixes: tuple[str, ...]
) -> Path | None:
    """Finds another list near a list."""
    places = [up / folder for up in _near(path) for folder in folders]
    files = [place / f"{stem}{suffix}" for place in places for suffix in suffixes]
    return next((file for file in files if file.is_file()), None)


def _near(path: Path) -> tuple[Path, Path]:
    """The folder of a list and the folder above."""
    return path.parent, path.absolute().parent.parent


def _find_images(path: Path) -> Path:
    """Returns the folder of the images; that of the list if there is no `img_align_celeba`."""
    places = [up / folder for up in _near(path) for folder in _FOLDERS_OF_IMAGES]
    folder = next((place for place in places if place.is_dir()), path.parent)
    inside = folder / IMAGE_FOLDER  # Kaggle's archive has img_align_celeba/img_align_celeba
    return inside if inside.is_dir() else folder


def _read_partition(path: Path) -> dict[str, str]:
    """Reads the split of each image."""
    numbers = _read_pairs(path, "partition")
    unknown = [f"{image}: {number}" for image, number in numbers.items() if number not in _SPLITS]
    if unknown:
        raise DataError(
            f"{path} must give 0 (train), 1 (validation) or 2 (test) for each image:"
            f"{format_list(unknown)}"
        )
    return {image: _SPLITS[number] for image, number in numbers.items()}


def _read_pairs(path: Path, column: str) -> dict[str, str]:
    """Reads a list of image and value: lines of text, or csv with image_id and a column."""
    if path.suffix == ".csv":
        rows = [
            (line, [cells[IMAGE_COLUMN].strip(), cells[column].strip()])
            for line, cells in read_csv(path, (IMAGE_COLUMN, column))
        ]
    else:
        lines = enumerate(_read_lines(path), 1)
        rows = [(line, text.split()) for line, text in lines if text.strip()]
    invalid = [f"line {line}: {' '.join(words)}" for line, words in rows if len(words) != 2]
    if invalid:
        raise DataError(
            f"{path} must have an image and its {column} in each line:{format_list(invalid)}"
        )
    values: dict[str, str] = {}
    for line, (image, value) in rows:
        if values.setdefault(image, value) != value:
            raise DataError(
                f"{path} line {line} gives {image} the {column} {value}, an earlier line "
                f"{values[image]}; remove one of them"
            )
    return values


def _add_column(
    table: AttributeTable, column: str, source: Path, values: dict[str, str]
) -> AttributeTable:
    missing = [row["image"] for _, row in table.rows if row["image"] not in values]
    if missing:
        raise DataError(
            f"{source} lacks {len(missing)} of the {len(table.rows)} images of {table.path}; add "
            f"them, remove them from the table, or move {source.name} away:{format_list(missing)}"
        )
    for _, row in table.rows:  # in place: 200,000 rows of 40 columns take half a gigabyte
        row[column] = values[row["image"]]
    return replace(table, columns=(*table.columns, column))


def _read_lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig") as opened:
            return [line.rstrip("\n") for line in lines_of(opened, path)]
    except UnicodeDecodeError as error:
        raise DataError(f"the table {path} is not UTF-8 text: {error}") from error
