"""What single values in `manifest.json` must be: names, paths, shapes, labels, nested settings."""

import math
import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

MAX_DEPTH = 32  # of nested settings; serializers overflow the stack beyond some hundred levels
MAX_ELEMENTS = 2**28  # of one tensor: 1 GiB of float32, more than any phone model takes


def is_inside(path: str) -> bool:
    """Whether a path with forward slashes stays within its folder wherever it is read."""
    no_parent_parts = all(part not in ("", ".", "..") for part in path.split("/"))
    has_other_separators = any(character in path for character in "\\:\0")
    return no_parent_parts and not has_other_separators and not PurePosixPath(path).is_absolute()


def _check_inside(path: str) -> str:
    if not is_inside(path):
        raise ValueError(f"the path {path!r} leads outside the bundle")
    return path


def _check_model_path(path: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_./-]+", path):
        raise ValueError(f"it must be letters, digits and any of _ . - /, got {path!r}")
    return path


def _check_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if any(side < 1 for side in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise ValueError(
            f"a shape must have sides of at least 1 and at most {MAX_ELEMENTS} "
            f"elements, got {list(shape)}"
        )
    return shape


def _check_label(label: str) -> str:
    if not label.isprintable() or label != label.strip():
        raise ValueError(f"a label must be printable and have no space around it, got {label!r}")
    return label


def _check_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"it must be one line of printable text, got {text!r}")
    return text


def check_depth(value: Any, left: int = MAX_DEPTH) -> Any:
    """Returns a JSON value unchanged; ValueError if it is nested deeper than `MAX_DEPTH`."""
    if left == 0:
        raise ValueError(f"values may be nested {MAX_DEPTH} deep at most")
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for each in inner:
            check_depth(each, left - 1)
    return value


NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=100)]
RelativePath = Annotated[str, Field(max_length=500), AfterValidator(_check_inside)]
ModelPath = Annotated[RelativePath, AfterValidator(_check_model_path)]  # it stands in app code
Shape = Annotated[tuple[int, ...], Field(max_length=8), AfterValidator(_check_shape)]
Data = Annotated[dict[str, Any], AfterValidator(check_depth)]
Label = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_check_label)]
Line = Annotated[str, Field(max_length=500), AfterValidator(_check_line)]
DType = Literal["float32", "int32", "uint8"]
Aspect = Literal["stretch", "letterbox", "crop"]
Interpolation = Literal["bicubic", "nearest"]
