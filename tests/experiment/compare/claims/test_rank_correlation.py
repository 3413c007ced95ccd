"""Spearman's rank correlation within strata, by hand."""

import numpy as np
import pytest

from tf_translate.experiment.compare.claims.rank_correlation import rank_correlation


def test_ranks_are_taken_within_a_task():
    values = np.array([1.0, 2.0, 3.0, 101.0, 102.0, 103.0])
    others = np.array([13.0, 12.0, 11.0, 3.0, 2.0, 1.0]) + 100 * (np.arange(6) > 2)
    tasks = np.array(["a"] * 3 + ["b"] * 3)
    assert rank_correlation(values, others, tasks) == pytest.approx(-1)
    assert np.isnan(rank_correlation(values, np.ones(6), tasks))
    ties = rank_correlation(np.array([1, 2, 2, 3]), np.array([1, 2, 3, 4]), np.zeros(4))
    assert ties == pytest.approx(0.9486833)  # ranks 1, 2.5, 2.5, 4: 4.5 / sqrt(4.5 * 5)
