"""Inputs of labelled scalars: attributes, and amounts such as a strength or a number of steps.

An attribute with two states has one label (`glasses`: 0 absent, 1 present). A categorical
attribute has a label for each category (`hair=black`, `hair=blond`), and their prefix is equal.
"""

import difflib
from collections.abc import Collection, Mapping, Sequence
from numbers import Real

import numpy as np

from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.errors import ExportError

STRENGTH, STEPS = "strength", "steps"


def is_optional_scalar(tensor: TensorRecord) -> bool:
    """Whether an input is one scalar labelled with the input's name, such as a strength.

    It has a default and may be left out. Attributes are always required, even with a default:
    they say what the result shows, and a default would silently remove someone's glasses.
    """
    return tensor.labels == (tensor.name,) and tensor.default is not None


def with_defaults(
    record: SignatureRecord, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Adds the default of every input that is missing and has one."""
    complete = dict(inputs)
    for tensor in record.inputs:
        if tensor.name not in complete and tensor.default is not None:
            complete[tensor.name] = np.broadcast_to(tensor.default, tensor.shape).astype(
                tensor.dtype
            )
    return complete


def missing_labels(tensors: Sequence[TensorRecord], labels: Collection[str]) -> list[str]:
    """The required attributes without a value: each as its label, or its labels with "or".

    One label of a categorical attribute is enough, and optional scalars are not required.

    Args:
        tensors: The scalar inputs of a signature.
        labels: The labels that have a value.
    """
    attributes: dict[str, list[str]] = {}
    for tensor in tensors:
        for label in () if is_optional_scalar(tensor) else tensor.labels:
            name, equals, _ = label.partition("=")
            attributes.setdefault(name + equals, []).append(label)
    return [" or ".join(names) for names in attributes.values() if not set(names) & {*labels}]


def suggest_label(label: str, labels: Sequence[str]) -> str:
    """Suggests which label an unknown one may mean, and lists all known labels."""
    categories = [known for known in labels if known.startswith(f"{label}=")]
    near = categories or difflib.get_close_matches(label, labels, n=1, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{hint}known are {', '.join(labels)}"


def input_row(tensor: TensorRecord, attributes: Mapping[str, float]) -> np.ndarray:
    """The values of one scalar input in the order of its labels, float32 `(1, labels)`.

    A label without a value gets the default of an optional scalar, or 0.

    Raises:
        ExportError: If a value is not a finite number, or there are not so many steps. Attributes
            and a strength may be larger than their range, to exaggerate.
    """
    default = tensor.default if is_optional_scalar(tensor) else None
    fallback = default or (0.0,) * len(tensor.labels)
    values = [
        attributes.get(label, other) for label, other in zip(tensor.labels, fallback, strict=True)
    ]
    for label, value in zip(tensor.labels, values, strict=True):
        if not isinstance(value, (Real, np.bool_, np.ndarray)) or np.ndim(value):
            raise ExportError(f"attribute {label!r} must be a number such as 1, got {value!r}")
    with np.errstate(over="ignore"):  # checked below
        row = np.array([values], np.float32)
    for label, finite in zip(tensor.labels, np.isfinite(row[0]), strict=True):
        if not finite:
            raise ExportError(
                f"attribute {label!r} must be a finite float32 number such as 1, "
                f"got {attributes[label]}"
            )
    if tensor.labels == (STEPS,) and tensor.value_range is not None:
        low, high = tensor.value_range
        if not low <= row[0, 0] <= high:
            raise ExportError(f"steps must be from {low:g} to {high:g}, got {row[0, 0]:g}")
    return row
