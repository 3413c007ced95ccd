"""Which differences between two methods are real: a paired bootstrap over images, and seeds.

Each resample draws held-out images, the same for both methods and for all their seeds. To it comes
the spread over seeds, by the t distribution of Welch: that of each method, or, of a method with one
seed, that of all methods of the task that have several. So methods with one seed are not believed
more than others. Without two seeds of any method, the interval is of the images alone, and
differences are those of the trainings that there are.

Nothing is drawn from the t distribution: the distribution of a difference is the mean of those
around each resample. With one degree of freedom, draws would make the ends of intervals chance.

Two methods differ if the difference of their scores is real after Benjamini and Hochberg's
correction for all pairs of methods: of the pairs that are said to differ, about 5 % or fewer are
equal on the mean, by simulations of differences of pairs. Intervals are not corrected.

Sources: Welch 1947, Biometrika 34, 28. Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57, 289;
Williams, Jones and Tukey 1999, J. Educ. Behav. Stat. 24, 42, for pairwise differences.

The kernel distance is of sets, and target features are not kept, so it varies by its own standard
error in place of the resampled images, independently for two methods: they share the targets, so
this makes intervals wider than they need to be. The ends of the scales of completeness are fixed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats

from tf_translate.experiment.compare.cells.cell_scores import CellScores, read_scores
from tf_translate.experiment.compare.claims.intervals import LEVEL, RESAMPLES
from tf_translate.experiment.compare.collect import check_unique
from tf_translate.experiment.compare.parts import COMPLETENESS

_SEED = 0


@dataclass(frozen=True)
class Difference:
    """A method minus another one.

    Attributes:
        value: Difference of the means over seeds and shared images.
        interval: Of 95 %, of this difference alone.
        images: Number of shared held-out images.
        over_seeds: Whether the interval holds the spread over seeds.
        p: Two-sided p-value of no difference, corrected for all pairs of methods.
    """

    value: float
    interval: tuple[float, float]
    images: int
    over_seeds: bool = False
    p: float = field(kw_only=True)

    @property
    def is_real(self) -> bool:
        """Whether there is a difference, after correction for all pairs of methods."""
        return is_real(self.p)


def is_real(p: float) -> bool:
    """Whether there is a difference, by its corrected p-value."""
    return p < 1.0 - LEVEL


def differences(
    methods: Mapping[str, Sequence[CellScores]], metric: str, *, resamples: int = RESAMPLES
) -> dict[tuple[str, str], Difference]:
    """Differences of all pairs of methods that have a metric and share held-out images.

    Args:
        methods: The cells of each method, one a seed; those without the metric are left out.
        metric: "completeness", or a per-image score such as "l1", where NaN does not count.
        resamples: Number of bootstrap samples.

    Returns:
        By the names of the first and the second method, both orders.
    """
    having = {n: [c for c in cells if _has(c, metric)] for n, cells in methods.items()}
    names = sorted(
        name for name, cells in having.items() if cells
    )  # so noise is the same in any order
    pooled = _pooled([having[name] for name in names], metric)
    weights = _Weights(resamples)
    alone = {
        (first, second): _difference(having[first], having[second], metric, weights, pooled)
        for first, second in combinations(names, 2)
    }
    known = {pair: each for pair, each in alone.items() if each is not None}
    if not known:
        return {}
    corrected = stats.false_discovery_control([each.p for each in known.values()])
    found: dict[tuple[str, str], Difference] = {}
    for ((first, second), each), p in zip(known.items(), corrected, strict=True):
        low, high = each.interval
        found[first, second] = replace(each, p=float(p))
        found[second, first] = replace(
            found[first, second], value=-each.value, interval=(-high, -low)
        )
    return found


def with_differences(results: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Adds the differences in completeness between the methods of each task.

    Args:
        results: What `collect` returns.
        folder: The folder that was collected.

    Returns:
        The results, with `differences`: by task, a list of JSON values, one for each pair of
        methods whose cells keep scores of each image: `first`, `second`, `value` (that of the first
        minus that of the second), `interval`, `images` and `p`, as in `Difference`.

    Raises:
        RunError: If a file is broken, or two cells have the same method and seed.
    """
    found = {}
    for task in results["tasks"]:
        own = [c for c in results["cells"] if c["task"] == task and "ablation" not in c]
        check_unique(own)
        by_name: dict[str, list[Mapping[str, Any]]] = {}
        for cell in own:
            by_name.setdefault(cell["name"], []).append(cell)
        scores = {name: read_scores(cells, folder) for name, cells in by_name.items()}
        pairs = differences(scores, COMPLETENESS)
        found[task] = [
            {
                "first": first,
                "second": second,
                "value": each.value,
                "interval": list(each.interval),
                "images": each.images,
                "p": each.p,
            }
            for (first, second), each in pairs.items()
            if first < second
        ]
    return {**results, "differences": found}


def _has(cell: CellScores, metric: str) -> bool:
    if metric != COMPLETENESS:
        return metric in cell.per_image.scores
    known = {"margin", "in_target"} <= set(cell.per_image.scores)
    has_scales = cell.content is not None and cell.domain is not None
    return known and has_scales and math.isfinite(cell.kid + cell.kid_error)


@dataclass(frozen=True)
class _Variance:
    """A variance over seeds, and its degrees of freedom; 0: it is unknown."""

    value: float
    freedom: int


def _variance(values: np.ndarray) -> _Variance:
    """That of the values of the seeds of a method."""
    known = len(values) > 1 and bool(np.isfinite(values).all())
    return _Variance(float(values.var(ddof=1)), len(values) - 1) if known else _Variance(0.0, 0)


def _pooled(methods: Sequence[Sequence[CellScores]], metric: str) -> _Variance:
    """The variance over seeds of all methods that have two or more, taken as equal."""
    squares, freedom = 0.0, 0
    for cells in methods:
        shared = _shared(cells)
        if len(shared):
            own = _variance(_by_seed(cells, metric, shared, np.ones((1, len(shared))))[0])
            squares, freedom = squares + own.freedom * own.value, freedom + own.freedom
    return _Variance(squares / freedom if freedom else 0.0, freedom)


@dataclass(frozen=True)
class _SeedError:
    """That of a difference of two means over seeds, and its degrees of freedom."""

    value: float
    freedom: float


def _seed_error(values: Sequence[np.ndarray], pooled: _Variance) -> _SeedError | None:
    """The error over seeds of a difference of two means; None if no spread is known.

    A method with several seeds has its own spread, one with a single seed the pooled one.
    """
    if pooled.freedom == 0:
        return None
    of_means: list[_Variance] = []
    borrowed = 0
    for each in values:
        own = _variance(each)
        borrowed += own.freedom == 0
        if own.freedom:
            of_means.append(_Variance(own.value / len(each), own.freedom))
    if borrowed:  # two methods of one seed have the same estimate, not two of them
        of_means.append(_Variance(borrowed * pooled.value, pooled.freedom))
    total = sum(each.value for each in of_means)
    if total == 0:
        return _SeedError(0.0, 1.0)
    freedom = total**2 / sum(each.value**2 / each.freedom for each in of_means)
    return _SeedError(math.sqrt(total), freedom)


def _interval_and_p(
    resampled: np.ndarray, error: _SeedError | None
) -> tuple[tuple[float, float], float]:
    """The interval of a difference, and the two-sided p-value of 0, not corrected.

    Args:
        resampled: The difference in each resample of the images, all finite.
        error: That over seeds.
    """
    tail = (1.0 - LEVEL) / 2.0
    if error is None or error.value == 0.0:
        low, high = np.quantile(resampled, [tail, 1.0 - tail])
        # One more on each side: no resample beyond 0 does not make it impossible.
        below = float(np.sum(resampled < 0.0) + 0.5 * np.sum(resampled == 0.0))
        smaller = (min(below, len(resampled) - below) + 1.0) / (len(resampled) + 1.0)
        return (float(low), float(high)), min(1.0, 2.0 * smaller)

    def probability(value: float) -> float:
        """That the difference is below a value."""
        return float(stats.t.cdf((value - resampled) / error.value, error.freedom).mean())

    # Each resample's own quantile is between these, so the quantile of all is.
    reach = error.value * float(stats.t.ppf(tail, error.freedom))
    slack = 1e-9 * (1.0 - reach)
    outer = float(resampled.min()) + reach - slack, float(resampled.max()) - reach + slack
    low, high = (
        float(optimize.brentq(lambda value, at=at: probability(value) - at, *outer))
        for at in (tail, 1.0 - tail)
    )
    zero = probability(0.0)
    return (low, high), 2.0 * min(zero, 1.0 - zero)


def _shared(cells: Sequence[CellScores]) -> np.ndarray:
    """Keys of the images on which all cells were measured."""
    shared = cells[0].per_image.keys
    for cell in cells[1:]:
        shared = np.intersect1d(shared, cell.per_image.keys)
    return shared


def _difference(
    first: Sequence[CellScores],
    second: Sequence[CellScores],
    metric: str,
    weights: "_Weights",
    pooled: _Variance,
) -> Difference | None:
    shared = _shared([*first, *second])
    count = len(shared)
    if count < 2:
        return None
    values = [_by_seed(cells, metric, shared, np.ones((1, count)))[0] for cells in (first, second)]
    means = [each.mean() for each in values]
    if not np.isfinite(means).all():
        return None  # such as the error outside of an edit that changes all pixels
    random, drawn = np.random.default_rng((_SEED, 1)), []
    for cells in (first, second):
        # The seeds of a method are measured on the same images, so they share the error of KID.
        noise = random.standard_normal(weights.resamples)
        drawn.append(_by_seed(cells, metric, shared, weights[count], noise).mean(1))
    error = _seed_error(values, pooled)
    resampled = drawn[0] - drawn[1]
    interval, p = _interval_and_p(resampled[np.isfinite(resampled)], error)
    return Difference(float(means[0] - means[1]), interval, count, error is not None, p=p)


class _Weights(dict[int, np.ndarray]):
    """How often each image is drawn in each resample, float64 `(resamples, n)`, by n.

    All pairs of methods share them, which is faster than drawing anew.
    """

    def __init__(self, resamples: int) -> None:
        super().__init__()
        self.resamples = resamples

    def __missing__(self, count: int) -> np.ndarray:
        rows = self.resamples
        drawn = np.random.default_rng(_SEED).integers(0, count, (rows, count))
        places = (drawn + count * np.arange(rows)[:, None]).ravel()
        found = np.bincount(places, minlength=rows * count).reshape(rows, count)
        self[count] = found.astype(np.float64)
        return self[count]


def _by_seed(
    cells: Sequence[CellScores],
    metric: str,
    shared: np.ndarray,
    weights: np.ndarray,
    noise: np.ndarray | float = 0.0,
) -> np.ndarray:
    """The metric of each cell in each resample, `(resamples, cells)`.

    `noise` moves kernel distances, in units of their standard errors.
    """
    return np.stack([_values(cell, metric, shared, weights, noise) for cell in cells], axis=1)


def _values(
    cell: CellScores,
    metric: str,
    shared: np.ndarray,
    weights: np.ndarray,
    noise: np.ndarray | float,
) -> np.ndarray:
    order = np.argsort(cell.per_image.keys)
    at = order[np.searchsorted(cell.per_image.keys, shared, sorter=order)]
    if metric != COMPLETENESS:
        return _weighted_mean(cell.per_image.scores[metric][at], weights)
    if cell.content is None or cell.domain is None:
        raise ValueError("`cell` must have scales for completeness")
    margin = _weighted_mean(cell.per_image.scores["margin"][at], weights)
    accuracy = _weighted_mean(cell.per_image.scores["in_target"][at], weights)
    content = cell.content.place(margin)
    domain = cell.domain.place(accuracy, cell.kid + cell.kid_error * noise)
    return 2.0 * content * domain / np.maximum(content + domain, 1e-12)


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    total = weights @ known.astype(np.float64)
    return weights @ np.where(known, values, 0.0) / np.where(total > 0, total, np.nan)
