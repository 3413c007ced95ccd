"""Checks of the arguments of public functions: one sentence in place of an AttributeError."""

import os
import reprlib
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

from exporters.errors import ExportError

_MAX_TEXT = 100  # characters of a value
PATH = (str, os.PathLike)


def shown(value: Any) -> str:
    """A value in one short line, for error messages."""
    shape = getattr(value, "shape", None)
    if shape is not None and hasattr(value, "dtype"):
        return f"an array of shape {tuple(shape)}"
    if isinstance(value, (str, bytes, int, float, list, tuple, dict)) or value is None:
        text = reprlib.repr(value)
        return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."
    return f"a {type(value).__name__}"


def check_type(argument: str, value: Any, types: type | tuple[type, ...], what: str) -> None:
    """Raises ExportError unless a value is of these types; `what` describes them."""
    if not isinstance(value, types):
        raise ExportError(f"`{argument}` must be {what}, got {shown(value)}")


def check_count(argument: str, value: Any) -> None:
    """Raises ExportError unless a value is a whole number of at least 1."""
    if not isinstance(value, Integral):
        raise ExportError(f"`{argument}` must be a whole number, got {shown(value)}")
    if value < 1:
        raise ExportError(f"`{argument}` must be at least 1, got {value}")


def check_path(argument: str, value: Any) -> None:
    """Raises ExportError unless a value is a path."""
    check_type(argument, value, PATH, "a path")


def check_batches_by_signature(argument: str, value: Any) -> None:
    """Raises ExportError unless a value maps signatures to mappings from inputs to batches."""
    what = "a mapping such as {'a_to_b': {'image': batch}}"
    check_type(argument, value, Mapping, what)
    for each in value.values():
        check_type(argument, each, Mapping, what)


def check_each(argument: str, values: Any, types: type | tuple[type, ...], what: str) -> None:
    """Raises ExportError unless a value holds values of these types alone; no text, no mapping."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ExportError(f"`{argument}` must hold {what}, got {shown(values)}")
    for each in values:
        if not isinstance(each, types):
            raise ExportError(f"`{argument}` must hold {what}, got {shown(each)} in it")
