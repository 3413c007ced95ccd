"""The sentence on the most complete method, and from which others it differs."""

import dataclasses
from types import SimpleNamespace

import pytest

from tf_translate.experiment.compare.report.comparison_page import headline
from tf_translate.experiment.compare.report.differences import Difference
from tf_translate.experiment.compare.report.rows import MethodRow, Value

REAL, UNCERTAIN = Difference(0.2, (0.1, 0.3), 100), Difference(0.1, (-0.1, 0.3), 100)


def _headline(seeds=1, **others):
    """Of a method A and others, by how they differ from it; each has so many seeds."""
    rows = [
        MethodRow(
            name, name.upper(), {"completeness": Value(value, (value, value), 1)}, None, None, ()
        )
        for name, value in zip(("a", *others), (0.9, 0.8, 0.7), strict=False)
    ]
    rows = [dataclasses.replace(row, cells=({"seed": 0},) * seeds) for row in rows]
    pairs = {("a", name): each for name, each in others.items() if each is not None}
    summary = SimpleNamespace(methods=rows, differences={"completeness": pairs})
    return headline(summary).removesuffix(" These are trainings with one seed.")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({}, "1 methods, 1 seed each. Highest completeness: A (0.90)."),
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
            "it is not shown to differ from B (0.80); it differs from 1 more.",
        ),
    ],
)
def test_only_what_was_compared_is_said_to_differ(others, said):
    assert _headline(**others).endswith(said)


@pytest.mark.parametrize(("seeds", "said"), [(2, True), (3, False)])
def test_two_seeds_are_said_to_tell_little_of_a_spread(seeds, said):
    over_seeds = dataclasses.replace(UNCERTAIN, over_seeds=True)
    assert _headline(seeds, b=over_seeds).endswith("see Limits.") is said
