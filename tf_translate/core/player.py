"""Players: which networks an optimizer updates, on which objective, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import tensorflow as tf

DEFAULT_STAGE = "train"
Tensors = Mapping[str, tf.Tensor]  # a microbatch, or what `forward` functions computed from it
Losses = dict[str, tf.Tensor]  # what an objective returns: unweighted scalars by loss term


@dataclass(frozen=True)
class Player:
    """A group of networks with one optimizer and one objective, as in a two-player game.

    In a turn, a player computes the losses of its objective on one microbatch, and its optimizer
    updates its networks once. The batch of a step holds one or more microbatches: image i is in
    microbatch i mod the number of microbatches.

    Attributes:
        name: Name of the player and of its optimizer.
        networks: Attributes of the translator that hold its networks.
        objective: Method of the translator, `(microbatch, shared) -> {loss term: scalar}`. It gets
            the images of one microbatch, those of its turn, not the whole batch.
        terms: Names of the loss terms of its objective, which returns exactly those whose weight
            is not 0.
        forward: Method of the translator, `microbatch -> {name: tensor}`. It runs before the first
            turn on a microbatch, and again only if this player has another turn on it. All
            players of the stage get its results as `shared`. The player's own gradients flow
            through them; for every other player gradients stop there. So fakes are generated
            once, whichever player takes the first turn. The other players keep using these
            results after this player has updated its networks.
        private_forward: Whether only this player uses the results of its `forward`, which then does
            not run on microbatches on which it takes no turn.
        depends_on: Players that must run their forward first. Its own forward then gets their
            results, with gradients stopped: `(microbatch, shared) -> {name: tensor}`.
        stop_gradient_for: For a network, the terms that must not train it. They are left out of
            the sum of terms whose gradient that network gets; the player's other networks get
            them as usual, and no further forward pass is needed.
        microbatches: Indices of the microbatches it takes a turn on, such as `(0, 1, 2)`: one turn
            each, in order. The batch has one microbatch more than the largest index of the stage.
            `(0,)` of all players is one turn on the whole batch. A discriminator on `(0, 1, 2)`
            beside a generator on `(2,)` takes three turns on fresh images for each turn of the
            generator. `(0, 0)` is two turns on the same images. Every turn computes its gradients
            anew.
        stage: Stage of training in which it takes turns.
        batch_keys: Keys of the batch that it needs besides those of the layout (see
            `Translator`), such as "label_a".
        ema_if_enabled: Whether its weights have a moving average if `training.ema_momentum`
            enables averages; true for the networks that are deployed.
        optimizer_setting: Name of the field of the method's settings that its optimizer is made
            from.

    Raises:
        ValueError: If it has no network, or a field does not fit the others.
    """

    name: str
    networks: tuple[str, ...]
    objective: str
    terms: tuple[str, ...]
    forward: str | None = None
    private_forward: bool = False
    depends_on: tuple[str, ...] = ()
    stop_gradient_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    microbatches: tuple[int, ...] = (0,)
    stage: str = DEFAULT_STAGE
    batch_keys: tuple[str, ...] = ()
    ema_if_enabled: bool = False
    optimizer_setting: str = "optimizer"

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
                    f"`stop_gradient_for` of player {self.name!r} must map some of its networks "
                    f"{list(self.networks)} to terms of {list(self.terms)}, not all, got "
                    f"{list(terms)} for {network!r}"
                )

    @property
    def turns(self) -> int:
        """Number of turns in one step."""
        return len(self.microbatches)

    @property
    def network_groups(self) -> list["Player"]:
        """Groups of its networks that learn from the same terms, each as a player, in order.

        One group of all networks; with `stop_gradient_for` each network is a group of its own.
        """
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


@dataclass(frozen=True)
class Translation:
    """A translation of images that a method's `translate_batch` computes.

    `translate_batch` is the `forward` of the player that trains the generator.

    Attributes:
        signature: Name of the signature that deploys it.
        source: Key of the batch that holds its input images.
        result: Key of its images in what `translate_batch` returns.
        generator: Attribute of the network that alone computes them, from the images at `source`;
            None if it takes several networks.
    """

    signature: str
    source: str
    result: str
    generator: str | None = None
