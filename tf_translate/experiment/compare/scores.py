"""Scores of a finished cell, from its published metrics.

Content and domain are those of `parts.py`. The exact error is that to the truth, where it is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tf_translate.experiment.compare.cells.read_cell import OUTPUT, measurement_of, results_of
from tf_translate.experiment.compare.parts import (
    ACCURACY,
    COMPLETENESS,
    IDENTITY,
    RANDOM,
    TRUTH,
    content_of,
    domain_of,
)

_INSIDE, _OUTSIDE, _L1 = "content/l1_inside_edit", "content/l1_outside_edit", "content/l1"
RECIPROCAL_RANK = "content/reciprocal_rank"
_LABELS, _LABEL_JUDGE = "content/label_accuracy", "label judge: accuracy on real held-out target"


@dataclass(frozen=True)
class Scores:
    """The scores of a cell; None where a judge cannot tell the fixed rows apart, or lacks one.

    Attributes:
        content, domain: From 0 to 1, see `parts.py`.
        completeness: As the evaluation gives it.
        error: The error to the truth: 0 is the truth. Where the truth differs from the input in an
            edit only, half of the error inside the edited region over that of the unchanged input,
            and half of that outside over that of random targets; else the mean absolute difference
            from the truth over that of the unchanged input.
        labels: Fraction of images that keep the class of their source: random targets have 0, real
            targets 1.
        recognized: Reciprocal rank of the own source among all: random targets have 0, the ground
            truth 1, or without it the unchanged input.
        classified: Accuracy of the domain judge: the unchanged input has 0, real targets 1.
    """

    content: float | None
    domain: float | None
    completeness: float | None
    error: float | None
    labels: float | None
    recognized: float | None
    classified: float | None


def scores_of(cell: Mapping[str, Any]) -> Scores:
    """The scores of one of the cells that `collect` returns."""
    found, rows = measurement_of(cell), results_of(cell)
    return Scores(
        content=content_of(rows, OUTPUT),
        domain=domain_of(rows, OUTPUT),
        completeness=rows[OUTPUT].get(COMPLETENESS),
        error=_error(rows),
        labels=_labels(rows, found.get("reference_values", {})),
        recognized=_placed(rows, RECIPROCAL_RANK, RANDOM, TRUTH if TRUTH in rows else IDENTITY),
        classified=_placed(rows, ACCURACY, IDENTITY, RANDOM),
    )


def _value(rows: Mapping[str, Any], row: str, metric: str) -> float | None:
    return rows.get(row, {}).get(metric)


def _placed(rows: Mapping[str, Any], metric: str, zero: str, one: str) -> float | None:
    """A metric of the outputs on the scale from one fixed row to another."""
    return _scaled(*(_value(rows, row, metric) for row in (OUTPUT, zero, one)))


def _scaled(value: float | None, zero: float | None, one: float | None) -> float | None:
    """Maps `zero` to 0 and `one` to 1, clipped; None unless `one` exceeds `zero`."""
    if value is None or zero is None or one is None or not one > zero:
        return None
    return min(1.0, max(0.0, (value - zero) / (one - zero)))


def _error(rows: Mapping[str, Any]) -> float | None:
    if TRUTH not in rows:
        return None
    inside = _ratio(rows, _INSIDE, IDENTITY)
    outside = _ratio(rows, _OUTSIDE, RANDOM)
    if inside is not None and outside is not None:
        return (inside + outside) / 2
    return _ratio(rows, _L1, IDENTITY)


def _ratio(rows: Mapping[str, Any], metric: str, row: str) -> float | None:
    """A metric of the outputs over that of a fixed row; None if either is unknown."""
    value, of_row = _value(rows, OUTPUT, metric), _value(rows, row, metric)
    return value / of_row if value is not None and of_row else None


def _labels(rows: Mapping[str, Any], reference: Mapping[str, Any]) -> float | None:
    real = next((value for name, value in reference.items() if name.startswith(_LABEL_JUDGE)), None)
    output, random = (_value(rows, row, _LABELS) for row in (OUTPUT, RANDOM))
    return _scaled(output, random, real)
