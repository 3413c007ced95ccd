"""Templates from data files, and tensors in the words that card and examples share."""

import math
import string
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files as resources
from typing import Any

from exporters.bundle.labels import default_of
from exporters.bundle.manifest import SignatureRecord, TensorRecord

CHANNELS = {1: "grey", 3: "red, green, blue", 4: "red, green, blue, alpha"}


class _Template(string.Template):
    delimiter = "%%"  # neither Kotlin, Swift nor Markdown has it


def load(name: str) -> dict[str, Any]:
    """Reads a file of templates by its stem."""
    content = resources("exporters.card").joinpath("templates", f"{name}.toml").read_text("utf-8")
    return tomllib.loads(content)


def fill(template: str, **values: object) -> str:
    """Puts values where a template says `%%{name}`; none may be missing."""
    return _Template(template).substitute(values)


def called(records: Mapping[str, SignatureRecord]) -> dict[str, SignatureRecord]:
    """The signatures apps call: the uint8 variant where there is one, else the float one."""
    variants = {record.pixels_of: name for name, record in records.items() if record.pixels_of}
    plain = [name for name, record in records.items() if record.pixels_of is None]
    return {name: records[name] for name in (variants.get(each, each) for each in plain)}


def plain_name(name: str, record: SignatureRecord) -> str:
    """What people call a signature: a uint8 variant by the name of what it wraps."""
    return record.pixels_of or name


def number(value: float) -> str:
    """A number as short as it is exact: 1, not 1.0."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))


def limits(tensor: TensorRecord) -> str:
    """The value range, such as `0..255`, or `any value`."""
    if tensor.value_range is None:
        return "any value"
    return "..".join(map(number, tensor.value_range))


def whole_form(tensor: TensorRecord) -> str:
    """Such as `uint8 [1, 64, 64, 3] in 0..255`."""
    between = ", " if tensor.value_range is None else " in "
    return f"{type_and_shape(tensor)}{between}{limits(tensor)}"


def type_and_shape(tensor: TensorRecord) -> str:
    """Such as `uint8 [1, 64, 64, 3]`."""
    return f"{tensor.dtype} {list(tensor.shape)}"


def meaning(tensor: TensorRecord) -> str:
    """What a tensor is, and its labels in order."""
    parts = [tensor.meaning] if tensor.meaning else []
    if is_image(tensor):
        _, height, width, channels = tensor.shape
        colours = CHANNELS.get(channels, f"{channels} channels")
        parts.insert(0, f"image {width} wide and {height} high, rows from the top, {colours}")
    if tensor.labels and tensor.labels != (tensor.name,):
        parts.append(f"in order: {', '.join(tensor.labels)}")
    return "; ".join(parts)


def is_image(tensor: TensorRecord) -> bool:
    """Whether a tensor is one image of pixels."""
    return tensor.dtype == "uint8" and len(tensor.shape) == 4 and tensor.shape[0] == 1


def usual(tensor: TensorRecord) -> Sequence[str] | None:
    """The numbers of an input's default, or None if it must be given."""
    default = default_of(tensor)
    if default is None or math.prod(tensor.shape) != len(default):
        return None
    return [number(each) for each in default]
