"""Which images are held out of training: `data.holdout`, for tables and for two domains."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
        _check_official(
            own, f"the table {table.path}", "a column named 'split', or folders train/ and test/"
        )


def notes_of_table(table: AttributeTable, config: DataConfig) -> tuple[str, ...]:
    """The notes of a table: its own, rows left out or listed twice, splits, unused settings."""
    own_splits, used = "split" in table.columns, table.where(config.where)
    if config.holdout in _OWN_SPLITS:
        splits = [*table.split_notes]
        by_hash = config.holdout == "auto" and not own_splits and _has_own_share(config)
        # Without a row for validation the fraction decides after all, see `assign_splits`.
        if by_hash and table.by_split(used, group_column=config.group_column)["validation"]:
            splits.append(
                f"data.validation_share = {config.validation_share:g} has no effect on a table "
                "without a column 'split', of which a hash holds out 10 % for validation and 10 % "
                "for test; set data.holdout = 'hash' to use it"
            )
    else:
        splits = [*_ignored(f"the table {table.path}", config)] if own_splits else []
    if len(used) < len(table.rows):
        splits.append(f"data.where chooses {len(used):,} of {len(table.rows):,} rows")
    return (*table.notes, *_listed_twice(used), *splits, *config.without_effect())


def _has_own_share(config: DataConfig) -> bool:
    return config.validation_share != DataConfig.model_fields["validation_share"].default


def _listed_twice(rows: LocatedRows) -> list[str]:
    """A note if rows name an image that another row names too."""
    lines: dict[str, list[str]] = {}
    for location, row in rows:
        lines.setdefault(row["image"], []).append(location)
    twice = {image: each for image, each in lines.items() if len(each) > 1}
    if not twice:
        return []
    first = next(iter(twice))
    count = "1 image is" if len(twice) == 1 else f"{len(twice):,} images are"
    return [f"{count} listed more than once, such as {first} ({', '.join(twice[first][:3])})"]


def split_domains(source: DomainSource, config: DataConfig) -> DomainSource:
    """Applies `data.holdout` to two domains that are no attribute table.

    "hash" decides by the name of an image; of a pair, by the name of a.

    Raises:
        DataError: If "official" is asked and there are only training images, or "last" would
            leave none.
    """
    if config.holdout == "auto":
        held_out = hold_out_validation(source, config.validation_share)
        # With 0 none is held out either way.
        own_share = _has_own_share(config) and config.validation_share > 0
        if "validation" in source.splits and own_share:
            note = (
                f"data.validation_share = {config.validation_share:g} has no effect on "
                f"{source.description}, which has a validation split; set data.holdout = 'hash' "
                "to use it"
            )
            return replace(held_out, notes=(*held_out.notes, note))
        return held_out
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
    notes += one_sided(
        {name: (len(chosen_a[name]), len(chosen_b[name])) for name in SPLITS}, splits, config
    )
    return replace(
        source, splits=splits, left_out={"train": left_out}, notes=(*source.notes, *notes)
    )


def one_sided(
    counts: Mapping[str, tuple[int, int]], splits: Collection[str], config: DataConfig
) -> tuple[str, ...]:
    """A note on each split that is left out, because by hash it has images of one domain only.

    Args:
        counts: The stored images of a and of b by split.
        splits: Names of the splits that are used.
        config: Swaps the domains by `direction`.
    """
    first, second = "ba" if config.direction == "b_to_a" else "ab"
    return tuple(
        f"the split {name} has {max(a, b)} images of {first if a else second} and none of "
        f"{second if a else first}, so it is not used; {_larger(name, config)}"
        for name, (a, b) in counts.items()
        if name not in splits and (a or b)
    )


def _larger(split: str, config: DataConfig) -> str:
    """How a split gets more images."""
    if config.holdout != "hash":
        return "set data.holdout = 'last' and data.test_images"
    fraction = config.test_share if split == "test" else config.validation_share
    return f"raise data.{split}_share, which is {fraction:g}"


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
            f"none; add {remedy}, or set data.holdout to 'hash', 'last' or 'none'"
        )


def _ignored(described: str, config: DataConfig) -> tuple[str, ...]:
    return (f"the splits of {described} are ignored, as data.holdout is {config.holdout!r}",)
