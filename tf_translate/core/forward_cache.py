"""What players share within a step: one forward pass for each part of the batch, one tape."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from tf_translate.core.player import Player


class ForwardCache:
    """The shared forward passes of one step and the tapes of the turns to come.

    A player's `forward` runs once for a part of the batch, ahead of the first turn that
    anyone takes on it, and is recorded only if the player itself will play there.

    Args:
        parts: The parts of the step's batch.
        players: Players of the present stage, also those that sit out.
        active: Those of them that take turns.
        variables_of: The trainable variables a player moves.
        forward: Runs the method of a name, a player's `forward`, on a part, and for one that
            depends_on on what others shared of it.
    """

    def __init__(
        self,
        parts: Sequence,
        *,
        players: Sequence[Player],
        active: Sequence[Player],
        variables_of: Callable[[Player], list],
        forward: Callable[..., dict],
    ):
        self.parts = parts
        self._players = players
        self._active = {player.name for player in active}
        self._variables_of = variables_of
        self._forward = forward
        self._known: dict[tuple[str, int], tuple] = {}

    def begin(self, player: Player, part: int) -> tuple[tf.GradientTape, dict]:
        """The tape of a player's turn on a part and what it may use there.

        Its own results can be differentiated; everyone else's come with gradients stopped.
        """
        for other in sorted(self._players, key=lambda each: each.depends_on):
            if (other.name, part) not in self._known:
                self._known[other.name, part] = self._run(other, part)
        return self._known[player.name, part][0], self._visible(player, part)

    def moved(self, player: Player, turn: int) -> None:
        """Forgets what a player shared where it will play again: its networks have moved."""
        if player.microbatches[turn] in player.microbatches[turn + 1 :]:
            del self._known[player.name, player.microbatches[turn]]

    def _visible(self, player: Player, part: int) -> dict:
        """What was shared of a part, with gradients stopped but for the player's own."""
        visible = {}
        for owner in self._players:
            _, results = self._known.get((owner.name, part), (None, {}))
            own = owner.name == player.name
            for key, value in results.items():
                visible[key] = value if own else tf.nest.map_structure(tf.stop_gradient, value)
        return visible

    def _run(self, player: Player, part: int) -> tuple:
        plays = player.name in self._active and part in player.microbatches
        tape = _tape(self._variables_of(player), bool(player.stop_gradient_for)) if plays else None
        if player.forward is None:
            return tape, {}
        shared = (self._visible(player, part),) if player.depends_on else ()
        with tape or contextlib.nullcontext():
            return tape, self._forward(player.forward, self.parts[part], *shared)


def split(batch, count: int, name: str) -> list:
    """Cuts a batch: every `count`-th image from the k-th on makes part k.

    So parts hold the same images on one device as on many.

    Raises:
        ValueError: If the images of a device do not divide by `count`; `name` is blamed.
    """
    if count == 1:
        return [batch]
    for images in tf.nest.flatten(batch):
        if images.shape[0] is not None and images.shape[0] % count:
            raise ValueError(
                f"a batch of {name} must divide by {count}, the fresh batches its players take "
                f"in a step, got {images.shape[0]} images on a device"
            )
    return [tf.nest.map_structure(lambda i, k=k: i[k::count], batch) for k in range(count)]


def totals_of(player: Player, losses: Mapping) -> list:
    """For each of a player's groups the sum of the losses that move it, by term."""
    parts = [[losses[name] for name in each.terms if name in losses] for each in player.groups]
    return [tf.add_n(part) if part else tf.zeros(()) for part in parts]


def gradients_of(tape: tf.GradientTape, totals: Sequence, groups: Sequence[Sequence]) -> list:
    """The gradients of each total with respect to its own group of variables, in one list."""
    found = []
    for total, variables in zip(totals, groups, strict=True):
        found += tape.gradient(total, [variable.value for variable in variables])
    return found


def _tape(variables, persistent: bool) -> tf.GradientTape:
    """A tape that watches a player's variables only (a quarter faster)."""
    tape = tf.GradientTape(persistent=persistent, watch_accessed_variables=False)
    with tape:
        for variable in variables:
            tape.watch(variable.value)
    return tape
