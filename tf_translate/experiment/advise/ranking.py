"""The order of methods on a task, where the results decide it, and nothing where they do not.

Two methods differ only if their spans do not overlap. A span holds the 95 % intervals over images
of all seeds, and the completeness of all seeds. Methods that are connected by differences that are
not decided share a rank, so each rank is decided against every other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_translate.experiment.advise.results import MethodResult

LEAST_SEEDS = 3
Interval = tuple[float, float]


@dataclass(frozen=True)
class Rank:
    """Methods between which the results do not decide.

    Attributes:
        names: The methods, the higher mean completeness first.
        undecided: Why not, for each pair of them, as "a, b: reason".
        decided: Pairs of them that are decided nevertheless, (better, worse): both overlap a third.
    """

    names: tuple[str, ...]
    undecided: tuple[str, ...]
    decided: tuple[tuple[str, str], ...]


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
    """Groups methods into ranks, the best first; each rank is decided against every other.

    Args:
        results: Methods that `cannot_rank` lets pass, by name.
    """
    names = sorted(results, key=lambda name: (-mean_of(results[name]), name))
    groups: list[list[str]] = []
    for name in names:
        near = [g for g in groups if any(_why_undecided(results[name], results[o]) for o in g)]
        groups = [g for g in groups if g not in near] + [[*(o for g in near for o in g), name]]
    ordered = sorted(groups, key=lambda group: names.index(group[0]))
    return [_rank_of(group, results) for group in ordered]


def _rank_of(names: Sequence[str], results: Mapping[str, MethodResult]) -> Rank:
    names = sorted(names, key=lambda name: (-mean_of(results[name]), name))
    pairs = [(one, other) for i, one in enumerate(names) for other in names[i + 1 :]]
    reasons = {pair: _why_undecided(*(results[name] for name in pair)) for pair in pairs}
    return Rank(
        tuple(names),
        tuple(f"{one}, {other}: {why}" for (one, other), why in reasons.items() if why),
        tuple(pair for pair, why in reasons.items() if not why),
    )


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
