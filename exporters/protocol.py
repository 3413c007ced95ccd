"""The attributes that an object needs to be exported; no base class is required."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


class TensorLike(Protocol):
    """One named input or output of a signature."""

    @property
    def name(self) -> str:
        """Letters, digits and underscores, beginning with a letter.

        An input must not be named `self` or like a keyword of Python.
        """

    @property
    def shape(self) -> tuple[int | None, ...]:
        """All dimensions, batch first; only the batch may be None (exported as 1)."""

    @property
    def dtype(self) -> str:
        """`float32`, `int32` or `uint8`."""

    @property
    def value_range(self) -> tuple[float, float] | None:
        """Minimum and maximum value, or None if unbounded.

        A float32 tensor `(batch, height, width, channels)` with a range is a batch of images:
        level 0 of a pixel is the minimum, level 255 the maximum. The input `mask` is the
        exception; it is a weight at each pixel.
        """

    # Optional attributes:
    # `labels: Sequence[str]`, a name for each scalar along the last axis, in order. `glasses` is
    # an attribute (0 absent, 1 present). `hair=black` is one category of several; exactly one of
    # them should be 1. One label equal to the tensor's name is an amount, such as `strength`
    # (how strong the effect is) or `steps` (how many steps of a refinement are applied).
    # `default: Sequence[float] | None`, for inputs only: the value for each scalar along the last
    # axis that is used when the caller passes none; None if the input is required.
    # `meaning: str`, what the tensor is, for people.
    # `range_is_typical: bool`, whether `value_range` says which values are usual and others are
    # allowed too, such as an attribute that values above 1 exaggerate. Images cannot have it:
    # their pixels are scaled by the range.
    # `interpolation: str`, how images are resized to and from the size of the tensor: "bicubic", or
    # "nearest" for label maps, whose colours must not be mixed.


class SignatureLike(Protocol):
    """A named function of tensors that can be deployed on its own."""

    @property
    def name(self) -> str:
        """The name that apps call; equal to its key in the mapping passed to `export`."""

    @property
    def function(self) -> Callable[..., Mapping[str, Any]]:
        """Maps tensors, passed as keywords by input name, to tensors by output name.

        It must be TensorFlow code, and equal inputs must produce equal outputs.
        """

    @property
    def inputs(self) -> Sequence[TensorLike]:
        """The function's arguments."""

    @property
    def outputs(self) -> Sequence[TensorLike]:
        """The function's results."""

    @property
    def inference_behavior(self) -> Mapping[str, str]:
        """Layers that act differently in training, and what each does at inference.

        For example `{"dropout": "off", "normalization": "per image"}`.
        """

    # Optional attributes:
    # `tolerance_factor: float`, from 1 to 100: multiplies the errors that verification allows.
    # An optimisation inside the graph amplifies differences of rounding.
    # `float64_function`: the same function in float64, with which `export` measures rounding.
