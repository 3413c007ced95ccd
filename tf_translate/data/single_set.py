"""What all sets of single images have in common: rows in splits, each image decoded once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tf_translate.config.data import DataConfig
from tf_translate.data import samples
from tf_translate.data.cache.decoded_splits import Progress, memory_or_disk
from tf_translate.data.cache.image_store import Form, Store, open_store
from tf_translate.data.layouts.attribute_table import SUFFIXES, Rows, Table, read_columns
from tf_translate.data.layouts.tfds_table import read_tfds_columns
from tf_translate.data.packed.index import is_packed
from tf_translate.data.packed.reader import Pack, read_table
from tf_translate.data.splits import held_back, listing
from tf_translate.errors import DataError


@dataclass(frozen=True)
class Decoded:
    """Images of a split.

    Attributes:
        store: Those that could be decoded.
        rows: Their rows, in order.
        identity: Names the images of the split, also those that could not, on every machine.
    """

    store: Store
    rows: Rows
    identity: str


def open_table(config: DataConfig, read_folder: Callable[[Path], Table], wanted: str) -> Table:
    """The table that `data.path` names, whatever it is.

    Args:
        config: Its `path` is a folder, a file, samples:NAME or tfds:NAME.
        read_folder: Reads what a folder says.
        wanted: What `data.path` must be, in words, for whoever gave something else.

    Raises:
        DataError: If it is none of these, or cannot be read.
    """
    kind, colon, name = config.path.partition(":")
    if colon and kind == "tfds":
        return read_tfds_columns(name, config.tfds_a)
    path = samples.table(name) if colon and kind == "samples" else Path(config.path).expanduser()
    if is_packed(path):
        return _unpacked(Pack(path), config)
    if path.is_dir():
        return read_folder(path)
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"data.path must be {wanted}, got {config.path!r}")
    return read_columns(path)


def _unpacked(pack: Pack, config: DataConfig) -> Table:
    if not pack.index.columns:
        raise DataError(
            f"{pack.folder} was packed as two domains (layout {pack.index.layout}), but one set of "
            "images is needed; pack it again with --layout images, ages or attributes"
        )
    pack.require(config, (config.channels_a,))
    return read_table(pack)


def splits_of(table: Table, rows: Rows, config: DataConfig) -> dict[str, Rows]:
    """Rows by split; validation is held back of train, person by person, where there is none.

    Raises:
        DataError: If nothing is in the train split.
    """
    by_split = table.by_split(rows, together=config.group_column)
    by_split = {name: found for name, found in by_split.items() if found}
    if "train" not in by_split:
        raise DataError(f"the table {table.path} has no row of the split train")
    if "validation" in by_split or not config.validation_share:
        return by_split
    train = by_split["train"]
    key = config.group_column or "image"
    shown = list(dict.fromkeys(row[key] for _, row in train))
    held = {shown[i] for i in held_back(shown, config.validation_share, "a")}
    if not held:
        return by_split
    return {
        "train": [(place, row) for place, row in train if row[key] not in held],
        "validation": [(place, row) for place, row in train if row[key] in held],
        **{name: found for name, found in by_split.items() if name != "train"},
    }


def decode(
    table: Table, by_split: dict[str, Rows], config: DataConfig, progress: Progress | None
) -> tuple[dict[str, Decoded], tuple[str, ...]]:
    """Decodes every image once, and leaves out those that cannot be.

    Returns:
        The splits, and what was left out as "file: reason".

    Raises:
        DataError: If images are broken and `on_error` is "stop", or a split is left empty.
    """
    place = config.cache
    total, done = sum(map(len, by_split.values())), iter(range(1, 2**62))
    tick = (lambda: progress(next(done), total)) if progress else (lambda: None)
    if place == "auto":
        height, width = config.load_size or config.size
        place = memory_or_disk(total * height * width * config.channels_a)
    opened: dict[str, Decoded] = {}
    reasons: list[str] = []
    for name, rows in by_split.items():
        size = (config.load_size if name == "train" else None) or config.size
        images = table.images(rows)
        store = open_store(images, Form(size, config.channels_a), place, progress=tick)
        reasons += store.problems.values()
        kept = [i for i in range(len(rows)) if i not in store.problems]
        opened[name] = Decoded(store.pick(kept), [rows[i] for i in kept], images.identity())
    if reasons and config.on_error == "stop":
        raise DataError(
            f"{len(reasons)} images of {table.path} cannot be used; repair or remove them, or "
            f'set on_error to "skip" to leave them out:{listing(reasons)}'
        )
    empty = [name for name, split in opened.items() if not len(split.store)]
    if empty:
        raise DataError(f"no usable image is left in the {empty[0]} split of {table.path}")
    return opened, tuple(reasons)
