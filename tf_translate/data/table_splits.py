"""Opens a table of images, assigns its rows to splits and decodes each image once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tf_translate.config.data import DataConfig
from tf_translate.data import shipped_samples
from tf_translate.data.cache.decoded_splits import Progress, choose_cache_location
from tf_translate.data.cache.image_store import ImageStore, open_image_store
from tf_translate.data.holdout import check_table_splits, split_rows
from tf_translate.data.image_format import image_formats
from tf_translate.data.layouts.attribute_table import AttributeTable, LocatedRows
from tf_translate.data.layouts.table_files import is_table, read_columns
from tf_translate.data.layouts.tfds_table import read_tfds_columns
from tf_translate.data.packed.index import is_packed
from tf_translate.data.packed.reader import PackedDataset, read_table
from tf_translate.data.splits import choose_held_out, digest, format_list
from tf_translate.errors import DataError
from tf_translate.image_files import BROKEN, LeftOut


@dataclass(frozen=True)
class DecodedRows:
    """The decoded images of a split.

    Attributes:
        store: The images that could be decoded.
        rows: Their rows, in order.
        fingerprint: Identifies all images of the split, also damaged ones, on every machine.
        broken: The images that could not be decoded.
        files: Name and size of the file of each decoded image, as text.
    """

    store: ImageStore
    rows: LocatedRows
    fingerprint: str
    broken: LeftOut
    files: list[str]


def open_table(
    config: DataConfig, read_folder: Callable[[Path], AttributeTable], accepted_paths: str
) -> AttributeTable:
    """Reads the table that `data.path` names, in any of its forms.

    Args:
        config: Its `path` is a folder, a file, samples:NAME or tfds:NAME.
        read_folder: Lists the images of a folder as a table.
        accepted_paths: Description of a valid `data.path`, for the error message.

    Raises:
        DataError: If `path` is none of these, or cannot be read.
    """
    kind, colon, name = config.path.partition(":")
    if colon and kind == "tfds":
        return read_tfds_columns(name, config.tfds_a)
    path = (
        shipped_samples.sample_table(name)
        if colon and kind == "samples"
        else Path(config.path).expanduser()
    )
    if is_packed(path):
        return _read_packed_table(PackedDataset(path), config)
    if is_table(path):
        return read_columns(path)
    if not path.is_dir():
        raise DataError(f"data.path must be {accepted_paths}, got {config.path!r}")
    return read_folder(path)


def _read_packed_table(pack: PackedDataset, config: DataConfig) -> AttributeTable:
    if not pack.index.columns:
        raise DataError(
            f"{pack.folder} was packed as two domains (layout {pack.index.layout}), but one set of "
            "images is needed; pack it again with --layout images, ages or attributes"
        )
    pack.require(config, (config.channels_a,))
    return read_table(pack)


def assign_splits(
    table: AttributeTable, rows: LocatedRows, config: DataConfig
) -> dict[str, LocatedRows]:
    """Assigns rows to splits as `holdout` says.

    With "auto" and no validation split, part of train becomes validation. Rows of one group
    (`group_column`) stay in one split, unless the data set's own splits part them.

    Raises:
        DataError: If the train split is empty, or `holdout` does not fit the table.
    """
    check_table_splits(table, rows, config)
    by_split = {name: found for name, found in split_rows(table, rows, config).items() if found}
    if "train" not in by_split:
        raise DataError(f"the table {table.path} has no row of the split train")
    if config.holdout != "auto" or "validation" in by_split or not config.validation_share:
        return by_split
    train = by_split["train"]
    column = config.group_column or "image"
    groups = list(dict.fromkeys(row[column] for _, row in train))
    held_out = {groups[i] for i in choose_held_out(groups, config.validation_share, "a")}
    if not held_out:
        return by_split
    return {
        "train": [(location, row) for location, row in train if row[column] not in held_out],
        "validation": [(location, row) for location, row in train if row[column] in held_out],
        **{name: found for name, found in by_split.items() if name != "train"},
    }


def decode_rows(
    table: AttributeTable,
    by_split: dict[str, LocatedRows],
    config: DataConfig,
    progress: Progress | None,
) -> tuple[dict[str, DecodedRows], tuple[str, ...]]:
    """Decodes every image once and leaves out damaged ones.

    Returns:
        The splits, and the images that were left out as "file: reason".

    Raises:
        DataError: If images are damaged and `on_error` is "stop", or a split is left empty.
    """
    location = config.cache
    total, done = sum(map(len, by_split.values())), iter(range(1, 2**62))
    tick = (lambda: progress(next(done), total)) if progress else (lambda: None)
    if location == "auto":
        needed = sum(image_formats(config, n)[0].bytes * len(rows) for n, rows in by_split.items())
        location = choose_cache_location(needed)
    splits: dict[str, DecodedRows] = {}
    reasons: list[str] = []
    for name, rows in by_split.items():
        images = table.images(rows)
        files = images.fingerprints()
        store = open_image_store(images, image_formats(config, name)[0], location, progress=tick)
        reasons += store.problems.values()
        decoded = [i for i in range(len(rows)) if i not in store.problems]
        splits[name] = DecodedRows(
            store.pick(decoded),
            [rows[i] for i in decoded],
            digest(files),
            LeftOut.of(BROKEN, [rows[i][1]["image"] for i in sorted(store.problems)]),
            [files[i] for i in decoded],
        )
    if reasons and config.on_error == "stop":
        raise DataError(
            f"{len(reasons)} images of {table.path} cannot be decoded; repair or remove them, or "
            f'set on_error to "skip" to leave them out:{format_list(reasons)}'
        )
    empty = [name for name, split in splits.items() if not len(split.store)]
    if empty:
        raise DataError(f"no usable image is left in the {empty[0]} split of {table.path}")
    return splits, tuple(reasons)
