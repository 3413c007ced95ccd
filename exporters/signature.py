"""Signatures and their tensors as plain data, for functions of one's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tensor:
    """One named input or output of a signature.

    Attributes:
        name: Letters, digits and underscores, beginning with a letter.
        shape: All sides, batch first; the batch is None or 1.
        dtype: "float32", "int32" or "uint8".
        value_range: Minimum and maximum value, or None if unbounded. With it, float32 of four sides
            are images, whose black is the minimum and whose white is the maximum.
        labels: A name for each value along the last axis; empty if they have none.
        default: Of an input: the value for each label where a caller gives none.
        meaning: What it is, for app developers.
        range_is_typical: Whether values outside of `value_range` are allowed too.
        interpolation: How images are resized to and from its size: "bicubic", or "nearest" for
            label maps.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    value_range: tuple[float, float] | None = None
    labels: tuple[str, ...] = ()
    default: tuple[float, ...] | None = None
    meaning: str = ""
    range_is_typical: bool = False
    interpolation: str = "bicubic"


@dataclass(frozen=True)
class Signature:
    """A named function that `exporters.export` writes to a bundle.

    Attributes:
        name: The name that apps call.
        function: TensorFlow code: takes the inputs as keyword tensors and returns a mapping of
            outputs. Equal inputs must give equal outputs.
        inputs, outputs: Its tensors.
        inference_behavior: Layers that act differently in training, and what each does here, such
            as `{"dropout": "off"}`.
        tolerance_factor: Factor on the errors that verification allows, from 1 to 100.
        float64_function: The same function in float64, or None: takes float inputs in float64.
            With it, `export` measures how much rounding changes the function, and `verify` allows
            float32 files some times that where it is more than the usual limit.

    Example:
        `image = Tensor("image", (None, 256, 256, 3), value_range=(0.0, 1.0))`, then
        `Signature("sharpen", lambda image: {"image": network(image)}, (image,), (image,))`.
    """

    name: str
    function: Callable[..., Mapping[str, Any]]
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    inference_behavior: Mapping[str, str] = field(default_factory=dict)
    tolerance_factor: float = 1.0
    float64_function: Callable[..., Mapping[str, Any]] | None = None
