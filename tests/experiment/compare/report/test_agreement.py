"""Rank correlations of metrics over cells, by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from tf_translate.experiment.compare.report.agreement import agreements

BETTER = {
    "completeness": "higher",
    "content/l1": "lower",
    "domain/accuracy": "higher",
    "domain/kid/judge@64": "lower",
    "domain/kid/lite0@64": "lower",
}

NAMES = ["a", "b", "c", "d", "e"]


def _cells(*columns):
    names = list(BETTER)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def test_one_is_full_agreement_on_which_cell_is_better():
    found = agreements(
        _cells(
            [0.1, 0.2, 0.3, 0.4],  # completeness
            [4.0, 3.0, 2.0, 1.0],  # the error falls as it grows
            [0.1, 0.2, 0.3, 0.4],  # accuracy
            [1.0, 2.0, 3.0, 4.0],  # the judge's kid says the opposite
            [4.0, 3.0, 1.0, 2.0],  # lite0 swaps two neighbours: 1 - 6 * 2 / (4 * 15) = 0.8
        ),
        BETTER,
        ["a", "b", "c", "d"],
    )
    by_pair = {(each.first, each.second): each for each in found}
    assert by_pair["completeness", "content/l1"].correlation == pytest.approx(1.0)
    assert by_pair["domain/accuracy", "domain/kid/judge@64"].correlation == pytest.approx(-1.0)
    assert by_pair["domain/accuracy", "domain/kid/lite0@64"].correlation == pytest.approx(0.8)
    assert by_pair["domain/kid/judge@64", "domain/kid/lite0@64"].correlation == pytest.approx(-0.8)
    assert {each.cells for each in found} == {4}
    assert {each.interval for each in found} == {None}  # of four methods


def test_few_cells_have_none_and_constant_metrics_an_undefined_one():
    constant = _cells([0.1, 0.2, 0.3, None, 0.5], [1.0] * 5, [1.0] * 5, [1.0] * 5, [2.0] * 5)
    assert {each.correlation for each in agreements(constant, BETTER, NAMES)} == {None}
    few = [{**each, "completeness": None} for each in constant[:2]] + constant[2:]
    assert "completeness" not in {each.first for each in agreements(few, BETTER, NAMES)}


def test_the_interval_is_over_methods_and_not_over_their_seeds():
    random = np.random.default_rng(0)
    quality = random.normal(size=10)
    completeness = np.repeat(quality, 3) + random.normal(scale=0.01, size=30)
    error = np.repeat(-quality + random.normal(size=10), 3)
    rest = [random.normal(size=30) for _ in range(3)]
    cells = _cells(completeness, error, *rest)
    pair = ("completeness", "content/l1")

    def found(methods):
        own = agreements(cells, BETTER, methods)
        return next(each for each in own if (each.first, each.second) == pair)

    over_methods = found([name for name in "abcdefghij" for _ in range(3)])
    assert over_methods.correlation == pytest.approx(-spearmanr(completeness, error).statistic)
    low, high = over_methods.interval
    assert low < over_methods.correlation < high
    as_if_independent = found([str(index) for index in range(30)]).interval
    assert high - low > 1.3 * (as_if_independent[1] - as_if_independent[0])
