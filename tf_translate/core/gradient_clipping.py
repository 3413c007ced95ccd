"""Gradients bounded by their common length, equally on one device and on many."""

import tensorflow as tf


def clip_globally(gradients: list, limit: float, optimizer) -> list:
    """Scales all gradients down so that their common length is at most `limit`.

    On several replicas the length is that of their sum, which the optimizer will take; an
    optimizer's own `global_clipnorm` would clip every replica's share by itself.

    Args:
        gradients: One a variable, of a loss that was divided by the number of replicas.
        limit: Greatest length.
        optimizer: Whose loss scale, if it has one, the gradients carry.

    Source: torch.nn.utils.clip_grad_norm_, as Fader Networks' code uses it.
    """
    context = tf.distribute.get_replica_context()
    whole = gradients
    if context.num_replicas_in_sync > 1:
        whole = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    scale = getattr(optimizer, "dynamic_scale", 1.0)
    length = tf.linalg.global_norm(whole) / tf.cast(scale, tf.float32)
    share = tf.minimum(1.0, limit / tf.maximum(length, 1e-12))
    return [tf.cast(share, gradient.dtype) * gradient for gradient in gradients]
