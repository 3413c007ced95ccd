"""Content and domain of a cell on their scales from 0 to 1, from its published metrics.

c and d are those of completeness, 2cd / (c + d): the fixed rows are 0 and 1 of both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KID = "domain/kid/judge@"  # followed by the size of the judge's images
MARGIN, ACCURACY, COMPLETENESS = "content/margin", "domain/accuracy", "completeness"
IDENTITY, RANDOM, TRUTH = "identity", "random target", "ground truth"


@dataclass(frozen=True)
class Scale:
    """The fixed rows' values, between which those of a method are placed.

    Attributes:
        margin: Those of content 0 and of content 1.
        accuracy: Those of the sources and of real targets.
        kid: That of the sources; 0 is the other end.
    """

    margin: tuple[float, float]
    accuracy: tuple[float, float]
    kid: float

    def content(self, margin: float) -> float:
        """Content, 0 for random targets and 1 for the ground truth (unknown: the sources)."""
        return _clipped((margin - self.margin[0]) / (self.margin[1] - self.margin[0]))

    def domain(self, accuracy: float, kid: float) -> float:
        """The domain, 0 for the sources and 1 for real targets, by the stricter family."""
        span = self.accuracy[1] - self.accuracy[0]
        return min(_clipped((accuracy - self.accuracy[0]) / span), _clipped(1.0 - kid / self.kid))


@dataclass(frozen=True)
class Parts:
    """Content and domain, each in [0, 1]."""

    content: float
    domain: float


def kid_name(values: Mapping[str, Any]) -> str | None:
    """The name of the kernel distance that completeness takes, among names of metrics."""
    return next((name for name in values if name.startswith(_KID)), None)


def scale_of(results: Mapping[str, Mapping[str, float | None]]) -> Scale | None:
    """The scale of a cell; None where a judge does not separate the fixed rows.

    Args:
        results: By "output" or fixed row and metric, as `metrics.json` has them.
    """
    if not {IDENTITY, RANDOM} <= set(results):
        return None
    no_domain, no_content = results[IDENTITY], results[RANDOM]
    whole = results.get(TRUTH, no_domain)
    kid = kid_name(no_domain)
    margins = no_content.get(MARGIN), whole.get(MARGIN)
    # Random targets are the real targets in another order, so their accuracy is that of these.
    accuracies = no_domain.get(ACCURACY), no_content.get(ACCURACY)
    distance = None if kid is None else no_domain[kid]
    if None in (*margins, *accuracies) or distance is None or distance <= 0:
        return None
    if margins[1] <= margins[0] or accuracies[1] <= accuracies[0]:  # type: ignore[operator]
        return None
    return Scale(margins, accuracies, distance)  # type: ignore[arg-type]


def parts_of(values: Mapping[str, float | None], scale: Scale | None) -> Parts | None:
    """Content and domain of one row of results; None where undefined."""
    kid = kid_name(values)
    margin, accuracy = values.get(MARGIN), values.get(ACCURACY)
    distance = None if kid is None else values[kid]
    if scale is None or margin is None or accuracy is None or distance is None:
        return None
    return Parts(scale.content(margin), scale.domain(accuracy, distance))


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, value))
