"""What attributes a set of images has, and how their values become numbers."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_RANGE = re.compile(r"(\d+)(?:-(\d+)|\+)")


@dataclass(frozen=True)
class Attribute:
    """One attribute and its values, in order.

    Two values are absence and presence: one column, 0 or 1. More values are categories or
    ordered levels: a column each, exactly one of them 1. A value may be a range of numbers,
    `19-29` or `60+`, both ends included, into which numbers fall.
    """

    name: str
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns: `glasses`, or `hair=black` and `hair=blond`."""
        if len(self.values) == 2:
            return (self.name,)
        return tuple(f"{self.name}={value}" for value in self.values)

    def encode(self, value: str) -> list[float]:
        """The columns of a value.

        Raises:
            ValueError: If it is none of the attribute's values.
        """
        number = self._number(value)
        if len(self.values) == 2:
            return [float(number)]
        return [float(number == i) for i in range(len(self.values))]

    def _number(self, value: str) -> int:
        if value in self.values:
            return self.values.index(value)
        for number, limits in enumerate(map(_RANGE.fullmatch, self.values)):
            if limits and re.fullmatch(r"-?\d+(\.\d+)?", value):
                above = float(value) >= float(limits[1])
                if above and (limits[2] is None or float(value) < float(limits[2]) + 1):
                    return number
        raise ValueError(
            f"{self.name} must be one of {', '.join(self.values)}, got {value or 'nothing'!r}"
        )


class Attributes:
    """The attributes of a set, in order.

    Args:
        values: Values by attribute, each at least two and all different.

    Attributes:
        each: The attributes.
        columns: Names of all columns.
        spans: First and last + 1 column of each attribute.
        categories: Numbers of values of all attributes together.
        binary: For each column whether it is one of two values, absent or present.
        places: Of each column among the categories; that of presence if it is binary.

    Raises:
        ValueError: If there is no attribute, or one has fewer than two values or one twice.
    """

    def __init__(self, values: Mapping[str, Sequence[str]]):
        self.each = tuple(Attribute(name, tuple(of)) for name, of in values.items())
        if not self.each:
            raise ValueError("`attributes` must name at least one attribute, got none")
        for one in self.each:
            if len(set(one.values)) != len(one.values) or len(one.values) < 2:
                raise ValueError(
                    f"attribute {one.name!r} needs at least two different values, got "
                    f"{list(one.values)}"
                )
        self.columns = tuple(name for one in self.each for name in one.columns)
        ends = [0]
        for one in self.each:
            ends.append(ends[-1] + len(one.columns))
        self.spans = tuple(itertools.pairwise(ends))
        self.categories = sum(len(one.values) for one in self.each)
        self.binary = [len(one.values) == 2 for one in self.each for _ in one.columns]
        self.places = [end - 1 for end in itertools.accumulate(1 + two for two in self.binary)]

    def encode(self, row: Mapping[str, str]) -> list[float]:
        """The numbers of a row of a table, as many as `columns`.

        Raises:
            ValueError: If a cell is none of its attribute's values.
        """
        return [number for one in self.each for number in one.encode(row[one.name])]
