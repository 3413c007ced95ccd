"""The order of methods on a task, where the results decide it, and nothing where they do not.

Two methods differ if the comparison's test says so, see `experiment/compare/differences.py`. A
method has all ranks that the decided differences allow: the best has only the methods before it
that are surely above, the worst all but those that are surely below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_translate.experiment.advise.results import MethodResult, PairDifference
from tf_translate.experiment.compare.differences import is_real

LEAST_SEEDS = 3
Interval = tuple[float, float]


@dataclass(frozen=True)
class Rank:
    """The ranks that the results allow for a method.

    Attributes:
        name: The method.
        best, worst: The first and the last of them, from 1.
        above: Methods that are surely below it.
        undecided: Why nothing is decided between it and another method, by the other's name.
    """

    name: str
    best: int
    worst: int
    above: tuple[str, ...]
    undecided: Mapping[str, str]


def cannot_rank(result: MethodResult) -> str | None:
    """Why a method cannot be ranked; None if it can."""
    seeds = len(set(result.seeds))
    if not has_enough_seeds(result):
        return f"it has {seeds} seed{'' if seeds == 1 else 's'}, and a rank needs {LEAST_SEEDS}"
    if None in result.completeness:
        return "its completeness is undefined for a seed"
    if len(result.minutes) > 1 or len(result.protocols) > 1:
        return "its seeds were trained or measured differently"
    if result.seeds_without_scores:
        named = " and ".join(str(seed) for seed in result.seeds_without_scores)
        return (
            f"of seed {named}, no scores of each image were kept (per_image.npz), so its "
            "differences from other methods are not of all its seeds"
        )
    return None


def has_enough_seeds(result: MethodResult) -> bool:
    """Whether a method was trained often enough for a decision."""
    return len(set(result.seeds)) >= LEAST_SEEDS


def rank(results: Mapping[str, MethodResult], differences: Sequence[PairDifference]) -> list[Rank]:
    """Finds the ranks that the results allow for each method, the highest mean first.

    Args:
        results: Methods that `cannot_rank` lets pass, by name.
        differences: Tests of pairs of methods of the task; others are not decided.
    """
    tested = {(each.first, each.second): each for each in differences}
    names = sorted(results, key=lambda name: (-mean_of(results[name]), name))
    found = []
    for name in names:
        above: list[str] = []
        below: list[str] = []
        undecided: dict[str, str] = {}
        for other in names:
            if other == name:
                continue
            sign = 1.0 if (name, other) in tested else -1.0
            test = tested.get((name, other)) or tested.get((other, name))
            reason = _why_undecided(results[name], results[other], test)
            if reason or test is None:
                undecided[other] = reason
            else:
                (below if sign * test.value > 0 else above).append(other)
        found.append(Rank(name, 1 + len(above), len(names) - len(below), tuple(below), undecided))
    return found


def mean_of(result: MethodResult) -> float:
    """Mean completeness over the seeds for which it is defined; 0 if there is none."""
    known = [value for value in result.completeness if value is not None]
    return sum(known) / len(known) if known else 0.0


def interval_of(result: MethodResult) -> Interval | None:
    """From the least to the greatest bound of the intervals of all seeds; None without any."""
    known = [each for each in result.intervals if each is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def range_of(result: MethodResult) -> Interval | None:
    """Least and greatest completeness of all seeds; None if none is defined."""
    known = [value for value in result.completeness if value is not None]
    return (min(known), max(known)) if known else None


def _why_undecided(one: MethodResult, other: MethodResult, test: PairDifference | None) -> str:
    """Why the difference of two methods is not decided; empty if it is."""
    if one.minutes != other.minutes:
        return "they trained for different times"
    if one.protocols != other.protocols:
        return "they were measured by different formulas or on different images"
    if test is None:
        return (
            "no difference between them was tested: their cells keep no scores of the same images "
            "(per_image.npz), or an earlier `compare collect` wrote the results"
        )
    if not is_real(test.p):
        return "their difference may be chance"
    return ""
