"""Data sets given as a table of image -> columns, where an attribute makes the domains.

DiscoGAN takes CelebA this way (blond against black hair among women): `domain_column` and its
two values choose the domains, `where` the rows, `label_column` what becomes the labels.
"""

from collections import Counter

from tf_translate.config.data import DataConfig
from tf_translate.data.layouts.attribute_table import Row, Rows, Table, named
from tf_translate.data.splits import SPLITS, Images, Source, Split, listing
from tf_translate.errors import DataError


def read_attributes(table: Table, config: DataConfig) -> Source:
    """The domains of a table of image -> columns; unpaired.

    Splits are those of the column `split`. Without it a hash of the name of a image, which is
    the same on every machine, sends 80 % to train, 10 % to validation and 10 % to test. With
    `group_column` a held-out split where every image of a has one twin in b, equal in all
    columns but the domain's, is aligned: each image then is the truth of the other.

    Args:
        table: As `columns.read_columns` gives it, or of a packed data set.
        config: Says which columns and values are meant.

    Raises:
        DataError: If the table, a column, a value or a cell is not as it must be.
    """
    _check(table, config)
    kept = table.where(config.where)
    domains = [
        [(place, row) for place, row in kept if row[str(config.domain_column)] == value]
        for value in (config.domain_a, config.domain_b)
    ]
    _check_found(table, config, kept, domains)
    sides = [table.by_split(rows, together=config.group_column) for rows in domains]
    given = "split" in table.columns
    splits = {
        name: _split(table, config, name, sides[0][name], sides[1][name])
        for name in SPLITS
        # Chance may leave a drawn split without images of a domain; a given one may not.
        if (any if given else all)(side[name] for side in sides)
    }
    if "train" not in splits:
        raise DataError(f"the table {table.path} has no row of the split train in both domains")
    return Source(f"the table {table.path}", splits)


def _check(table: Table, config: DataConfig) -> None:
    if not config.domain_column:
        raise DataError(
            f"{table.path} is a table of image -> columns: set domain_column, domain_a and "
            f"domain_b to say which images are a and b; its columns are {named(table.columns)}"
        )
    table.check(
        {
            "domain_column": config.domain_column,
            "label_column": config.label_column,
            "group_column": config.group_column,
        }
        | {f"where.{column}": column for column in config.where}
    )


def _check_found(
    table: Table,
    config: DataConfig,
    kept: Rows,
    domains: list[Rows],
) -> None:
    for name, value, rows in zip("ab", (config.domain_a, config.domain_b), domains, strict=True):
        if not rows:
            values = [cell for cell, _ in _counted(kept, str(config.domain_column))]
            among = f" among the {len(kept)} rows that where leaves" if config.where else ""
            raise DataError(
                f"the table {table.path} has no row with {config.domain_column} = {value!r} "
                f"(domain_{name}){among}; its values are {named(values) or '(none)'}"
            )
    if config.label_column:
        without = [
            f"{place}: {row['image']}"
            for rows in domains
            for place, row in rows
            if not row[config.label_column]
        ]
        if without:
            raise DataError(
                f"the table {table.path} has rows with an empty {config.label_column!r} "
                "(label_column); fill them, leave them out by where, or choose another column:"
                f"{listing(without)}"
            )


def _split(table: Table, config: DataConfig, name: str, a: Rows, b: Rows) -> Split:
    """The images of both domains, twins at the same place where all have one."""
    twins = None if name == "train" or not config.group_column else _twins(config, a, b)
    of_a, of_b = (
        _side(table, rows, config.label_column) for rows in (a, b if twins is None else twins)
    )
    return Split(of_a, of_b, aligned=twins is not None)


def _side(table: Table, rows: Rows, label_column: str | None) -> Images:
    labels = [row[label_column] for _, row in rows] if label_column else None
    return table.images(rows, labels)


def _twins(config: DataConfig, a: Rows, b: Rows) -> Rows | None:
    """The rows of b in the order of their twins in a; None unless all have exactly one."""
    own = {"image", "split", config.domain_column}

    def shown(row: Row) -> tuple[str, ...]:
        return tuple(cell for column, cell in row.items() if column not in own)

    of = {shown(row): (place, row) for place, row in b}
    wanted = [shown(row) for _, row in a]
    complete = set(of) == set(wanted) and len(of) == len(a) == len(b)
    return [of[one] for one in wanted] if complete else None


def _counted(rows: Rows, column: str) -> list[tuple[str, int]]:
    return Counter(row[column] for _, row in rows).most_common()
