"""Which operations each device runs on its fast path: the data of `operations.toml`, checked."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

TABLE = Path(__file__).with_name("operations.toml")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Record):
    """What narrows an operation down on a device; the keys are explained in the file."""

    most_inputs: int | None = None
    most_outputs: int | None = None
    ranks: tuple[int, ...] | None = None
    types: tuple[str, ...] | None = None
    constants: tuple[int, ...] = ()
    ones: int | None = None
    scales: tuple[float, float] | None = None
    scale_product: tuple[float, float] | None = None
    options: dict[str, tuple[float, ...]] = {}


class Target(_Record):
    """One way to run a model.

    Attributes:
        title: What people call it.
        source: Where the table is from.
        elsewhere: What becomes of an operation that it does not run.
        most_ranks: Highest rank of a tensor.
        types: Types of tensors that it computes with.
        operations: What it runs, by name.
        same_as: Another target whose operations, ranks, types and words it shares.
        interface_types: Types that tensors may have where they enter and leave; empty for any.
    """

    title: str
    source: str
    elsewhere: str = ""
    most_ranks: int = 0
    types: tuple[str, ...] = ()
    operations: dict[str, Rule] = {}
    same_as: str | None = None
    interface_types: tuple[str, ...] = ()


class Tables(_Record):
    """All targets by name, and what to do about operations by theirs."""

    targets: dict[str, Target]
    cures: dict[str, str]


@cache
def tables() -> Tables:
    """The tables, with every target's own operations filled in."""
    read = Tables.model_validate(tomllib.loads(TABLE.read_text("utf-8")))
    targets = {name: _resolved(target, read.targets) for name, target in read.targets.items()}
    return Tables(targets=targets, cures=read.cures)


def _resolved(target: Target, targets: dict[str, Target]) -> Target:
    if target.same_as is None:
        return target
    other = targets[target.same_as]
    shared = {
        name: getattr(other, name) for name in ("elsewhere", "most_ranks", "types", "operations")
    }
    return target.model_copy(update=shared)
