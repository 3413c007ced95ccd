"""The order of methods on a task, where the results decide it, and nothing where they do not.

Two methods differ only if their spans do not overlap. A span holds the 95 % intervals over images
of all seeds, and the completeness of all seeds. A method has all ranks that the decided differences
allow: the best has only the methods before it that are surely above, the worst all but those that
are surely below. "Surely" is by this rule, which is not corrected for the number of pairs. One
method of a wide span hides no difference between others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tf_translate.experiment.advise.results import MethodResult

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
    if None in result.intervals:
        return "a seed has no interval of completeness over images"
    if len(result.minutes) > 1 or len(result.protocols) > 1:
        return "its seeds were trained or measured differently"
    return None


def has_enough_seeds(result: MethodResult) -> bool:
    """Whether a method was trained often enough for a decision."""
    return len(set(result.seeds)) >= LEAST_SEEDS


def rank(results: Mapping[str, MethodResult]) -> list[Rank]:
    """Finds the ranks that the results allow for each method, the highest mean first.

    Args:
        results: Methods that `cannot_rank` lets pass, by name.
    """
    names = sorted(results, key=lambda name: (-mean_of(results[name]), name))
    found = []
    for place, name in enumerate(names):
        why = {o: _why_undecided(results[name], results[o]) for o in names if o != name}
        # Spans that do not overlap lie as their means do, so `names` has the sure ones in order.
        surely_before = sum(not why[other] for other in names[:place])
        below = tuple(other for other in names[place + 1 :] if not why[other])
        undecided = {other: reason for other, reason in why.items() if reason}
        found.append(Rank(name, 1 + surely_before, len(names) - len(below), below, undecided))
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


def _why_undecided(one: MethodResult, other: MethodResult) -> str:
    """Why the difference of two methods is not decided; empty if it is."""
    if one.minutes != other.minutes:
        return "they trained for different times"
    if one.protocols != other.protocols:
        return "they were measured by different formulas or on different images"
    (low, high), (other_low, other_high) = _span(one), _span(other)
    if low <= other_high and other_low <= high:
        return "their intervals over images and seeds overlap"
    return ""


def _span(result: MethodResult) -> Interval:
    """The smallest interval that holds those of all seeds, and their values."""
    known = [each for each in (interval_of(result), range_of(result)) if each is not None]
    return min(low for low, _ in known), max(high for _, high in known)
