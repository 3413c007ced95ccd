"""Which differences between two methods are real: a paired bootstrap over images and seeds.

Each resample draws held-out images, the same for both methods, and for each method seeds of its
own. A difference is called one only if its 95 % interval excludes 0.

Two corrections keep the interval honest. Drawing S seeds out of S understates their spread by
sqrt((S - 1) / S), and few seeds know their spread badly, as the t distribution says, so deviations
from the mean over seeds are scaled up by both. The kernel distance is of sets, and target features
are not kept, so it varies by its own standard error in place of the resampled images.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tf_translate.experiment.compare.cell_images import PerImage
from tf_translate.experiment.compare.parts import COMPLETENESS, ContentScale, DomainScale

RESAMPLES = 2000
_SEED = 0


@dataclass(frozen=True, eq=False)
class CellScores:
    """What the bootstrap needs of a cell.

    Attributes:
        per_image: Scores of its held-out images.
        content, domain: The scales of its completeness; None if undefined.
        kid, kid_error: Its kernel distance, and the standard error.
    """

    per_image: PerImage
    content: ContentScale | None
    domain: DomainScale | None
    kid: float
    kid_error: float


@dataclass(frozen=True)
class Difference:
    """A method minus another one.

    Attributes:
        value: Difference of the means over seeds and shared images.
        interval: Of 95 %.
        images: Number of shared held-out images.
    """

    value: float
    interval: tuple[float, float]
    images: int

    @property
    def is_real(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval[0] > 0.0 or self.interval[1] < 0.0


def measured(methods: Mapping[str, Sequence[CellScores]], metric: str) -> list[str]:
    """Names of the methods all of whose cells have a metric."""
    return [
        name for name, cells in methods.items() if cells and all(_has(c, metric) for c in cells)
    ]


def differences(
    methods: Mapping[str, Sequence[CellScores]], metric: str, *, resamples: int = RESAMPLES
) -> dict[tuple[str, str], Difference]:
    """Differences of all pairs of methods that have a metric and share held-out images.

    Args:
        methods: The cells of each method, one a seed.
        metric: "completeness", or a per-image score such as "l1", where NaN does not count.
        resamples: Number of bootstrap samples.

    Returns:
        By the names of the first and the second method, both orders.
    """
    names = measured(methods, metric)
    found: dict[tuple[str, str], Difference] = {}
    weights = _Weights(resamples)
    for position, first in enumerate(names):
        for second in names[position + 1 :]:
            each = _difference(methods[first], methods[second], metric, weights)
            if each is not None:
                low, high = each.interval
                found[first, second] = each
                found[second, first] = Difference(-each.value, (-high, -low), each.images)
    return found


def _has(cell: CellScores, metric: str) -> bool:
    if metric != COMPLETENESS:
        return metric in cell.per_image.scores
    known = {"margin", "in_target"} <= set(cell.per_image.scores)
    has_scales = cell.content is not None and cell.domain is not None
    return known and has_scales and math.isfinite(cell.kid + cell.kid_error)


def _difference(
    first: Sequence[CellScores], second: Sequence[CellScores], metric: str, weights: "_Weights"
) -> Difference | None:
    shared = first[0].per_image.keys
    for cell in (*first[1:], *second):
        shared = np.intersect1d(shared, cell.per_image.keys)
    count = len(shared)
    if count < 2:
        return None
    means = [
        _by_seed(cells, metric, shared, np.ones((1, count))).mean() for cells in (first, second)
    ]
    if not np.isfinite(means).all():
        return None  # such as the error outside of an edit that changes all pixels
    random = np.random.default_rng((_SEED, 1))
    widening = _widening(len(first) + len(second) - 2)
    drawn = [
        _over_seeds(_by_seed(cells, metric, shared, weights[count], random), random, widening)
        for cells in (first, second)
    ]
    low, high = np.nanpercentile(drawn[0] - drawn[1], [2.5, 97.5])
    return Difference(float(means[0] - means[1]), (float(low), float(high)), count)


class _Weights(dict[int, np.ndarray]):
    """How often each image is drawn in each resample, float64 `(resamples, n)`, by n.

    All pairs of methods share them, which is faster than drawing anew.
    """

    def __init__(self, resamples: int) -> None:
        super().__init__()
        self._resamples = resamples

    def __missing__(self, count: int) -> np.ndarray:
        rows = self._resamples
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
    random: np.random.Generator | None = None,
) -> np.ndarray:
    """The metric of each cell in each resample, `(resamples, cells)`."""
    return np.stack([_values(cell, metric, shared, weights, random) for cell in cells], axis=1)


def _values(
    cell: CellScores,
    metric: str,
    shared: np.ndarray,
    weights: np.ndarray,
    random: np.random.Generator | None,
) -> np.ndarray:
    order = np.argsort(cell.per_image.keys)
    at = order[np.searchsorted(cell.per_image.keys, shared, sorter=order)]
    if metric != COMPLETENESS:
        return _weighted_mean(cell.per_image.scores[metric][at], weights)
    if cell.content is None or cell.domain is None:
        raise ValueError("`cell` must have scales for completeness")
    margin = _weighted_mean(cell.per_image.scores["margin"][at], weights)
    accuracy = _weighted_mean(cell.per_image.scores["in_target"][at], weights)
    noise = np.zeros(len(weights)) if random is None else random.standard_normal(len(weights))
    content = cell.content.place(margin)
    domain = cell.domain.place(accuracy, cell.kid + cell.kid_error * noise)
    return 2.0 * content * domain / np.maximum(content + domain, 1e-12)


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    total = weights @ known.astype(np.float64)
    return weights @ np.where(known, values, 0.0) / np.where(total > 0, total, np.nan)


def _widening(freedom: int) -> float:
    """How much wider an interval of 95 % is if the spread is known from so few values."""
    return float(stats.t.ppf(0.975, freedom) / stats.norm.ppf(0.975)) if freedom > 0 else 1.0


def _over_seeds(values: np.ndarray, random: np.random.Generator, widening: float) -> np.ndarray:
    """Means over seeds that are drawn with replacement, `(resamples,)`."""
    rows, seeds = values.shape
    mean = values.mean(1)
    if seeds == 1:
        return mean
    drawn = np.take_along_axis(values, random.integers(0, seeds, (rows, seeds)), axis=1).mean(1)
    return mean + widening * math.sqrt(seeds / (seeds - 1)) * (drawn - mean)
