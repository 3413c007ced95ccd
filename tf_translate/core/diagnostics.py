"""Diagnostics of a translator in training: learning rates, norms, discriminator skill."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_translate.core.keras_model import KerasTranslator
from tf_translate.core.player import Player


class GradientNorms:
    """The gradient norm of each player, computed only in the steps for which it was requested.

    It is the norm before `Translator.transform_gradients`. On several replicas, of one host or of
    many, it is the norm of the replicas' sum, which the optimizer applies. A step for which it
    was requested exchanges all gradients once more; any other step exchanges an empty tensor.

    A translator holds it as a plain object, so that Keras neither saves nor restores it. Create
    it in the scope of the translator's strategy.

    Args:
        players: All players of the translator.
    """

    def __init__(self, players: Sequence[Player]):
        only = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self._due = tf.Variable(False, trainable=False, aggregation=only)
        self._norms = {
            player.name: tf.Variable(np.nan, trainable=False, aggregation=only, dtype=tf.float32)
            for player in players
        }
        self._requested = False

    def request(self, due: bool) -> None:
        """Sets whether the next steps compute norms; if so, discards the earlier ones."""
        if due:
            for norm in self._norms.values():
                norm.assign(np.nan)
        if due != self._requested:
            self._due.assign(due)
            self._requested = due

    def record(self, player: str, gradients: Sequence, optimizer) -> None:
        """Stores the gradient norm of a turn, in the step's graph, if it was requested.

        Args:
            player: Name of the player whose turn it is.
            gradients: One per variable, of a loss divided by the number of replicas; None is 0.
            optimizer: The optimizer whose loss scale, if it has one, the gradients carry.
        """
        gradients = [gradient for gradient in gradients if gradient is not None]
        if not gradients:
            return
        context = tf.distribute.get_replica_context()
        due = tf.convert_to_tensor(self._due)
        if context.num_replicas_in_sync > 1:
            # Replicas cannot meet inside a branch: they exchange an empty tensor unless requested.
            local = tf.cond(due, lambda: _flattened(gradients), lambda: tf.zeros((0,)))
            found = tf.norm(context.all_reduce(tf.distribute.ReduceOp.SUM, local))
        else:
            found = tf.cond(due, lambda: _global_norm(gradients), lambda: tf.zeros(()))
        scale = tf.cast(getattr(optimizer, "dynamic_scale", 1.0), tf.float32)
        norm = self._norms[player]
        norm.assign(tf.where(due, found / scale, norm))

    def read(self) -> dict[str, float]:
        """Finite norms by player, of the players that took a turn since the last request."""
        found = {name: float(norm.numpy()) for name, norm in self._norms.items()}
        return {name: norm for name, norm in found.items() if np.isfinite(norm)}


class Diagnostics(KerasTranslator):
    """A model of several players, with diagnostics of their training."""

    players: tuple[Player, ...] = ()
    player_optimizers: dict[str, keras.optimizers.Optimizer]
    gradient_norms: GradientNorms

    @property
    def chance_levels(self) -> Mapping[str, float]:
        """For each discriminator's loss term, the loss of a discriminator that guesses at random.

        0 marks a Wasserstein discriminator: its loss is minus the difference of its scores. It
        has no skill between 0 and 1, and no warning when it wins. It is meant to be trained to
        optimality, and still gives useful gradients there (Arjovsky et al. 2017).
        """
        return {}

    def discriminator_skills(self, losses: Mapping[str, float]) -> dict[str, float]:
        """How well the discriminators separate real from generated images.

        Args:
            losses: Mean losses by `LossTerm.log_name`, as `fit` logs them.

        Returns:
            `discriminator_skill/TERM`, 1 - loss / chance level: 0 at chance level, 1 for a
            perfect discriminator, negative for one that is confidently wrong.
            `wasserstein_estimate/TERM` for Wasserstein discriminators: the difference between the
            mean scores of real and of generated images.
        """
        values = {}
        for log_name, loss in losses.items():
            term = log_name.rpartition("/")[2]
            chance = self.chance_levels.get(term)
            if chance:
                values[f"discriminator_skill/{term}"] = 1.0 - loss / chance
            elif chance is not None:
                values[f"wasserstein_estimate/{term}"] = -loss
        return values

    def player_diagnostics(self, players: Sequence[Player]) -> dict[str, float]:
        """Learning rates and norms of players, read between steps.

        Returns:
            `learning_rate/PLAYER` of the next turn, `weight_norm/PLAYER` the global norm of its
            weights, `grad_norm/PLAYER` that of its gradients in the last requested step.
        """
        norms = self.gradient_norms.read()
        values = {}
        for player in players:
            name = player.name
            rate = self.player_optimizers[name].learning_rate
            values[f"learning_rate/{name}"] = float(keras.ops.convert_to_numpy(rate))
            per_variable = [np.linalg.norm(v.numpy()) for v in self.variables_of(player)]
            total = np.linalg.norm(np.asarray(per_variable, np.float64))
            values[f"weight_norm/{name}"] = float(total)
            if name in norms:
                values[f"grad_norm/{name}"] = norms[name]
        return values

    def variables_of(self, player: Player) -> list:
        """The trainable variables that a player updates."""
        raise NotImplementedError


def _global_norm(gradients: Sequence):
    return tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in gradients])


def _flattened(gradients: Sequence):
    return tf.concat([tf.reshape(tf.cast(each, tf.float32), [-1]) for each in gradients], 0)
