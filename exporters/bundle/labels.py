"""Numbers by label: `glasses` is one number, `hair=black` and `hair=blond` share an attribute."""

import difflib
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.errors import ExportError

STRENGTH, STEPS = "strength", "steps"


def is_amount(tensor: TensorRecord) -> bool:
    """Whether an input is one number of its own name, such as a strength, that has a default.

    It may be left out. Attributes are always asked for, whatever they have as a default: they say
    what the result shows, and a image shall not lose its glasses unasked.
    """
    return tensor.labels == (tensor.name,) and default_of(tensor) is not None


def default_of(tensor: TensorRecord) -> tuple[float, ...] | None:
    """What an input is fed where nobody chose, or None if it must be given."""
    if tensor.default is None and tensor.labels == (STRENGTH,):
        return (1.0,)  # bundles from before manifests held defaults
    return tensor.default


def filled(record: SignatureRecord, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs of a signature with defaults where none are given."""
    found = dict(inputs)
    for tensor in record.inputs:
        if tensor.name not in found and (default := default_of(tensor)) is not None:
            found[tensor.name] = np.broadcast_to(default, tensor.shape).astype(tensor.dtype)
    return found


def needed(tensors: Sequence[TensorRecord], given: Collection[str]) -> list[str]:
    """What is still to be given: for each such attribute its label, or its labels with "or".

    One label of an attribute with several values is enough, and amounts need not be given.
    """
    attributes: dict[str, list[str]] = {}
    for tensor in tensors:
        for label in () if is_amount(tensor) else tensor.labels:
            name, equals, _ = label.partition("=")
            attributes.setdefault(name + equals, []).append(label)
    return [" or ".join(names) for names in attributes.values() if not set(names) & {*given}]


def nearest(label: str, labels: Sequence[str]) -> str:
    """Says which label may have been meant, and all that are known."""
    values = [known for known in labels if known.startswith(f"{label}=")]
    near = values or difflib.get_close_matches(label, labels, n=1, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{hint}known are {', '.join(labels)}"


def row_of(tensor: TensorRecord, numbers: Mapping[str, float]) -> np.ndarray:
    """The numbers of one input in the order of its labels, float32 `(1, labels)`.

    Raises:
        ExportError: If a number is not finite.
    """
    default = default_of(tensor) if is_amount(tensor) else None
    rest = default or (0.0,) * len(tensor.labels)
    values = [numbers.get(each, other) for each, other in zip(tensor.labels, rest, strict=True)]
    with np.errstate(over="ignore"):  # found below
        row = np.array([values], np.float32)
    for label, finite in zip(tensor.labels, np.isfinite(row[0]), strict=True):
        if not finite:
            raise ExportError(
                f"attribute {label!r} must be a finite float32 number such as 1, "
                f"got {numbers[label]}"
            )
    return row
