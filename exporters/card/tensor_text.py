"""Text about signatures and tensors that the card and the app examples share."""

import math
from collections.abc import Mapping, Sequence

from exporters.bundle import signatures as images
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.inference.images import levels_per_unit

CHANNELS = {1: "grey", 3: "red, green, blue", 4: "red, green, blue, alpha"}


def app_signatures(records: Mapping[str, SignatureRecord]) -> dict[str, SignatureRecord]:
    """The signatures for apps: the uint8 variant if there is one, else the float signature."""
    variants = {record.pixels_of: name for name, record in records.items() if record.pixels_of}
    floats = [name for name, record in records.items() if record.pixels_of is None]
    return {name: records[name] for name in (variants.get(each, each) for each in floats)}


def display_name(name: str, record: SignatureRecord) -> str:
    """The name of a signature for people: for a uint8 variant that of the float signature."""
    return record.pixels_of or name


def direction_words(name: str, domains: Mapping[str, str]) -> str:
    """What `a_to_b` or `b_to_a` does in words, such as `horses to zebras`; empty if unknown."""
    start, _, end = name.removesuffix(images.PIXEL_SUFFIX).partition("_to_")
    return f"{domains[start]} to {domains[end]}" if {start, end} <= set(domains) else ""


def number(value: float) -> str:
    """The shortest exact text of a number: 1, not 1.0."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))


def limits(tensor: TensorRecord) -> str:
    """The value range, such as `0..255`, or `any value`."""
    if tensor.value_range is None:
        return "any value"
    usual = "..".join(map(number, tensor.value_range))
    return f"{usual} typically, others are allowed" if tensor.range_is_typical else usual


def image_scaling(record: SignatureRecord) -> str:
    """How levels become the float images of a signature: their range and the formula."""
    ranges = [
        list(dict.fromkeys(tensor.limits for tensor in tensors if images.is_image(tensor)))
        for tensors in (record.inputs, record.outputs)
    ]
    if ranges[0] == ranges[1] or not ranges[1]:
        return f"images in float32 in {_all_scalings(ranges[0])}"
    if not ranges[0]:
        return f"images in float32 in {_all_scalings(ranges[1])}"
    return (
        f"images in float32, inputs in {_all_scalings(ranges[0])}, "
        f"outputs in {_all_scalings(ranges[1])}"
    )


def _all_scalings(ranges: Sequence[tuple[float, float]]) -> str:
    return " or ".join(map(_scaling, ranges))


def _scaling(limits: tuple[float, float]) -> str:
    """Such as `[-1, 1] (level / 127.5 - 1)`."""
    low, high = limits
    per_unit = levels_per_unit(limits)
    formula = "level" if per_unit == 1.0 else f"level / {number(per_unit)}"
    if low:
        formula += f" {'-' if low < 0 else '+'} {number(abs(low))}"
    return f"[{number(low)}, {number(high)}] ({formula})"


def type_shape_and_range(tensor: TensorRecord) -> str:
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
        if tensor.interpolation == "nearest":
            parts.append("a label map: resize it by the nearest pixel, not bicubic")
    if tensor.labels and tensor.labels != (tensor.name,):
        parts.append(f"in order: {', '.join(tensor.labels)}")
    return "; ".join(parts)


def is_image(tensor: TensorRecord) -> bool:
    """Whether a tensor is one image of uint8 pixels."""
    return tensor.dtype == "uint8" and len(tensor.shape) == 4 and tensor.shape[0] == 1


def is_colour_image(tensor: TensorRecord) -> bool:
    """Whether a tensor is one image of red, green and blue pixels."""
    return is_image(tensor) and tensor.shape[-1] == 3


def default_texts(tensor: TensorRecord) -> Sequence[str] | None:
    """The values of an input's default as text, or None if it is required."""
    if tensor.default is None or math.prod(tensor.shape) != len(tensor.default):
        return None
    return [number(value) for value in tensor.default]
