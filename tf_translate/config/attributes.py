"""The attributes of an image set and the encoding of their values as numbers."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_RANGE = re.compile(r"(\d+)(?:-(\d+)|\+)")


@dataclass(frozen=True)
class Attribute:
    """One attribute and its values, in order.

    Two values mean absence and presence: one column, 0 or 1. More values are categories or
    ordered levels: one column each, one-hot. A value may be a range such as `19-29` or `60+`;
    it matches every number in the range, both ends included.
    """

    name: str
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the encoded columns: `glasses`, or `hair=black` and `hair=blond`."""
        if len(self.values) == 2:
            return (self.name,)
        return tuple(f"{self.name}={value}" for value in self.values)

    def encode(self, value: str) -> list[float]:
        """Encodes a value as one number for each column.

        Raises:
            ValueError: If the attribute has no such value.
        """
        index = self._index(value)
        if len(self.values) == 2:
            return [float(index)]
        return [float(index == i) for i in range(len(self.values))]

    def _index(self, value: str) -> int:
        if value in self.values:
            return self.values.index(value)
        for index, limits in enumerate(map(_RANGE.fullmatch, self.values)):
            if limits and re.fullmatch(r"-?\d+(\.\d+)?", value):
                above = float(value) >= float(limits[1])
                if above and (limits[2] is None or float(value) < float(limits[2]) + 1):
                    return index
        raise ValueError(
            f"{self.name} must be one of {', '.join(self.values)}, got {value or 'nothing'!r}"
        )


class Attributes:
    """The attributes of an image set, in order.

    Args:
        values: Attribute name -> its values, at least two and all different.

    Attributes:
        definitions: One `Attribute` for each name.
        columns: Names of all encoded columns.
        spans: First column, and last column + 1, of each attribute.
        categories: Total number of values of all attributes.
        binary: For each column, whether its attribute has two values, absence and presence.
        category_indices: Index of each column among the categories; for a binary attribute the
            index of presence.

    Raises:
        ValueError: If they are not a mapping, there is no attribute, or one has fewer than two
            values or a repeated value.
    """

    def __init__(self, values: Mapping[str, Sequence[str]]):
        if not isinstance(values, Mapping):
            raise ValueError(
                '`attributes` must map each attribute to its values, as {"glasses": ["0", "1"]}, '
                f"got {values!r}"
            )
        self.definitions = tuple(
            Attribute(name, tuple(its_values)) for name, its_values in values.items()
        )
        if not self.definitions:
            raise ValueError("`attributes` must name at least one attribute, got none")
        for one in self.definitions:
            if len(set(one.values)) != len(one.values) or len(one.values) < 2:
                raise ValueError(
                    f"attribute {one.name!r} needs at least two different values, got "
                    f"{list(one.values)}"
                )
        self.columns = tuple(name for attribute in self.definitions for name in attribute.columns)
        ends = [0]
        for one in self.definitions:
            ends.append(ends[-1] + len(one.columns))
        self.spans = tuple(itertools.pairwise(ends))
        self.categories = sum(len(one.values) for one in self.definitions)
        self.binary = [len(one.values) == 2 for one in self.definitions for _ in one.columns]
        self.category_indices = [
            end - 1 for end in itertools.accumulate(1 + two for two in self.binary)
        ]

    def encode(self, row: Mapping[str, str]) -> list[float]:
        """Encodes a table row as one number for each of `columns`.

        Raises:
            ValueError: If a cell holds none of its attribute's values.
        """
        return [number for one in self.definitions for number in one.encode(row[one.name])]
