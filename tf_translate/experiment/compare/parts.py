"""Content and domain of a cell on their scales from 0 to 1, from its published metrics.

c and d are those of completeness, 2cd / (c + d): the fixed rows are 0 and 1 of both.

    c = (margin - that of random targets) / (that of the truth - that of random targets)
    d = the smaller of (accuracy - that of the sources) / (that of real targets - that of the
        sources) and 1 - KID / (KID of the sources)

All are clipped to [0, 1]. Without ground truth, the unchanged input takes its place. Real targets
are the row `random target`: they are the real targets in another order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_KIDS = "domain/kid/"
_KID = f"{_KIDS}judge@"  # followed by the size of the judge's images
MARGIN, ACCURACY, COMPLETENESS = "content/margin", "domain/accuracy", "completeness"
INSIDE = "content/l1_inside_edit"
IDENTITY, RANDOM, TRUTH = "identity", "random target", "ground truth"
Rows = Mapping[str, Mapping[str, float | None]]  # by "output" or fixed row, then by metric


@dataclass(frozen=True)
class ContentScale:
    """The margins between which those of a method are placed.

    Attributes:
        zero: That of random targets.
        one: That of the ground truth; unknown: of the sources.
    """

    zero: float
    one: float

    def place(self, margin: Any) -> Any:
        """Content of a margin, or of each margin of an array."""
        return np.clip((margin - self.zero) / (self.one - self.zero), 0.0, 1.0)


@dataclass(frozen=True)
class DomainScale:
    """The values of the fixed rows between which those of a method are placed.

    Attributes:
        sources, targets: Accuracies of the sources and of real targets.
        kid: Kernel distance of the sources; 0 is the other end.
    """

    sources: float
    targets: float
    kid: float

    def place(self, accuracy: Any, kid: Any) -> Any:
        """The domain by the stricter judge; of numbers, or of each pair of two arrays."""
        by_accuracy = (accuracy - self.sources) / (self.targets - self.sources)
        return np.clip(np.minimum(by_accuracy, 1.0 - kid / self.kid), 0.0, 1.0)


@dataclass(frozen=True)
class Parts:
    """Content and domain, each in [0, 1]."""

    content: float
    domain: float


def kid_name(values: Mapping[str, Any]) -> str | None:
    """The name of the kernel distance that completeness takes, among names of metrics."""
    return next((name for name in values if name.startswith(_KID)), None)


def network_of_kid(name: str) -> str | None:
    """The pretrained network of a kernel distance, a second view of the domain; else None."""
    if not name.startswith(_KIDS) or name.startswith(_KID):
        return None
    return name.removeprefix(_KIDS).partition("@")[0]


def content_scale(results: Rows) -> ContentScale | None:
    """The scale of content of a cell; None where the judge does not separate the fixed rows."""
    whole = TRUTH if TRUTH in results else IDENTITY
    zero, one = _value(results, RANDOM, MARGIN), _value(results, whole, MARGIN)
    return None if zero is None or one is None or one <= zero else ContentScale(zero, one)


def domain_scale(results: Rows) -> DomainScale | None:
    """The scale of the domain of a cell; None where the judge does not separate the fixed rows."""
    sources, targets = (_value(results, row, ACCURACY) for row in (IDENTITY, RANDOM))
    kid = _kid(results, IDENTITY)
    if sources is None or targets is None or targets <= sources or kid is None or kid <= 0:
        return None
    return DomainScale(sources, targets, kid)


def content_of(results: Rows, row: str) -> float | None:
    """Content of a row of results, in [0, 1]; None where undefined."""
    scale, margin = content_scale(results), _value(results, row, MARGIN)
    return None if scale is None or margin is None else float(scale.place(margin))


def domain_of(results: Rows, row: str) -> float | None:
    """The domain of a row of results, in [0, 1]; None where undefined."""
    scale, accuracy, kid = domain_scale(results), _value(results, row, ACCURACY), _kid(results, row)
    if scale is None or accuracy is None or kid is None:
        return None
    return float(scale.place(accuracy, kid))


def other_domains_of(results: Rows, row: str) -> dict[str, float]:
    """The domain of a row by features that were learned elsewhere, in [0, 1], by network.

    It is 1 - KID / (KID of the sources): 0 where a set is no nearer to real targets than its
    sources are. It is no part of completeness.
    """
    found = {}
    for name, value in results.get(row, {}).items():
        network, sources = network_of_kid(name), _value(results, IDENTITY, name)
        if network is not None and value is not None and sources is not None and sources > 0:
            found[network] = float(np.clip(1.0 - value / sources, 0.0, 1.0))
    return found


def parts_of(results: Rows, row: str) -> Parts | None:
    """Content and domain of a row of results; None where either is undefined."""
    content, domain = content_of(results, row), domain_of(results, row)
    return None if content is None or domain is None else Parts(content, domain)


def _kid(results: Rows, row: str) -> float | None:
    values = results.get(row, {})
    name = kid_name(values)
    return None if name is None else values[name]


def _value(results: Rows, row: str, metric: str) -> float | None:
    return results.get(row, {}).get(metric)
