"""Which images are held out of training: `data.holdout`, for tables and for two domains."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tf_translate.config.data import DataConfig
from tf_translate.data.layouts.attribute_table import AttributeTable, LocatedRows, split_by_hash
from tf_translate.data.layouts.folders import SPLIT_NAMES
from tf_translate.data.splits import (
    SPLITS,
    DomainSource,
    Split,
    hold_out_validation,
    join_images,
)
from tf_translate.errors import DataError
from tf_translate.image_files import NOTHING

_OWN_SPLITS = ("auto", "official")  # values of `holdout` with which a data set's own splits count


def split_rows(
    table: AttributeTable, rows: LocatedRows, config: DataConfig
) -> dict[str, LocatedRows]:
    """Assigns rows of a table, or of one domain of it, to all of `SPLITS`; some may be empty.

    "auto" holds out no validation split here, see `table_splits.assign_splits`.

    Raises:
        DataError: If "last" would leave no row to train on.
    """
    if config.holdout in _OWN_SPLITS:
        return table.by_split(rows, group_column=config.group_column)
    names = [row[config.group_column or "image"] for _, row in rows]
    positions = _choose(names, config, f"the table {table.path}")
    return {split: [rows[i] for i in chosen] for split, chosen in positions.items()}


def check_table_splits(table: AttributeTable, rows: LocatedRows, config: DataConfig) -> None:
    """Raises `DataError` if "official" is asked of rows that are all to train on."""
    if config.holdout == "official":
        own = (SPLIT_NAMES[row["split"]] for _, row in rows if "split" in table.columns)
        _check_official(own, f"the table {table.path}", "a column split, or folders train and test")


def notes_of_table(table: AttributeTable, config: DataConfig) -> tuple[str, ...]:
    """The notes of a table, with what decides its splits and what has no effect on them."""
    if config.holdout in _OWN_SPLITS:
        notes = table.split_notes
    else:
        notes = _ignored(f"the table {table.path}", config) if "split" in table.columns else ()
    return (*table.notes, *notes, *config.without_effect())


def split_domains(source: DomainSource, config: DataConfig) -> DomainSource:
    """Applies `data.holdout` to two domains that are no attribute table.

    "hash" decides by the name of an image; of a pair, by the name of a.

    Raises:
        DataError: If "official" is asked and there are only training images, or "last" would
            leave none.
    """
    if config.holdout == "auto":
        return hold_out_validation(source, config.validation_share)
    if config.holdout == "official":
        _check_official(source.splits, source.description, "a split test")
        return source
    parts = list(source.splits.values())
    a, b = join_images([part.a for part in parts]), join_images([part.b for part in parts])
    aligned = all(part.aligned for part in parts)
    chosen_a = _choose(a.names, config, f"a of {source.description}")
    chosen_b = chosen_a if aligned else _choose(b.names, config, f"b of {source.description}")
    splits = {
        name: Split(a.pick(chosen_a[name]), b.pick(chosen_b[name]), aligned)
        for name in SPLITS
        if chosen_a[name] and chosen_b[name]  # by hash a domain may lack images by chance
    }
    if "train" not in splits:
        raise DataError(f"no image of {source.description} is left to train on")
    left_out = sum(source.left_out.values(), NOTHING)
    notes = _ignored(source.description, config) if len(parts) > 1 else ()
    return replace(
        source, splits=splits, left_out={"train": left_out}, notes=(*source.notes, *notes)
    )


def _choose(names: Sequence[str], config: DataConfig, described: str) -> dict[str, list[int]]:
    """The positions of each split by "hash", "last" or "none"."""
    positions: dict[str, list[int]] = {split: [] for split in SPLITS}
    if config.holdout == "hash":
        shares = config.validation_share, config.test_share
        for position, name in enumerate(names):
            positions[split_by_hash(name, *shares)].append(position)
        return positions
    held_out = config.test_images if config.holdout == "last" else 0
    if held_out >= len(names) > 0:
        raise DataError(
            f"data.holdout = 'last' holds out {held_out} images, but {described} has "
            f"{len(names)}; set data.test_images to fewer"
        )
    first_held_out = len(names) - held_out
    positions["train"] = [*range(first_held_out)]
    positions["test"] = [*range(first_held_out, len(names))]
    return positions


def _check_official(splits: Iterable[str], described: str, remedy: str) -> None:
    if not set(splits) - {"train"}:
        raise DataError(
            f"data.holdout = 'official' needs a test or validation split, but {described} has "
            f"none; add {remedy}, or set data.holdout to hash, last or none"
        )


def _ignored(described: str, config: DataConfig) -> tuple[str, ...]:
    return (f"the splits of {described} are ignored, as data.holdout is {config.holdout!r}",)
