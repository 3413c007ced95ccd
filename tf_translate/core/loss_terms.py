"""Loss terms: named losses with a role, a default weight and the equation they come from."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from tf_translate.core.schedules import Schedule


class Role(enum.StrEnum):
    """The purpose of a loss term. A complete translation method has the first two roles."""

    CONTENT = "content"
    """What must survive translation: paired L1, cycle, identity, constancy."""
    DOMAIN = "domain"
    """What must become the target: adversarial terms, attribute classification."""
    REGULARIZATION = "regularization"
    """How the networks must behave: total variation, nulling, gradient penalty."""


@dataclass(frozen=True)
class LossTerm:
    """One summand of a player's objective.

    Attributes:
        name: Key of the loss in an objective's result.
        role: Its purpose; logs and tables are grouped by it.
        weight: Constant factor or a schedule over training steps; 0 switches it off.
        source: Where the paper states it.
    """

    name: str
    role: Role
    weight: float | Schedule = 1.0
    source: str = ""

    @property
    def log_name(self) -> str:
        """Name in logs and TensorBoard, grouped by role: "content/cycle"."""
        return f"{self.role.value}/{self.name}"

    @property
    def active(self) -> bool:
        """False when the weight is the constant 0: the term need not be computed."""
        return isinstance(self.weight, Schedule) or self.weight != 0


def content(name: str, *, weight: float | Schedule = 1.0, source: str) -> LossTerm:
    """A term that keeps the content of the input."""
    return LossTerm(name, Role.CONTENT, weight, source)


def domain(name: str, *, weight: float | Schedule = 1.0, source: str) -> LossTerm:
    """A term that makes the output belong to the target domain."""
    return LossTerm(name, Role.DOMAIN, weight, source)


def regularization(name: str, *, weight: float | Schedule = 1.0, source: str) -> LossTerm:
    """A term that constrains how the networks behave."""
    return LossTerm(name, Role.REGULARIZATION, weight, source)


def with_loss_weights(
    terms: tuple[LossTerm, ...], weights: Mapping[str, float | Schedule] | None
) -> tuple[LossTerm, ...]:
    """Replaces the weights of some terms.

    Raises:
        ValueError: If a name is not that of a term (the nearest is named) or a weight is
            negative or not finite.
    """
    names = [term.name for term in terms]
    for name, weight in (weights or {}).items():
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"there is no term {name!r}, only {names}{hint}")
        if not isinstance(weight, Schedule) and not 0 <= weight < float("inf"):
            raise ValueError(f"the weight of term {name!r} must be 0 or more, got {weight}")
    new = weights or {}
    return tuple(replace(term, weight=new.get(term.name, term.weight)) for term in terms)


def check_losses(objective: str, expected: Iterable[str], losses: Mapping) -> None:
    """Raises ValueError unless an objective returned exactly the expected terms."""
    names = sorted(expected)
    if sorted(losses) != names:
        raise ValueError(f"{objective} must return the terms {names}, got {sorted(losses)}")
