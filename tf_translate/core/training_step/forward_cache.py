"""The forward passes that players share within a step: one for each microbatch, on one tape."""

import contextlib
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from tf_translate.core.player import Player
from tf_translate.losses.scalar_sum import scalar_sum


class ForwardCache:
    """The shared forward passes of one step, and the tapes they are recorded on.

    A player's `forward` runs once for a microbatch, before any player's first turn on it. It is
    recorded on a tape only if the player itself takes a turn on that microbatch.

    Args:
        microbatches: The microbatches of the step's batch.
        players: Players of the current stage, including those without a turn in this step.
        active: The players that take turns.
        variables_of: From a player to the trainable variables that it updates.
        forward: From the name of a player's `forward` and a microbatch to its results; for a
            player that depends on others it also gets their shared results.
    """

    def __init__(
        self,
        microbatches: Sequence,
        *,
        players: Sequence[Player],
        active: Sequence[Player],
        variables_of: Callable[[Player], list],
        forward: Callable[..., dict],
    ):
        self.microbatches = microbatches
        self._players = players
        self._active = {player.name for player in active}
        self._variables_of = variables_of
        self._forward = forward
        self._cache: dict[tuple[str, int], tuple] = {}

    def tape_and_results(self, player: Player, index: int) -> tuple[tf.GradientTape, dict]:
        """The tape of a player's turn on a microbatch, and the results that players share there.

        Gradients flow through the player's own results and stop at those of all others.
        """
        for other in sorted(self._players, key=lambda each: bool(each.depends_on)):
            needless = other.private_forward and other.name != player.name
            if not needless and (other.name, index) not in self._cache:
                self._cache[other.name, index] = self._run(other, index)
        return self._cache[player.name, index][0], self._shared(player, index)

    def invalidate(self, player: Player, turn: int) -> None:
        """Drops a player's results on a microbatch if it takes another turn on it.

        Its weights have changed, so its next turn needs new ones. All other results stay: players
        that come later use those of before the update.
        """
        if player.microbatches[turn] in player.microbatches[turn + 1 :]:
            del self._cache[player.name, player.microbatches[turn]]

    def _shared(self, player: Player, index: int) -> dict:
        """All shared results on a microbatch, gradients stopped except for the player's own."""
        shared = {}
        for owner in self._players:
            _, results = self._cache.get((owner.name, index), (None, {}))
            is_own = owner.name == player.name
            for key, value in results.items():
                if key in shared:
                    raise ValueError(f"two players return {key!r} from their `forward`; rename one")
                shared[key] = value if is_own else tf.nest.map_structure(tf.stop_gradient, value)
        return shared

    def _run(self, player: Player, index: int) -> tuple:
        has_turn = player.name in self._active and index in player.microbatches
        persistent = bool(player.stop_gradient_for)
        tape = _tape(self._variables_of(player), persistent) if has_turn else None
        if player.forward is None:
            return tape, {}
        shared = (self._shared(player, index),) if player.depends_on else ()
        with tape or contextlib.nullcontext():
            return tape, self._forward(player.forward, self.microbatches[index], *shared)


def split(batch, count: int, name: str) -> list:
    """Cuts a batch into `count` microbatches, interleaved: image i is in microbatch i mod `count`.

    So a microbatch holds the same images on one device as on several: the shard of a device has
    its part of each microbatch.

    Raises:
        ValueError: If the number of images on a device is not divisible by `count`; the message
            names the method, `name`.
    """
    if count == 1:
        return [batch]
    for images in tf.nest.flatten(batch):
        if images.shape[0] is not None and images.shape[0] % count:
            raise ValueError(
                f"a batch of {name} must divide by {count}, the microbatches its players take "
                f"in a step, got {images.shape[0]} images on a device"
            )
    return [tf.nest.map_structure(lambda i, k=k: i[k::count], batch) for k in range(count)]


def totals_of(player: Player, losses: Mapping) -> list:
    """For each network group of a player, the sum of its losses."""
    groups = [
        [losses[name] for name in group.terms if name in losses] for group in player.network_groups
    ]
    return [scalar_sum(group) if group else tf.zeros(()) for group in groups]


def gradients_of(tape: tf.GradientTape, totals: Sequence, groups: Sequence[Sequence]) -> list:
    """The gradients of each total with respect to its own group of variables, in one list.

    They are in the order of the groups and of the variables in each.
    """
    gradients = []
    for total, variables in zip(totals, groups, strict=True):
        gradients += tape.gradient(total, [variable.value for variable in variables])
    return gradients


def _tape(variables, persistent: bool) -> tf.GradientTape:
    """A tape that watches a player's variables only (a quarter faster)."""
    tape = tf.GradientTape(persistent=persistent, watch_accessed_variables=False)
    with tape:
        for variable in variables:
            tape.watch(variable.value)
    return tape
