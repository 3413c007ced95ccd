"""Ablations: a method without one of its loss terms, from the terms that its paper gives.

Off means weight 0: the objective does not compute the term, so no gradient holds it. What that
leaves follows from the two players of a method:

- The two sides of a GAN loss are two terms. Without the generators' side the discriminators still
  learn, and generators ignore them. Without the discriminators' side they keep their initial
  weights, and the generators play against random networks, unless regularization or another term
  is left.
- A network whose only term is off keeps its initial weights. If it has a stage of training of its
  own, the stage is left out with its share of the steps: all others train for as many as with all
  terms, if steps are fixed by `compare steps`. IcGAN and Age-cGAN estimate the statistics of the
  generator's batch norm anew in the encoder's stage. So without `latent` the generator has averaged
  weights with the statistics of others, and its images are worse too.
- A network that is left with regularization terms alone still learns from them.
- Terms of a group, such as the cycles from both domains, are one term here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tf_translate.config.schema import Config
from tf_translate.core.loss_terms import LossTerm, Role
from tf_translate.core.schedules import Schedule
from tf_translate.experiment.configure import method_settings
from tf_translate.methods import registry

WITHOUT, ALL_TERMS = "-without-", "-all-terms"  # in names of cells; methods have no hyphens


@dataclass(frozen=True)
class Ablation:
    """A method with all loss terms, or without one of them.

    Attributes:
        method: Name of the method, or of a variant of it, in the task.
        without: The term or group of terms that is off; "" for none.
        terms: The loss terms that are off.
        role: Their role; "" for none.
        settings: Settings that switch them off: "loss_weights.NAME" to value.
        others: With all loss terms: the names of the method's other cells of ablations.
    """

    method: str
    without: str = ""
    terms: tuple[str, ...] = ()
    role: str = ""
    settings: Mapping[str, float] | None = None
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of its cells, such as "pix2pix-without-l1" or "pix2pix-all-terms"."""
        if not self.without:
            return f"{self.method}{ALL_TERMS}"
        return f"{self.method}{WITHOUT}{self.without}"

    def record(self) -> dict[str, Any]:
        """What `cell.json` holds of it, as JSON values."""
        return {
            "of": self.method,
            "without": self.without,
            "terms": list(self.terms),
            "role": self.role,
            **({"others": list(self.others)} if self.others else {}),
        }


@dataclass(frozen=True)
class Ablations:
    """All ablations of a method.

    Attributes:
        cells: The method with all terms first, then without each of them.
        refused: Terms that cannot be switched off, with the reason.
    """

    cells: tuple[Ablation, ...]
    refused: Mapping[str, str]

    def find(self, name: str) -> Ablation | None:
        """The ablation whose cells have a name."""
        return next((each for each in self.cells if each.name == name), None)


@dataclass(frozen=True)
class StageTimes:
    """What is left of a training without some of its stages.

    Attributes:
        share: Fraction of the steps, above 0 and at most 1.
        stages: `training.stages` of them.
    """

    share: float
    stages: Mapping[str, float]


def method_of(name: str) -> str:
    """The method in the name of a cell: "pix2pix" of "pix2pix-without-l1"."""
    return name.removesuffix(ALL_TERMS).partition(WITHOUT)[0]


def ablations_of(name: str, config: Config, given: Mapping[str, float]) -> Ablations:
    """The ablations of a method of a task.

    Args:
        name: Name of the method in the task.
        config: Its resolved configuration.
        given: The loss weights that preset and task give, by term or group.
    """
    translator = registry.find(config.method).translator
    weights = _weights(translator.terms, config)
    settings = method_settings(config, name)
    absent = translator.absent_terms(settings, config.loss_weights)
    unmeasured = translator.terms_without_a_part_in_edits(settings, config.evaluation.signature)
    found, refused = [], {}
    for unit, members in _units(translator.terms).items():
        active = [term for term in members if weights[term.name] and term.name not in absent]
        reason = _reason(members, absent) if not active else ""
        if not reason and all(term.name in unmeasured for term in members):
            reason = unmeasured[members[0].name]
        if not reason:
            reason = _nothing_left(translator.players, members, weights, absent, translator.terms)
        if reason:
            refused[unit] = reason
            continue
        off = _switched_off(unit, members, translator.terms, weights, given)
        terms = tuple(term.name for term in active)
        found.append(Ablation(name, unit, terms, members[0].role.value, off))
    control = Ablation(name, others=tuple(each.name for each in found))
    return Ablations((control, *found), refused)


def without_empty_stages(config: Config, name: str, weights: Mapping[str, float]) -> StageTimes:
    """The part of the training that is left when stages without a loss term are left out.

    Args:
        config: The configuration with all terms.
        name: Name of the method in the task.
        weights: The loss weights that an ablation gives: "loss_weights.NAME" to value.

    Returns:
        The fraction of the steps that is left, and the fractions of these for each stage before
        the last, so that every stage that is left has the steps it has with all terms.
    """
    translator = registry.find(config.method).translator
    absent = translator.absent_terms(method_settings(config, name), config.loss_weights)
    before = _weights(translator.terms, config)
    groups = {term.name: term.group for term in translator.terms}
    off = {
        term
        for term, group in groups.items()
        if 0.0 in (weights.get(f"loss_weights.{key}") for key in (term, group) if key)
    }

    def stages(terms: set[str]) -> list[str]:
        found = [each.stage for each in translator.players if set(each.terms) & terms]
        return list(dict.fromkeys(found))

    active = {term for term, weight in before.items() if weight and term not in absent}
    full, left = stages(active), stages(active - off)
    fractions = {each: config.training.stages.get(each, 1 / len(full)) for each in full[:-1]}
    fractions[full[-1]] = 1.0 - sum(fractions.values())
    share = sum(fractions[each] for each in left)
    return StageTimes(share, {each: fractions[each] / share for each in left[:-1]})


def _units(terms: tuple[LossTerm, ...]) -> dict[str, list[LossTerm]]:
    """Terms by their group, or by their own name."""
    units: dict[str, list[LossTerm]] = {}
    for term in terms:
        units.setdefault(term.group or term.name, []).append(term)
    return units


def _weights(terms: tuple[LossTerm, ...], config: Config) -> dict[str, float | Schedule]:
    """The weight of each term; one that only the method knows is a schedule."""
    return {term.name: config.loss_weights.get(term.name, term.weight) for term in terms}


def _reason(members: list[LossTerm], absent: Mapping[str, str]) -> str:
    reasons = [absent[term.name] for term in members if term.name in absent]
    return reasons[0] if reasons else "its weight is 0 already in this task"


def _nothing_left(players, members, weights, absent, terms) -> str:
    """Why a method without a term is none: the network that makes its images learns nothing."""
    off = {term.name for term in members}
    regularizing = {term.name for term in terms if term.role == Role.REGULARIZATION}
    trains = {term.name: term.trains for term in terms}
    for player in players:
        if not player.ema_if_enabled:
            continue
        alone = []
        for network in player.networks:
            left = {
                term
                for term in player.terms
                if weights[term]
                and term not in absent
                and term not in regularizing
                and network in (trains[term] or player.networks)
                and term not in player.stop_gradient_for.get(network, ())
            }
            if left and left <= off:
                alone.append(network)
        if alone:
            return (
                f"it is all that {' and '.join(alone)} learn{_s(alone)} from, "
                "which would keep initial weights and make noise"
            )
    return ""


def _s(words: Sequence[str]) -> str:
    return "s" if len(words) == 1 else ""


def _switched_off(unit, members, terms, weights, given) -> dict[str, float]:
    """Settings that give the members weight 0, and leave those that follow them as they are."""
    names = [term.name for term in members]
    own = [name for name in names if name in given]
    # A group by its own name, unless it has none, or weights of single terms are given.
    by_terms = unit in names or (own and unit not in given)
    off = names if by_terms else [unit, *own]
    settings = {f"loss_weights.{name}": 0.0 for name in off}
    for term in terms:
        follows = term.follows in names and term.name not in names
        if follows and term.name not in given and term.group not in given:
            settings[f"loss_weights.{term.name}"] = weights[term.name]
    return settings
