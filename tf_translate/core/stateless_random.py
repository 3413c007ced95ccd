"""Random values that do not depend on the number of devices.

Every function takes a `stream`: an integer, the index of a sequence of random values. In one step,
equal streams give equal values and different streams independent ones. So a method takes a stream
of its own for each purpose, and the same one again where values must be equal. A player that takes
several turns in a step gets other values in each turn (`of_turn`).
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import tensorflow as tf


def uniform_per_image(images: tf.Tensor, step: tf.Tensor, stream: int) -> tf.Tensor:
    """One random value for each image, equal on one device and on many.

    Args:
        images: `(batch, ...)`, those of this replica.
        step: int64 scalar, the training step.
        stream: Index of a sequence of random values; see above.

    Returns:
        Float32 `(batch, 1, 1, 1)` in [0, 1); a function of step, turn and stream alone.
    """
    return _of_replica(tf.random.stateless_uniform, images, (1, 1, 1), step, stream)


def uniforms_per_image(images: tf.Tensor, size: int, step: tf.Tensor, stream: int) -> tf.Tensor:
    """Several random values for each image, equal on one device and on many.

    Args:
        images: `(batch, ...)`, those of this replica.
        size: Number of values for each.
        step: int64 scalar, the training step.
        stream: Index of a sequence of random values; see above.

    Returns:
        Float32 `(batch, size)` in [0, 1); a function of step, turn and stream alone.
    """
    return _of_replica(tf.random.stateless_uniform, images, (size,), step, stream)


def normal_per_image(images: tf.Tensor, size: int, step: tf.Tensor, stream: int) -> tf.Tensor:
    """Normally distributed values for each image, equal on one device and on many.

    Args:
        images: `(batch, ...)`, those of this replica.
        size: Number of values for each, an int or an int32 scalar.
        step: int64 scalar, the training step.
        stream: Index of a sequence of random values; see above.

    Returns:
        Float32 `(batch, size)` of mean 0 and variance 1; a function of step, turn and stream alone.
    """
    return _of_replica(tf.random.stateless_normal, images, (size,), step, stream)


def noise_like(images: tf.Tensor, step: tf.Tensor, stream: int) -> tf.Tensor:
    """Normally distributed noise of the images' shape, equal on one device and on many.

    Args:
        images: `(batch, ...)`, those of this replica; all but the batch known.
        step: int64 scalar, the training step.
        stream: Index of a sequence of random values; see above.

    Returns:
        Float32, same shape, of mean 0 and variance 1; a function of step, turn and stream alone.
    """
    return _of_replica(tf.random.stateless_normal, images, tuple(images.shape[1:]), step, stream)


def with_instance_noise(
    images: tf.Tensor, standard_deviation: float, step: tf.Tensor, stream: int
) -> tf.Tensor:
    """Images, or latents, as a discriminator with instance noise sees them; unchanged if it is 0.

    Drawings have areas of one colour, which no generator makes exactly. Without noise a
    discriminator recognizes generated images by that alone, and generators get no useful gradient.

    Args:
        images: `(batch, ...)`, those of this replica.
        standard_deviation: That of the noise, at least 0.
        step: int64 scalar, the training step.
        stream: Index of a sequence of random values; see above.

    Source: Sonderby et al. 2017, https://arxiv.org/abs/1610.04490, section 4.
    """
    if not standard_deviation:
        return images
    noise = standard_deviation * noise_like(images, step, stream)
    return images + tf.cast(noise, images.dtype)


_TURN: ContextVar[int] = ContextVar("turn", default=0)
_STREAMS = 2**16  # between two turns: more than a method has


@contextlib.contextmanager
def of_turn(turn: int) -> Iterator[None]:
    """Values drawn inside are those of a turn of a player, counted from 0 in each step."""
    before = _TURN.set(turn)
    try:
        yield
    finally:
        _TURN.reset(before)


def _of_replica(sample: Callable, images, shape: tuple[int, ...], step, stream: int):
    """Samples for the images of all replicas and returns those of this one."""
    context = tf.distribute.get_replica_context()
    count = tf.shape(images)[0]
    seed = tf.stack([step, tf.constant(stream + _STREAMS * _TURN.get(), tf.int64)])
    of_all_replicas = sample(tf.stack([count * context.num_replicas_in_sync, *shape]), seed)
    first = tf.cast(context.replica_id_in_sync_group, tf.int32) * count
    return of_all_replicas[first : first + count]
