"""Do metrics agree? Rank correlations between metrics over the cells of a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf_translate.experiment.compare.claims.intervals import Interval, bootstrap
from tf_translate.experiment.compare.claims.rank_correlation import rank_correlation

LEAST_CELLS = 4  # fewer have no rank correlation worth a value
LEAST_METHODS = 6  # simulated: intervals over 5 hold the value in 88 % of cases, over 6 in 95 %
_ERRORS = ("content/l1_inside_edit", "content/l1")  # the first one that the task has
_JUDGED = "domain/kid/judge"


@dataclass(frozen=True)
class Agreement:
    """The rank correlation of two metrics.

    Attributes:
        first, second: The metrics.
        correlation: Spearman's, from -1 to 1; the sign is turned so that 1 is full agreement on
            which cell is better. None if it is undefined, as where all cells are equal.
        cells: Number of cells that have both.
        interval: Its 95 % interval over methods, drawn again with all their seeds; None if it is
            undefined or there are too few methods.
    """

    first: str
    second: str
    correlation: float | None
    cells: int
    interval: Interval | None = None


def agreements(
    values: Sequence[Mapping[str, float | None]],
    better: Mapping[str, str],
    methods: Sequence[str],
) -> list[Agreement]:
    """Correlates views of the domain, and completeness with the exact error.

    Views of the domain are the accuracy, and KID and FID by the domain judge and by features that
    were learned elsewhere.

    Args:
        values: By metric, of each cell.
        better: "higher" or "lower" by metric.
        methods: The method of each cell; its seeds and variants depend on each other.

    Returns:
        One for each pair that enough cells have.
    """
    names = dict.fromkeys(name for each in values for name in each)
    judged = [name for name in names if name.startswith(_JUDGED)]
    learned_elsewhere = [
        name
        for name in names
        if name.startswith(("domain/kid/", "domain/fid/")) and name not in judged
    ]
    pairs = [("domain/accuracy", name) for name in (*judged, *learned_elsewhere)]
    pairs += [(own, name) for own in judged for name in learned_elsewhere]
    pairs += [("completeness", name) for name in [n for n in _ERRORS if n in names][:1]]
    found = (_agreement(pair, values, better, methods) for pair in pairs)
    return [each for each in found if each is not None]


def _agreement(
    pair: tuple[str, str],
    values: Sequence[Mapping[str, Any]],
    better: Mapping[str, str],
    methods: Sequence[str],
) -> Agreement | None:
    rows = [[each.get(name) for name in pair] for each in values]
    having = [index for index, row in enumerate(rows) if None not in row]
    if len(having) < LEAST_CELLS:
        return None
    sign = 1.0 if better.get(pair[0]) == better.get(pair[1]) else -1.0
    first, second = np.array([rows[index] for index in having], float).T * [[1.0], [sign]]
    strata = np.zeros(len(having))
    clusters: dict[str, list[int]] = {}
    for place, index in enumerate(having):
        clusters.setdefault(methods[index], []).append(place)

    def correlation(at: np.ndarray) -> float:
        return rank_correlation(first[at], second[at], strata[at])

    value = correlation(np.arange(len(having)))
    if not np.isfinite(value):
        return Agreement(*pair, None, len(having))
    known = bootstrap(clusters, correlation) if len(clusters) >= LEAST_METHODS else None
    return Agreement(*pair, value, len(having), known)
