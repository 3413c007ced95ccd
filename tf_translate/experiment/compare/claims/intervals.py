"""95 % intervals of differences between methods, of spreads, and of correlations."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import stats

LEVEL = 0.95
RESAMPLES = 2000
Interval = tuple[float, float]


def weighted_sum(
    groups: Sequence[Sequence[float]], weights: Sequence[float]
) -> tuple[float, Interval | None]:
    """A weighted sum of means of groups, with its t interval.

    Groups are the seeds of a method. Their spread is taken as equal for groups whose weights have
    the same sign, so that groups of few seeds share what is known of it. The two sides of a
    difference may spread differently: scores that are clipped at 1 spread less.

    Args:
        groups: Values of each group.
        weights: Weight of each group's mean, such as 1 and -1 for a difference.

    Returns:
        The sum, and its interval; None if a side has no group of two values.

    Source: Welch 1947, Biometrika 34, 28, for the degrees of freedom of two unequal spreads.
    """
    value = float(np.dot(weights, [float(np.mean(group)) for group in groups]))
    variance, squared = 0.0, 0.0  # of the sum, and its parts squared over their freedom
    for is_positive in (True, False):
        side = [(g, w) for g, w in zip(groups, weights, strict=True) if (w > 0) == is_positive]
        freedom = sum(len(group) - 1 for group, _ in side)
        if not side:
            continue
        if freedom < 1:
            return value, None
        squares = sum(float(np.sum((np.asarray(g) - np.mean(g)) ** 2)) for g, _ in side)
        part = squares / freedom * sum(w * w / len(group) for group, w in side)
        variance, squared = variance + part, squared + part**2 / freedom
    if variance == 0:
        return value, (value, value)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, variance**2 / squared)) * variance**0.5
    return value, (value - half, value + half)


def spread_ratio(
    group: Sequence[float], others: Sequence[Sequence[float]]
) -> tuple[float, Interval | None]:
    """The standard deviation of a group over the pooled one of other groups, with its F interval.

    Args:
        group: Values of the group, one a seed.
        others: Values of each other group; the spread is that around the mean of each.

    Returns:
        The ratio, and its interval; None if either spread is unknown or that of the others is 0.
    """
    freedom, of_others = len(group) - 1, sum(len(each) - 1 for each in others)
    if freedom < 1 or of_others < 1:
        return float("nan"), None
    squares = sum(float(np.sum((np.asarray(g) - np.mean(g)) ** 2)) for g in others)
    if squares == 0:
        return float("inf"), None
    ratio = float(np.var(group, ddof=1)) / (squares / of_others)
    tail = (1 - LEVEL) / 2
    low = ratio / float(stats.f.ppf(1 - tail, freedom, of_others))
    high = ratio / float(stats.f.ppf(tail, freedom, of_others))
    return ratio**0.5, (low**0.5, high**0.5)


def bootstrap(
    clusters: Mapping[str, Sequence[int]],
    statistic: Callable[[np.ndarray], float],
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """The percentile interval of a statistic over whole clusters that are drawn again.

    Args:
        clusters: Positions of the values of each cluster, such as the seeds of a method.
        statistic: From positions, repeated as drawn, to a value; NaN is left out.
        level: Level of the interval.
        resamples: Number of resamples.
        seed: Seed of the resamples.

    Returns:
        The interval; None if fewer than half of the resamples have a value.
    """
    random = np.random.default_rng(seed)
    members = [np.asarray(each) for each in clusters.values()]
    values = np.array(
        [
            statistic(np.concatenate([members[i] for i in drawn]))
            for drawn in random.integers(0, len(members), (resamples, len(members)))
        ]
    )
    values = values[np.isfinite(values)]
    if 2 * len(values) < resamples:
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
