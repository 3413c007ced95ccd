"""Numbers by label: `glasses` is one number, `hair=black` and `hair=blond` share an attribute."""

import difflib
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from exporters.errors import ExportError
from exporters.manifest import TensorRecord

DEFAULTS = {"strength": 1.0}


def needed(labels: Sequence[str], given: Collection[str]) -> list[str]:
    """What is still to be given: for each such attribute its label, or its labels with "or".

    One label of an attribute with several values is enough, and defaults need not be given.
    """
    attributes: dict[str, list[str]] = {}
    for label in labels:
        name, equals, _ = label.partition("=")
        attributes.setdefault(name + equals, []).append(label)
    return [
        " or ".join(names)
        for names in attributes.values()
        if not set(names) & ({*given} | DEFAULTS.keys())
    ]


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
    values = [numbers.get(label, DEFAULTS.get(label, 0.0)) for label in tensor.labels]
    with np.errstate(over="ignore"):  # found below
        row = np.array([values], np.float32)
    for label, finite in zip(tensor.labels, np.isfinite(row[0]), strict=True):
        if not finite:
            raise ExportError(
                f"attribute {label!r} must be a finite float32 number such as 1, "
                f"got {numbers[label]}"
            )
    return row
