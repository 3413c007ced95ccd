"""Random numbers that many devices draw as one."""

from collections.abc import Callable

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
    return _own_share(tf.random.stateless_uniform, images, (1, 1, 1), step, stream)


def uniforms_per_image(images, size: int, step, stream: int):
    """Several random numbers for each image, equal on one device and on many.

    Args:
        images: `(batch, ...)`, this device's share.
        size: How many for each.
        step: int64 scalar, the training step.
        stream: Tells apart draws of one step.

    Returns:
        Float32 `(batch, size)` in [0, 1); a function of step and stream alone.
    """
    return _own_share(tf.random.stateless_uniform, images, (size,), step, stream)


def normal_per_image(images, size: int, step, stream: int):
    """Normally distributed numbers for each image, equal on one device and on many.

    Args:
        images: `(batch, ...)`, this device's share.
        size: How many for each.
        step: int64 scalar, the training step.
        stream: Tells apart draws of one step.

    Returns:
        Float32 `(batch, size)` of mean 0 and variance 1; a function of step and stream alone.
    """
    return _own_share(tf.random.stateless_normal, images, (size,), step, stream)


def noise_like(images, step, stream: int):
    """Normally distributed numbers for each value of each image, on one device and on many.

    Args:
        images: `(batch, ...)`, this device's share; all but the batch known.
        step: int64 scalar, the training step.
        stream: Tells apart draws of one step.

    Returns:
        Float32, same shape, of mean 0 and variance 1; a function of step and stream alone.
    """
    return _own_share(tf.random.stateless_normal, images, tuple(images.shape[1:]), step, stream)


def _own_share(draw: Callable, images, shape: tuple[int, ...], step, stream: int):
    """Draws for the images of all devices and gives those of this one."""
    context = tf.distribute.get_replica_context()
    count = tf.shape(images)[0]
    seed = tf.stack([step, tf.constant(stream, tf.int64)])
    everyone = draw(tf.stack([count * context.num_replicas_in_sync, *shape]), seed)
    first = tf.cast(context.replica_id_in_sync_group, tf.int32) * count
    return everyone[first : first + count]
