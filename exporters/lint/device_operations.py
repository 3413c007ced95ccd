"""Loads `device_operations.toml`: the operations that each device runs on its fast path."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).with_name("device_operations.toml")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Record):
    """Conditions for an operation to run on a device; the file explains its keys."""

    max_inputs: int | None = None
    max_outputs: int | None = None
    ranks: tuple[int, ...] | None = None
    types: tuple[str, ...] | None = None
    constants: tuple[int, ...] = ()
    ones: int | None = None
    scales: tuple[float, float] | None = None
    scale_product: tuple[float, float] | None = None
    options: dict[str, tuple[float, ...]] = {}


class Target(_Record):
    """One way to run a model, such as a delegate.

    Attributes:
        title: Its name for people.
        source: Where the data comes from.
        fallback: How an operation runs that it does not support.
        max_rank: Highest rank of a tensor.
        types: Types of tensors that it computes with.
        operations: The operations it supports, with their conditions, by name.
        same_as: Another target with the same operations, ranks, types and fallback.
        interface_types: Allowed types of inputs and outputs of the graph; empty for any.
    """

    title: str
    source: str
    fallback: str = ""
    max_rank: int = 0
    types: tuple[str, ...] = ()
    operations: dict[str, Rule] = {}
    same_as: str | None = None
    interface_types: tuple[str, ...] = ()


class DeviceOperations(_Record):
    """All targets by name, and suggestions by operation."""

    targets: dict[str, Target]
    suggestions: dict[str, str]


@cache
def device_operations() -> DeviceOperations:
    """The content of the file, with `same_as` resolved."""
    read = DeviceOperations.model_validate(tomllib.loads(FILE.read_text("utf-8")))
    targets = {name: _resolved(target, read.targets) for name, target in read.targets.items()}
    return DeviceOperations(targets=targets, suggestions=read.suggestions)


def _resolved(target: Target, targets: dict[str, Target]) -> Target:
    if target.same_as is None:
        return target
    other = targets[target.same_as]
    shared = {
        name: getattr(other, name) for name in ("fallback", "max_rank", "types", "operations")
    }
    return target.model_copy(update=shared)
