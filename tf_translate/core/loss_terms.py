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
        group: Name by which weights are given to all terms of a group at once, such as "cycle" for
            "cycle_a" and "cycle_b"; "" for none.
        follows: Term whose given weight also scales this one's default; "" for none.
        description: What it measures, in plain words, for `tf-translate settings`.
        trains: Networks of the player that its gradient reaches; empty: all that
            `Player.stop_gradient_for` does not keep from it.
    """

    name: str
    role: Role
    weight: float | Schedule = 1.0
    source: str = ""
    group: str = ""
    follows: str = ""
    description: str = ""
    trains: tuple[str, ...] = ()

    @property
    def log_name(self) -> str:
        """Name in logs and TensorBoard, grouped by role: "content/cycle"."""
        return f"{self.role.value}/{self.name}"

    @property
    def active(self) -> bool:
        """False when the weight is the constant 0: the term need not be computed."""
        return isinstance(self.weight, Schedule) or self.weight != 0


def content(
    name: str,
    *,
    weight: float | Schedule = 1.0,
    source: str,
    group: str = "",
    follows: str = "",
    description: str = "",
) -> LossTerm:
    """A term that keeps the content of the input.

    Args:
        name: Its name in settings and logs, such as "cycle".
        weight: Factor, at least 0, or a schedule over training steps; 0 switches it off.
        source: Where the term and its weight are from, such as "paper, eq. 3".
        group: A name by which several terms get one weight.
        follows: Name of a term whose given weight also scales this one's default.
        description: What it measures, in plain words, for `tf-translate settings`.

    Returns:
        The term, for `Translator.terms`.

    Example:
        `terms = (content("cycle", weight=10.0, source="paper, eq. 2"), ...)`
    """
    return LossTerm(name, Role.CONTENT, weight, source, group, follows, description)


def domain(
    name: str,
    *,
    weight: float | Schedule = 1.0,
    source: str,
    description: str = "",
    trains: tuple[str, ...] = (),
) -> LossTerm:
    """A term that makes the output belong to the target domain.

    Args:
        name, weight, source, description: As of `content`.
        trains: Networks of the player that its gradient reaches; empty: all of them.

    Returns:
        The term, for `Translator.terms`.
    """
    return LossTerm(name, Role.DOMAIN, weight, source, description=description, trains=trains)


def regularization(
    name: str, *, weight: float | Schedule = 1.0, source: str, description: str = ""
) -> LossTerm:
    """A term that constrains how the networks behave, such as a gradient penalty.

    Args:
        name, weight, source, description: As of `content`.

    Returns:
        The term, for `Translator.terms`.
    """
    return LossTerm(name, Role.REGULARIZATION, weight, source, description=description)


def with_loss_weights(
    terms: tuple[LossTerm, ...], weights: Mapping[str, float | Schedule] | None
) -> tuple[LossTerm, ...]:
    """Replaces the weights of some terms.

    Args:
        terms: All terms.
        weights: Weights by name of a term or a group. A term's own weight replaces that of its
            group.

    Raises:
        ValueError: If a name is not that of a term or a group (the nearest is named), a weight is
            negative or not finite, a group's weight would have no effect, or a term would have to
            follow a schedule.
    """
    names = [*(term.name for term in terms), *dict.fromkeys(t.group for t in terms if t.group)]
    for name, weight in (weights or {}).items():
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"there is no term {name!r}, only {names}{hint}")
        if not isinstance(weight, Schedule) and not 0 <= weight < float("inf"):
            raise ValueError(f"the weight of term {name!r} must be 0 or more, got {weight}")
    new = weights or {}
    for group in {term.group for term in terms if term.group in new}:
        members = [term.name for term in terms if term.group == group]
        if all(name in new for name in members):
            raise ValueError(
                f"the weight of {group!r} has no effect, because {' and '.join(members)} have "
                "weights of their own; leave out one or the other"
            )
    given = {term.name: new[key] for term in terms for key in (term.group, term.name) if key in new}
    defaults = {term.name: term.weight for term in terms}
    followed = {
        term.name: _in_proportion(term, given[term.follows], defaults[term.follows])
        for term in terms
        if term.follows in given and term.name not in given
    }
    chosen = defaults | followed | given
    return tuple(replace(term, weight=chosen[term.name]) for term in terms)


def _in_proportion(term: LossTerm, given, default):
    """A term's default, scaled like the weight of the term that it follows."""
    if isinstance(given, Schedule):
        raise ValueError(
            f"the weight of term {term.name!r} must be given, because that of {term.follows!r} is "
            "a schedule"
        )
    return term.weight * given / default


def check_losses(objective: str, expected: Iterable[str], losses: Mapping) -> None:
    """Raises ValueError unless an objective returned exactly the expected terms."""
    names = sorted(expected)
    if sorted(losses) != names:
        raise ValueError(f"{objective} must return the terms {names}, got {sorted(losses)}")
