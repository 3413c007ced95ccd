"""Intervals, by values worked out in another way."""

import numpy as np
import pytest
from scipy import stats

from tf_translate.experiment.compare.claims.intervals import (
    bootstrap,
    spread_ratio,
    weighted_sum,
)


def test_a_difference_of_two_groups_has_student_s_interval():
    # Means 2 and 5, both variances 1, 4 degrees of freedom: t = 2.776, error sqrt(1/3 + 1/3).
    value, interval = weighted_sum([[1, 2, 3], [4, 5, 6]], [1, -1])
    assert value == pytest.approx(-3)
    half = 2.776445 * (2 / 3) ** 0.5
    assert interval == pytest.approx((-3 - half, -3 + half), abs=1e-4)


def test_one_value_a_group_shares_the_spread_of_the_groups_of_its_side():
    assert weighted_sum([[1], [4]], [1, -1]) == (-3, None)
    assert weighted_sum([[1], [3, 5]], [1, -1]) == (-3, None)
    value, interval = weighted_sum([[1], [3, 5]], [1, 1])  # variance 2, 1 degree: t = 12.706
    assert value == pytest.approx(5)
    half = 12.7062 * (2 * (1 + 1 / 2)) ** 0.5
    assert interval == pytest.approx((5 - half, 5 + half), abs=1e-3)


def test_sides_of_unequal_spread_have_welch_s_interval():
    first, second = [1.0, 1.1, 0.9, 1.0], [10.0, 14.0, 18.0]
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert weighted_sum([first, second], [1, -1])[1] == pytest.approx(expected)


def test_the_ratio_of_spreads_has_the_interval_of_f():
    # Variances 4 and 1 with 2 and 4 degrees of freedom; F(0.975; 2, 4) = 10.649 and
    # F(0.975; 4, 2) = 39.248, whose inverse is F(0.025; 2, 4).
    ratio, interval = spread_ratio([0, 2, 4], [[0, 1, 2], [10, 11, 12]])
    assert ratio == pytest.approx(2)
    expected = ((4 / 10.649) ** 0.5, (4 * 39.248) ** 0.5)
    assert interval == pytest.approx(expected, rel=1e-3)
    assert spread_ratio([1], [[0, 1]])[1] is None
    assert spread_ratio([1, 2], [[1, 1]]) == (float("inf"), None)


def test_clusters_are_drawn_as_a_whole():
    values = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    clusters = {"a": [0, 1, 2], "b": [3, 4, 5]}
    seen = set()

    def mean(at):
        seen.add(tuple(sorted(at.tolist())))
        return float(values[at].mean())

    assert bootstrap(clusters, mean) == (0.0, 1.0)
    assert seen == {(0, 0, 1, 1, 2, 2), (0, 1, 2, 3, 4, 5), (3, 3, 4, 4, 5, 5)}
    assert bootstrap(clusters, lambda _: float("nan")) is None
