"""A claim with its value and verdict, and the one rule by which verdicts are made.

The claim predicts on which side of a threshold the value lies. It is supported if its whole 95 %
interval lies there, not supported if the whole interval lies on the other side, and undecided at
this size if the interval holds the threshold, or there is no interval. A claim whose data are
missing is not measured.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SUPPORTED, NOT_SUPPORTED = "supported", "not supported"
UNDECIDED, NOT_MEASURED = "undecided at this size", "not measured"


@dataclass(frozen=True)
class Claim:
    """One claim of the survey.

    Attributes:
        number: Its number in the protocol.
        statement: What the survey says.
        experiment: What is measured.
        metric: What the value is.
        rule: When it is supported.
    """

    number: int
    statement: str
    experiment: str
    metric: str
    rule: str


@dataclass(frozen=True)
class Finding:
    """What was found of a claim.

    Attributes:
        claim: The claim.
        verdict: One of the four verdicts.
        value: The value; None if it is not measured.
        interval: Its 95 % interval, if there is one.
        threshold: The value that the interval must not hold.
        details: Further values, by name.
        counterexamples: Cells or rows that contradict it, in words.
        depends_on: What the verdict depends on, such as the value by another analysis, in words.
        to_run: Commands that measure it or make its interval narrower.
    """

    claim: Claim
    verdict: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    details: dict[str, Any] = field(default_factory=dict)
    counterexamples: list[str] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    to_run: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        values = asdict(self)
        return {**values.pop("claim"), **values}


def with_interval(value: float, interval: tuple[float, float] | None) -> str:
    """A value and its interval, in words."""
    known = f", {interval[0]:.2f} to {interval[1]:.2f}" if interval else ", no interval"
    return f"{value:.2f}{known}"


def decide(
    value: float,
    interval: tuple[float, float] | None,
    threshold: float,
    side: Literal["above", "below"],
) -> str:
    """The verdict by the rule of the module.

    Args:
        value: The value; one that is not a number is undecided.
        interval: Its interval; None: there is none.
        threshold: The threshold.
        side: The side on which the claim predicts the value.
    """
    if interval is None or value != value:
        return UNDECIDED
    low, high = interval if side == "above" else (-interval[1], -interval[0])
    limit = threshold if side == "above" else -threshold
    if low > limit:
        return SUPPORTED
    return NOT_SUPPORTED if high < limit else UNDECIDED


def not_measured(claim: Claim, missing: str, *to_run: str) -> Finding:
    """A claim without data: what is missing, and what to run."""
    return Finding(claim, NOT_MEASURED, details={"missing": missing}, to_run=list(to_run))
