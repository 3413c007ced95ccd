"""Players: who moves which networks, on which objective, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

DEFAULT_STAGE = "train"


@dataclass(frozen=True)
class Player:
    """A group of networks with one optimizer and one objective.

    Attributes:
        name: Name of the player; its optimizer goes by it.
        networks: Attributes of the translator that hold its networks.
        objective: Method of the translator, `(batch, shared) -> {term: scalar}`.
        terms: Names of the terms its objective returns.
        forward: Method of the translator, `batch -> {name: tensor}`, run once at the start
            of a step. Its results are `shared` with every player of the step: its own
            objective can be differentiated through them, the others get them with
            gradients stopped. So fakes are made once, whoever moves first.
        turns: Turns in a row in one step; each takes fresh gradients.
        stage: Stage of training in which it plays.
        constrain: Called with its trainable variables after each turn (weight clipping).
        averaged: Whether a moving average of its weights is worth keeping: true for the
            networks that are deployed.
    """

    name: str
    networks: tuple[str, ...]
    objective: str
    terms: tuple[str, ...]
    forward: str | None = None
    turns: int = 1
    stage: str = DEFAULT_STAGE
    constrain: Callable[[Sequence], None] | None = None
    averaged: bool = False

    def __post_init__(self):
        if self.turns < 1:
            raise ValueError(f"`turns` of player {self.name!r} must be at least 1")
        if not self.networks:
            raise ValueError(f"player {self.name!r} needs at least one network")
