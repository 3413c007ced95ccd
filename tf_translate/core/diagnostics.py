"""What can be read off a translator while it trains: rates, norms, and how its discriminators fare."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_translate.core.multi_worker import ManyWorkers
from tf_translate.core.player import Player


class GradientNorms:
    """The length of each player's gradients, taken only in the steps that ask for it.

    On several devices, of one host or of many, it is the length of the devices' sum, which is what
    the optimizer takes: a step that was asked exchanges all gradients once more, others nothing
    but that there is nothing to exchange.

    Held by a translator as a plain object, so that Keras neither saves nor restores it. Make it
    under the translator's strategy.

    Args:
        players: All players of the translator.
    """

    def __init__(self, players: Sequence[Player]):
        only = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self._due = tf.Variable(False, trainable=False, aggregation=only)
        self._lengths = {
            player.name: tf.Variable(np.nan, trainable=False, aggregation=only, dtype=tf.float32)
            for player in players
        }
        self._asked = False

    def ask(self, due: bool) -> None:
        """Whether the coming steps take lengths; forgets those of before if so."""
        if due:
            for length in self._lengths.values():
                length.assign(np.nan)
        if due != self._asked:
            self._due.assign(due)
            self._asked = due

    def take(self, player: str, gradients: Sequence, optimizer) -> None:
        """Notes the length of a turn's gradients, in the step's graph, if it was asked for.

        Args:
            player: Whose turn it is.
            gradients: One a variable, of a loss divided by the number of replicas; None counts 0.
            optimizer: Whose loss scale, if it has one, the gradients carry.
        """
        gradients = [gradient for gradient in gradients if gradient is not None]
        if not gradients:
            return
        context = tf.distribute.get_replica_context()
        due = tf.convert_to_tensor(self._due)
        if context.num_replicas_in_sync > 1:
            # Devices cannot meet inside a branch: what they exchange is empty unless asked for.
            share = tf.cond(due, lambda: _in_one(gradients), lambda: tf.zeros((0,)))
            found = tf.norm(context.all_reduce(tf.distribute.ReduceOp.SUM, share))
        else:
            found = tf.cond(due, lambda: _length(gradients), lambda: tf.zeros(()))
        scale = tf.cast(getattr(optimizer, "dynamic_scale", 1.0), tf.float32)
        length = self._lengths[player]
        length.assign(tf.where(due, found / scale, length))

    def read(self) -> dict[str, float]:
        """Finite lengths by player, of those that have played since they were last asked for."""
        found = {name: float(length.numpy()) for name, length in self._lengths.items()}
        return {name: length for name, length in found.items() if np.isfinite(length)}


class Diagnostics(ManyWorkers):
    """A model of several players whose training can be watched."""

    players: tuple[Player, ...] = ()
    player_optimizers: dict[str, keras.optimizers.Optimizer]
    # By discriminator's term its loss if the discriminator cannot tell at all; 0: a Wasserstein discriminator, whose
    # loss is minus the gap of its scores. It has no lead and no sign of winning: it is meant to be
    # trained until it tells all, and still has gradients to teach by (Arjovsky et al. 2017).
    chance_levels: Mapping[str, float] = {}

    def discriminator_skills(self, losses: Mapping[str, float]) -> dict[str, float]:
        """How far discriminators are ahead.

        Args:
            losses: Mean losses by label, as `fit` logs them.

        Returns:
            `discriminator_skill/TERM`: 0 if a discriminator cannot tell real from made, 1 if it always can, below 0
            if it is wrong for sure. `wasserstein_estimate/TERM` for Wasserstein discriminators: how much higher real
            images score, in the discriminators' own unit.
        """
        metrics = {}
        for label, loss in losses.items():
            term = label.rpartition("/")[2]
            chance_level = self.chance_levels.get(term)
            if chance_level:
                metrics[f"discriminator_skill/{term}"] = 1.0 - loss / chance_level
            elif chance_level is not None:
                metrics[f"wasserstein_estimate/{term}"] = -loss
        return metrics

    def player_diagnostics(self, players: Sequence[Player]) -> dict[str, float]:
        """Metrics of players, read now and outside the step.

        Returns:
            `learning_rate/PLAYER` of the coming turn, `weight_norm/PLAYER` the common length of its weights,
            `grad_norm/PLAYER` that of its gradients in the last step that was asked for.
        """
        lengths = self.gradient_norms.read()
        metrics = {}
        for player in players:
            name = player.name
            rate = self.player_optimizers[name].learning_rate
            metrics[f"learning_rate/{name}"] = float(keras.ops.convert_to_numpy(rate))
            parts = [np.linalg.norm(v.numpy()) for v in self.variables_of(player)]
            metrics[f"weight_norm/{name}"] = float(np.linalg.norm(np.asarray(parts, np.float64)))
            if name in lengths:
                metrics[f"grad_norm/{name}"] = lengths[name]
        return metrics

    gradient_norms: GradientNorms

    def variables_of(self, player: Player) -> list:
        """The trainable variables a player moves."""
        raise NotImplementedError


def _length(gradients: Sequence):
    return tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in gradients])


def _in_one(gradients: Sequence):
    return tf.concat([tf.reshape(tf.cast(each, tf.float32), [-1]) for each in gradients], 0)
