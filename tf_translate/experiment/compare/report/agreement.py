"""Do metrics agree? Rank correlations between metrics over the cells of a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

LEAST_CELLS = 4  # fewer have no rank correlation worth a value
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
    """

    first: str
    second: str
    correlation: float | None
    cells: int


def agreements(
    values: Sequence[Mapping[str, float | None]], better: Mapping[str, str]
) -> list[Agreement]:
    """Correlates views of the domain, and completeness with the exact error.

    Views of the domain are the accuracy, and KID and FID by the domain judge and by features that
    were learned elsewhere.

    Args:
        values: By metric, of each cell.
        better: "higher" or "lower" by metric.

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
    found = (_agreement(pair, values, better) for pair in pairs)
    return [each for each in found if each is not None]


def _agreement(
    pair: tuple[str, str],
    values: Sequence[Mapping[str, Any]],
    better: Mapping[str, str],
) -> Agreement | None:
    rows = [[each.get(name) for name in pair] for each in values]
    known = np.array([row for row in rows if None not in row], float).reshape(-1, 2)
    if len(known) < LEAST_CELLS:
        return None
    sign = 1.0 if better.get(pair[0]) == better.get(pair[1]) else -1.0
    constant = (known == known[0]).all(axis=0).any()
    correlation = None if constant else sign * float(spearmanr(*known.T).statistic)
    return Agreement(*pair, correlation, len(known))
