"""What can be exported: any object with the attributes below, whoever wrote it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


class TensorLike(Protocol):
    """One named input or output of a signature."""

    @property
    def name(self) -> str:
        """Letters, digits and underscores, beginning with a letter.

        Of inputs neither `self` nor a keyword of Python.
        """

    @property
    def shape(self) -> tuple[int | None, ...]:
        """All sides with the batch first; only the batch may be None (exported as 1)."""

    @property
    def dtype(self) -> str:
        """`float32`, `int32` or `uint8`."""

    @property
    def value_range(self) -> tuple[float, float] | None:
        """Smallest and largest value, or None where unbounded."""

    # Also read where they are there:
    # `labels: Sequence[str]`, a name for each number along the last axis, in order. `glasses` is an
    # attribute (0 absent, 1 present), `hair=black` one value of several, exactly one of which is 1.
    # One label that is the tensor's own name is an amount: `strength` how far to go, `steps` how
    # many steps of a refinement count.
    # `default: Sequence[float] | None`, a number for each along the last axis to feed where nobody
    # chose; of inputs only, None where it must be given.
    # `meaning: str`, what it is, for whoever feeds or reads it.


class SignatureLike(Protocol):
    """A named function of tensors that can be deployed on its own."""

    @property
    def name(self) -> str:
        """The name apps call it by; equals its key in the mapping given to `export`."""

    @property
    def function(self) -> Callable[..., Mapping[str, Any]]:
        """Takes tensors as keywords by input name and gives tensors by output name.

        It must be TensorFlow code that gives equal outputs for equal inputs.
        """

    @property
    def inputs(self) -> Sequence[TensorLike]:
        """What the function takes."""

    @property
    def outputs(self) -> Sequence[TensorLike]:
        """What the function gives."""

    @property
    def inference_behavior(self) -> Mapping[str, str]:
        """What inference does, in words: `{"dropout": "off", "normalization": "per image"}`."""

    # Also read where it is there:
    # `tolerance_factor: float`, from 1 to 100: how many times as far as other signatures it may be off.
    # A search that runs inside the graph takes other turns at a change of rounding.
