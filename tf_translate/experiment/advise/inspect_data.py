"""Finds out what a data set offers methods: pairs, two sets, attributes, labels, how many images.

Nothing is decoded but a few images, for their size. Whatever files cannot tell, such as whether
equal file names mean equal content, is an assumption that is said.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from tf_translate.config.data import DataConfig
from tf_translate.data.image_dataset import read_image_folder
from tf_translate.data.layouts import folders
from tf_translate.data.layouts.age_filenames import read_ages
from tf_translate.data.layouts.attribute_table import AttributeTable, LocatedRows
from tf_translate.data.layouts.detect import detect_folder_layout, is_attribute_table
from tf_translate.data.packed.index import is_packed
from tf_translate.data.packed.packing_input import describe_found, find_to_pack
from tf_translate.data.packed.reader import PackedDataset, read_source, read_table
from tf_translate.data.splits import (
    DomainSource,
    ImageList,
    Split,
    check_labels,
    hold_out_validation,
)
from tf_translate.data.table_splits import assign_splits
from tf_translate.errors import ConfigError, DataError
from tf_translate.experiment.advise.user_data import Found, Given
from tf_translate.image_files import printable

_SAMPLED = 8  # images that are decoded for their size
_MOST_LEVELS = 12  # values of a column of numbers that is taken for levels
_ROWS_PER_CLASS = 10  # of a column that is taken for labels
_PRESENCE = ({"0", "1"}, {"-1", "1"}, {"false", "true"}, {"no", "yes"}, {"absent", "present"})


def inspect(path: str, *, attribute: str | None = None, pairs: bool | None = None) -> Found:
    """Reads a data set in any layout, with its splits, and says what it offers.

    Args:
        path: As `data.path`: a folder, a table, samples:NAME, tfds:NAME, or a packed folder.
        attribute: Column of a table whose values a method would change; None: the first that fits.
        pairs: Whether the images of a folder `train` are pairs side by side; None: if all are
            twice as wide as high.

    Raises:
        DataError: If no supported layout is found.
        ConfigError: If `attribute` is no column.
    """
    folder = Path(path).expanduser()
    data, assumptions = _read(path, folder, pairs)
    if isinstance(data, AttributeTable):
        return _of_table(data, DataConfig(path=path), attribute, assumptions)
    if attribute is not None:
        raise ConfigError(
            f"--attribute names a column of a table with a column image, but {path} holds two "
            "domains; leave it out"
        )
    return _of_domains(data, assumptions)


def _read(
    path: str, folder: Path, pairs: bool | None
) -> tuple[DomainSource | AttributeTable, list[str]]:
    """The data set, and what was taken for granted to read it."""
    if is_packed(folder):
        pack = PackedDataset(folder)
        return (read_table(pack) if pack.index.columns else read_source(pack)), []
    is_table = ":" not in path and is_attribute_table(folder, DataConfig(path=path))
    if ":" in path or is_table or not folder.is_dir():
        return find_to_pack(path)[0], []
    try:
        layout = detect_folder_layout(folder)
    except DataError:
        return _read_one_set(folder)
    if layout == "side_by_side":
        return _read_train_folder(folder, pairs)
    return _read_two_folders(folder, layout, pairs)


def _read_one_set(folder: Path) -> tuple[AttributeTable, list[str]]:
    try:
        return read_ages(folder), ["numbers in the file names are ages, as in UTKFace or IMDB-Wiki"]
    except DataError:
        table = read_image_folder(folder)
    said = []
    parts = (Path(row["image"]).parts for _, row in table.rows)
    inside = sorted({each[0] for each in parts if len(each) > 1})
    if len(inside) > 1:
        named = f"{', '.join(inside[:3])}{' and others' if len(inside) > 3 else ''}"
        said.append(
            f"its images are one set; if its folders ({named}) hold two sets, name these trainA "
            "and trainB"
        )
    tables = sorted(file.name for file in folder.glob("*.csv"))
    if tables:
        said.append(
            f"{', '.join(tables)} says nothing of the images (else give --data "
            f"{folder / tables[0]} --attribute COLUMN)"
        )
    return table, said


def _read_train_folder(
    folder: Path, pairs: bool | None
) -> tuple[DomainSource | AttributeTable, list[str]]:
    """A folder `train` with images: side-by-side pairs, or one set."""
    if pairs is None:
        table, said = _read_one_set(folder)
        shapes, _ = _shapes(table.images(table.rows))
        if not shapes or any(width != 2 * height for height, width in shapes):
            return table, [*said, "its images are one set, and no pairs side by side (--pairs)"]
        return folders.side_by_side(folder), [
            "images twice as wide as high are pairs side by side (--no-pairs: one set)"
        ]
    return (folders.side_by_side(folder), []) if pairs else _read_one_set(folder)


def _read_two_folders(
    folder: Path, layout: str, pairs: bool | None
) -> tuple[DomainSource, list[str]]:
    """Two folders of images: pairs if all file names are equal; classes are kept."""
    if pairs is False:
        return folders.ab_folders(folder), []
    try:
        named = folders.named_pairs(folder)
    except DataError:  # names differ, or a folder is missing, which the next line says
        return folders.ab_folders(folder), []
    numbers = all(Path(name).stem.isdecimal() for name in named.splits["train"].a.names)
    if pairs is None and layout != "named_pairs" and numbers:
        return folders.ab_folders(folder), [
            "images with equal numbers for names are no pairs (else give --pairs)"
        ]
    how = ", for pix2pix by data.layout=named_pairs" if layout != "named_pairs" else ""
    said = [f"images of equal file names in both folders are pairs{how} (--no-pairs: they are not)"]
    try:
        unpaired = folders.ab_folders(folder)
    except DataError:  # images beside folders, which are no classes
        return named, said
    if unpaired.splits["train"].a.labels is None:
        return named, said
    # Both list all images of a folder, sorted by name.
    splits = {name: replace(split, aligned=True) for name, split in unpaired.splits.items()}
    return replace(unpaired, splits=splits), said


def _of_domains(source: DomainSource, assumptions: list[str]) -> Found:
    check_labels(source)
    share = DataConfig.model_fields["validation_share"].default
    train = hold_out_validation(source, share).splits["train"]
    classes = [set(side.labels or ()) for side in (train.a, train.b)]
    labels = "none"
    if classes[0]:
        labels = "both" if classes[0] == classes[1] else "a"
    smaller = min(len(train.a.names), len(train.b.names))
    counts = {"sets": smaller} | ({"pairs": smaller} if train.aligned else {})
    sides, notes = _sides([train.a, train.b])
    return Found(
        Given(pairs=train.aligned, sets=2, labels=labels),
        counts,
        (*describe_found(source), *_held_out(smaller, source.splits["train"]), *notes),
        tuple(assumptions),
        sides,
    )


def _held_out(smaller: int, train: Split) -> list[str]:
    """Says how many images train, if others are held out of the training split."""
    if smaller == min(len(train.a.names), len(train.b.names)):
        return []
    return [f"of which {smaller:,} of the smaller set train; others are held out for validation"]


def _of_table(
    table: AttributeTable, config: DataConfig, attribute: str | None, assumptions: list[str]
) -> Found:
    table.check({})
    train = assign_splits(table, table.rows, config)["train"]
    lines = list(describe_found(table))
    if "split" not in table.columns or len(train) < len(table.by_split(table.rows)["train"]):
        lines.append(
            f"of which {len(train):,} train; others are held out, by a hash of their names"
        )
    sides, notes = _sides([table.images(train)])
    lines += notes
    column, is_levels, said = _choose_attribute(table, train, attribute)
    assumptions = [*assumptions, *said]
    counts = {"images": len(train)}
    if column is None:
        given = Given(pairs=False, sets=1, attributes=False, labels="none")
        return Found(given, counts, tuple(lines), tuple(assumptions), sides)
    values = Counter(row[column] for _, row in train)
    lines.append(
        f"column {column}: "
        + ", ".join(f"{value} ({n} images)" for value, n in values.most_common(6))
        + (f" and {len(values) - 6} values more" if len(values) > 6 else "")
    )
    two = [count for _, count in values.most_common(2)]
    counts["attributes"] = len(train)
    if not is_levels:  # of levels, the user chooses which make two sets
        counts["sets"] = min(two)
    # Before images are held out: that can part pairs, unless data.group_column is set.
    declared = table.by_split(table.rows)["train"] if "split" in table.columns else table.rows
    aligned = _count_pairs(declared, column, list(values)[:2])
    if aligned:
        counts["pairs"] = min(aligned, *two)
        assumptions.append(
            f"images that differ in {column} alone are pairs, with data.group_column (--no-pairs)"
        )
    presence = set(values) in _PRESENCE
    if presence:
        assumptions.append(
            f"{column} says whether an object is there, such as glasses (--no-object)"
        )
    classes = _label_column(table, train, column)
    if classes:
        assumptions.append(f"{classes} can be data.label_column, classes of a (--labels none)")
    given = Given(
        pairs=bool(aligned),
        attributes=True,
        levels=is_levels or None,  # files do not tell that words are ordered
        object=presence,
        labels="a" if classes else "none",
    )
    return Found(given, counts, tuple(lines), tuple(assumptions), sides)


def _choose_attribute(
    table: AttributeTable, rows: LocatedRows, attribute: str | None
) -> tuple[str | None, bool, list[str]]:
    """The column that a method would change, whether it has levels, and what was assumed."""
    columns = [name for name in table.columns if name not in ("image", "split")]
    if attribute is not None and attribute not in columns:
        near = get_close_matches(attribute, columns, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(columns) or 'none'}"
        raise ConfigError(
            f"--attribute must be a column of {table.path} besides image and split, got "
            f"{attribute!r}; {hint}"
        )
    values = {name: {row[name] for _, row in rows} - {""} for name in columns}
    if attribute is not None:
        if len(values[attribute]) < 2:
            raise ConfigError(
                f"--attribute must be a column with two values or more, but {attribute!r} has "
                f"{len(values[attribute])} in the training images"
            )
        is_levels = _is_levels(values[attribute], most=len(rows))
        return attribute, is_levels, _said_of_levels(attribute, is_levels)
    binary = [name for name in columns if len(values[name]) == 2]
    ages = [name for name in columns if name.lower() == "age" and len(values[name]) > 1]
    levels = [name for name in columns if name in ages or _is_levels(values[name], _MOST_LEVELS)]
    several = [name for name in columns if 2 < len(values[name]) <= len(rows) / _ROWS_PER_CLASS]
    possible = list(dict.fromkeys((*binary, *levels, *several)))
    if not binary and not levels:
        if not possible:
            return None, False, []
        return (
            None,
            False,
            [
                f"no column is the attribute to change; {_listed(possible)} could be "
                "(--attribute COLUMN)"
            ],
        )
    chosen = (ages or binary or levels)[0]
    others = [name for name in possible if name != chosen]
    said = [f"{chosen} is the attribute to change"]
    if others:
        said = [
            f"{chosen} is the attribute to change; {_listed(others)} could be too (--attribute "
            "COLUMN)"
        ]
    return chosen, chosen in levels, [*said, *_said_of_levels(chosen, chosen in levels)]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


def _said_of_levels(column: str, is_levels: bool) -> list[str]:
    return [f"the values of {column} are ordered levels (--no-levels)"] if is_levels else []


def _is_levels(values: set[str], most: int) -> bool:
    """Whether the values of a column are numbers, more than two, which are taken as ordered."""
    return 2 < len(values) <= most and all(_is_number(value) for value in values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _count_pairs(rows: LocatedRows, column: str, values: Sequence[str]) -> int:
    """Number of pairs of rows that differ in a column alone; 0 unless every row is in one."""
    others = [name for name in rows[0][1] if name not in ("image", "split", column)]
    if not others or len(values) != 2:
        return 0
    contents = [
        Counter(tuple(row[name] for name in others) for _, row in rows if row[column] == value)
        for value in values
    ]
    once = all(count == 1 for content in contents for count in content.values())
    return len(contents[0]) if once and contents[0].keys() == contents[1].keys() else 0


def _label_column(table: AttributeTable, rows: LocatedRows, attribute: str) -> str | None:
    """The first column that holds classes of images: few values, none of them empty."""
    for name in table.columns:
        if name in ("image", "split", attribute):
            continue
        values = {row[name] for _, row in rows}
        if "" not in values and 2 <= len(values) <= len(rows) / _ROWS_PER_CLASS:
            return name
    return None


def _sides(
    sides: Sequence[ImageList],
) -> tuple[tuple[tuple[int, int], tuple[int, int]] | None, list[str]]:
    """Least and greatest height and width of some images, and what could not be read."""
    shapes, broken = [], []
    for images in sides:
        some, problems = _shapes(images)
        shapes += some
        broken += problems
    notes = (
        [
            f"{len(broken)} of {len(broken) + len(shapes)} images looked at cannot be read (first: "
            f"{broken[0]})"
        ]
        if broken
        else []
    )
    if not shapes:
        return None, notes
    heights, widths = zip(*shapes, strict=True)
    return ((min(heights), min(widths)), (max(heights), max(widths))), notes


def _shapes(images: ImageList) -> tuple[list[tuple[int, int]], list[str]]:
    """Height and width of some evenly spaced images; problems of those that are damaged."""
    count = len(images.names)
    at = sorted({round(i * (count - 1) / max(1, _SAMPLED - 1)) for i in range(_SAMPLED)})
    shapes, broken = [], []
    for image in images.pick([i for i in at if i < count]).iterate():
        try:
            height, width = image.decode(image.read_bytes(), 3).shape[:2]
        except DataError as error:
            broken.append(printable(str(error)))
        else:
            shapes.append((height, width))
    return shapes, broken
