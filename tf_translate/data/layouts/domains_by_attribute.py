"""Splits an attribute table into two domains by the values of one column.

DiscoGAN uses CelebA this way (blond and black hair, women only). `domain_column` and two of its
values choose the domains, `where` chooses the rows, and `label_column` holds the labels.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tf_translate.config.data import DataConfig
from tf_translate.data.holdout import (
    check_table_splits,
    notes_of_table,
    one_sided,
    split_rows,
)
from tf_translate.data.layouts.attribute_table import AttributeTable, LocatedRows, Row
from tf_translate.data.splits import (
    SPLITS,
    DomainSource,
    ImageList,
    Split,
    format_list,
    list_names,
)
from tf_translate.errors import DataError


def read_attribute_domains(table: AttributeTable, config: DataConfig) -> DomainSource:
    """Reads the two unpaired domains of an attribute table.

    By default splits are those of the column `split`. Without it, a hash of the image path, equal
    on every machine, assigns 80 % to train, 10 % to validation and 10 % to test. `holdout` replaces
    both, and counts the last images of each domain by itself. With `group_column`, a split is
    aligned if every image of a has exactly one counterpart in b: a row that is equal in all columns
    except the domain's. Counterparts are each other's ground truth, and pairs to learn from.

    Args:
        table: The table, as from `table_files.read_columns` or of a packed data set.
        config: Names the columns and values.

    Raises:
        DataError: If the table, a column, a value or a cell is invalid.
    """
    _check(table, config)
    rows = table.where(config.where)
    domains = [
        [(location, row) for location, row in rows if row[str(config.domain_column)] == value]
        for value in (config.domain_a, config.domain_b)
    ]
    _check_domains(table, config, rows, domains)
    check_table_splits(table, rows, config)
    sides = [split_rows(table, domain, config) for domain in domains]
    is_hashed = config.holdout == "hash" or "split" not in table.columns
    splits = {
        name: _split(table, config, sides[0][name], sides[1][name])
        for name in SPLITS
        # A split by hash may lack images of a domain by chance; a split by column may not.
        if (all if is_hashed else any)(side[name] for side in sides)
    }
    if "train" not in splits:
        raise DataError(
            f"the table {table.path} must have rows of the split train in both domains, and has "
            "none: set its column split to train in some rows of each"
        )
    notes = (
        *notes_of_table(table, config),
        *_of_neither_domain(config, rows, domains),
        *one_sided(
            {name: (len(sides[0][name]), len(sides[1][name])) for name in SPLITS}, splits, config
        ),
        *_without_truth(config, splits, sides),
    )
    return DomainSource(f"the table {table.path}", splits, notes=notes)


def _of_neither_domain(
    config: DataConfig, rows: LocatedRows, domains: list[LocatedRows]
) -> Iterator[str]:
    """A note on rows whose value is neither `domain_a` nor `domain_b`."""
    others = len(rows) - sum(map(len, domains))
    if others:
        counts = [
            f"{count:,} with {value!r}"
            for value, count in _count_values(rows, str(config.domain_column))
            if value not in (config.domain_a, config.domain_b)
        ]
        yield (
            f"{others:,} of {len(rows):,} rows {'is' if others == 1 else 'are'} in neither domain, "
            f"by {config.domain_column}: "
            f"{list_names(counts)}"
        )


def _without_truth(
    config: DataConfig, splits: Mapping[str, Split], sides: Sequence[Mapping[str, LocatedRows]]
) -> Iterator[str]:
    """A note on each held-out split in which some images have a counterpart, and not all."""
    for name, split in splits.items():
        if name == "train" or split.aligned or not config.group_column:
            continue
        contents = [Counter(_content_of(config, row) for _, row in side[name]) for side in sides]
        matched = [each for each, count in contents[0].items() if count == contents[1][each] == 1]
        if matched:
            yield (
                f"{name}: no ground truth, as {len(matched):,} of {len(sides[0][name]):,} and "
                f"{len(sides[1][name]):,} images have exactly one counterpart in the other domain, "
                f"a row that is equal in all columns but image and {config.domain_column}, and all "
                "must have one"
            )


def _content_of(config: DataConfig, row: Row) -> tuple[str, ...]:
    """What a row says apart from its image, split and domain."""
    excluded = {"image", "split", config.domain_column}
    return tuple(cell for column, cell in row.items() if column not in excluded)


def _check(table: AttributeTable, config: DataConfig) -> None:
    if not config.domain_column:
        raise DataError(
            f"{table.path} is an attribute table: set data.domain_column, data.domain_a "
            f"and data.domain_b to choose the images of a and b; its columns are "
            f"{list_names(table.columns)}"
        )
    table.check(
        {
            "domain_column": config.domain_column,
            "label_column": config.label_column,
            "group_column": config.group_column,
        }
        | {f"where.{column}": column for column in config.where}
    )


def _check_domains(
    table: AttributeTable,
    config: DataConfig,
    all_rows: LocatedRows,
    domains: list[LocatedRows],
) -> None:
    for name, value, rows in zip("ab", (config.domain_a, config.domain_b), domains, strict=True):
        if not rows:
            values = [cell for cell, _ in _count_values(all_rows, str(config.domain_column))]
            among = f" among the {len(all_rows)} rows that match data.where" if config.where else ""
            raise DataError(
                f"the table {table.path} has no row with {config.domain_column} = {value!r} "
                f"(data.domain_{name}){among}; its values are {list_names(values) or '(none)'}"
            )
    if config.label_column:
        without = [
            f"{location}: {row['image']}"
            for rows in domains
            for location, row in rows
            if not row[config.label_column]
        ]
        if without:
            raise DataError(
                f"the table {table.path} has rows with an empty {config.label_column!r} "
                "(data.label_column); fill the cells, exclude the rows with data.where, or choose "
                "another column:"
                f"{format_list(without)}"
            )


def _split(table: AttributeTable, config: DataConfig, a: LocatedRows, b: LocatedRows) -> Split:
    """Opens both domains; counterparts get the same position if every image has one."""
    column = config.group_column
    counterparts = _counterparts(config, a, b) if column else None
    b = b if counterparts is None else counterparts
    images_a, images_b = (_open_images(table, rows, config.label_column) for rows in (a, b))
    groups = None
    if column:
        groups = [row[column] for _, row in a], [row[column] for _, row in b]
    return Split(images_a, images_b, aligned=counterparts is not None, groups=groups)


def _open_images(table: AttributeTable, rows: LocatedRows, label_column: str | None) -> ImageList:
    labels = [row[label_column] for _, row in rows] if label_column else None
    return table.images(rows, labels)


def _counterparts(config: DataConfig, a: LocatedRows, b: LocatedRows) -> LocatedRows | None:
    """Orders the rows of b like their counterparts in a; None unless each has exactly one."""
    rows_of_b = {_content_of(config, row): (location, row) for location, row in b}
    contents_of_a = [_content_of(config, row) for _, row in a]
    complete = set(rows_of_b) == set(contents_of_a) and len(rows_of_b) == len(a) == len(b)
    return [rows_of_b[content] for content in contents_of_a] if complete else None


def _count_values(rows: LocatedRows, column: str) -> list[tuple[str, int]]:
    return Counter(row[column] for _, row in rows).most_common()
