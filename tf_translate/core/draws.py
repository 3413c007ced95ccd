"""Random numbers that many devices draw as one."""

import tensorflow as tf


def uniform_per_image(images, step, stream: int):
    """One random number for each image, equal on one device and on many.

    Args:
        images: `(batch, ...)`, this device's share.
        step: int64 scalar, the training step.
        stream: Tells apart draws of one step.

    Returns:
        Float32 `(batch, 1, 1, 1)` in [0, 1); a function of step and stream alone.
    """
    context = tf.distribute.get_replica_context()
    count = tf.shape(images)[0]
    seed = tf.stack([step, tf.constant(stream, tf.int64)])
    shape = tf.stack([count * context.num_replicas_in_sync, 1, 1, 1])
    everyone = tf.random.stateless_uniform(shape, seed)
    first = tf.cast(context.replica_id_in_sync_group, tf.int32) * count
    return everyone[first : first + count]
