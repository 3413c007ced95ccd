"""Optimizers from their settings, averaged weights and clipping by the global norm."""

from typing import Any

import keras
import tensorflow as tf

from tf_translate.core.adam import Adam
from tf_translate.core.rmsprop import RMSprop

_CLASSES: dict[str, Any] = {"adam": Adam, "rmsprop": RMSprop}


def make_optimizer(
    settings: dict,
    *,
    learning_rate: keras.optimizers.schedules.LearningRateSchedule | None = None,
    ema_momentum: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Makes an optimizer.

    Args:
        settings: `kind` ("adam" or "rmsprop") and the arguments of `Adam` or `RMSprop`.
        learning_rate: Schedule that replaces the constant rate in `settings`.
        ema_momentum: Momentum of a moving average of the weights; 0 for none.
    """
    arguments = {name: value for name, value in settings.items() if name != "kind"}
    if learning_rate is not None:
        arguments["learning_rate"] = learning_rate
    if ema_momentum:
        arguments |= {"use_ema": True, "ema_momentum": ema_momentum}
    return _CLASSES[settings["kind"]](**arguments)


def replace_by_average(optimizer: keras.optimizers.Optimizer, variables: list) -> None:
    """Replaces variables by their moving averages, if the optimizer has them."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer.use_ema and optimizer.built:
        optimizer.finalize_variable_values(variables)


def clip_by_global_norm(gradients: list, limit: float, optimizer: Any) -> list:
    """Scales all gradients down so that their global norm is at most `limit`.

    On several replicas it is the norm of the replicas' sum, which the optimizer applies. The
    argument `global_clipnorm` of an optimizer would clip each replica's gradients separately.

    Args:
        gradients: One per variable or None, of a loss that was divided by the number of replicas.
        limit: Largest norm.
        optimizer: The optimizer whose loss scale, if it has one, the gradients carry.

    Source: torch.nn.utils.clip_grad_norm_, as Fader Networks' code uses it.
    """
    context = tf.distribute.get_replica_context()
    summed = [gradient for gradient in gradients if gradient is not None]
    if not summed:
        return gradients
    if context.num_replicas_in_sync > 1:
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, summed)
    scale = getattr(optimizer, "dynamic_scale", 1.0)
    norm = tf.linalg.global_norm(summed) / tf.cast(scale, tf.float32)
    factor = tf.minimum(1.0, limit / tf.maximum(norm, 1e-12))
    return [
        None if gradient is None else tf.cast(factor, gradient.dtype) * gradient
        for gradient in gradients
    ]
