"""The sentence on the most complete method, and from which others it differs."""

import dataclasses
from types import SimpleNamespace

import pytest

from tf_translate.experiment.compare.differences import Difference
from tf_translate.experiment.compare.report.comparison_page import headline
from tf_translate.experiment.compare.report.rows import MethodRow, Value

REAL, UNCERTAIN = Difference(0.2, (0.1, 0.3), 100, p=0.01), Difference(0.1, (-0.1, 0.3), 100, p=0.4)


def _headline(**others):
    """Of a method A and others, by how they differ from it."""
    rows = [
        MethodRow(
            name, name.upper(), {"completeness": Value(value, (value, value), 1)}, None, None, ()
        )
        for name, value in zip(("a", *others), (0.9, 0.8, 0.7, 0.6), strict=False)
    ]
    rows = [dataclasses.replace(row, cells=({"seed": 0},)) for row in rows]
    pairs = {("a", name): each for name, each in others.items() if each is not None}
    summary = SimpleNamespace(methods=rows, differences={"completeness": pairs})
    return headline(summary).removesuffix(" These are trainings with one seed.")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({}, "1 method, 1 seed each. Highest completeness: A (0.90)."),
        ({"b": REAL}, "Highest completeness: A (0.90); then B (0.80): the two differ."),
        ({"b": None}, "Highest completeness: A (0.90); then B (0.80); not compared with B."),
        ({"b": None, "c": REAL}, "A (0.90); then B (0.80); not compared with B."),
        ({"b": UNCERTAIN}, "A (0.90); it is not shown to differ from B (0.80)."),
        (
            {"b": UNCERTAIN, "c": UNCERTAIN},
            "it is not shown to differ from B (0.80) and C (0.70).",
        ),
        (
            {"b": UNCERTAIN, "c": REAL},
            "it is not shown to differ from B (0.80); it differs from C (0.70).",
        ),
        (
            {"b": REAL, "c": UNCERTAIN, "d": REAL},
            "it is not shown to differ from C (0.70); it differs from B (0.80) and D (0.60). "
            "A lower method may be undecided because its seeds spread more.",
        ),
    ],
)
def test_only_what_was_compared_is_said_to_differ(others, said):
    assert _headline(**others).endswith(said)


def test_a_method_that_is_lower_than_those_that_differ_is_not_listed_as_near():
    assert _headline(b=REAL, c=UNCERTAIN).endswith(
        "A (0.90); then B (0.80): the two differ; C (0.70) is lower than those, and has too few or "
        "too different seeds to show it."
    )
