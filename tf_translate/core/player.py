"""Players: who moves which networks, on which objective, and when."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

DEFAULT_STAGE = "train"


@dataclass(frozen=True)
class Burst:
    """When a player goes alone for some steps, to get ahead of the others.

    Every step takes a fresh batch, so the turns of a burst see fresh images.

    Attributes:
        turns: Turns it takes for one of the others in a burst; 1: no bursts.
        every: Turns of the others from one burst to the next; the first burst is at once.
    """

    turns: int
    every: int

    def __post_init__(self):
        if self.turns < 1 or self.every < 1:
            raise ValueError(
                f"`turns` and `every` of a burst must be at least 1, got {self.turns}, {self.every}"
            )

    def alone(self, step: int) -> bool:
        """Whether the others sit out at a step, counted from 0."""
        extra = self.turns - 1
        return step % (self.every + extra) < extra


@dataclass(frozen=True)
class Player:
    """A group of networks with one optimizer and one objective.

    Attributes:
        name: Name of the player; its optimizer goes by it.
        networks: Attributes of the translator that hold its networks.
        objective: Method of the translator, `(batch, shared) -> {term: scalar}`.
        terms: Names of the terms its objective returns.
        forward: Method of the translator, `batch -> {name: tensor}`, run once for each part
            of a step, ahead of the first turn on it. Its results are `shared` with every
            player of the step: its own objective can be differentiated through them, the
            others get them with gradients stopped. So fakes are made once, whoever moves
            first.
        depends_on: Whether its forward comes after those of the others and takes their results,
            with gradients stopped: `(batch, shared) -> {name: tensor}`.
        stop_gradient_for: Terms that do not move some of its networks: network to names of terms. Their
            gradients then stop ahead of that network, with no forward pass more.
        microbatches: Parts of the step's batch it plays on, one turn each, in order. The usual
            `(0,)` is one turn on the whole batch; a discriminator on `(0, 1, 2)` beside a generator
            on `(2,)` takes three turns on fresh images for each of the generator's; `(0, 0)`
            is two turns on the same images. Each turn takes fresh gradients.
        stage: Stage of training in which it plays.
        constrain: Called with its trainable variables after each turn (weight clipping).
        clip: Greatest common length of its gradients, or None.
        batch_keys: Keys of the batch it needs beside the images, such as "label_a".
        burst: When it goes alone for some steps; None: never.
        generates_images: Whether images can be made once it has played: not where its stage only readies
            others for theirs.
        averaged: Whether a moving average of its weights is worth keeping: true for the
            networks that are deployed.
        optimizer: The field of the method's settings that its optimizer is made from.
    """

    name: str
    networks: tuple[str, ...]
    objective: str
    terms: tuple[str, ...]
    forward: str | None = None
    depends_on: bool = False
    stop_gradient_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    microbatches: tuple[int, ...] = (0,)
    stage: str = DEFAULT_STAGE
    constrain: Callable[[Sequence], None] | None = None
    clip: float | None = None
    batch_keys: tuple[str, ...] = ()
    burst: Burst | None = None
    generates_images: bool = True
    averaged: bool = False
    optimizer: str = "optimizer"

    def __post_init__(self):
        if not self.microbatches or min(self.microbatches) < 0:
            raise ValueError(
                f"`microbatches` of player {self.name!r} must be at least one index of 0 or more, "
                f"got {self.microbatches}"
            )
        if not self.networks:
            raise ValueError(f"player {self.name!r} needs at least one network")
        for network, terms in self.stop_gradient_for.items():
            if network not in self.networks or not set(terms) < set(self.terms):
                raise ValueError(
                    f"`stop_gradient_for` of player {self.name!r} must keep some of its terms "
                    f"{list(self.terms)} from networks of {list(self.networks)}, got "
                    f"{list(terms)} for {network!r}"
                )

    @property
    def turns(self) -> int:
        """Turns it takes in one step."""
        return len(self.microbatches)

    @property
    def groups(self) -> list["Player"]:
        """The player in parts that learn from all of their terms: one, or one a network."""
        if not self.stop_gradient_for:
            return [self]
        return [
            replace(
                self,
                networks=(name,),
                terms=tuple(t for t in self.terms if t not in self.stop_gradient_for.get(name, ())),
                stop_gradient_for={},
            )
            for name in self.networks
        ]
