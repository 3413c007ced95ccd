"""Random crops and mirroring as pure functions of a seed, for eager mode and `tf.data`."""

import tensorflow as tf


def sample_seed(seed: int, sample: tf.Tensor) -> tf.Tensor:
    """Returns the seed `(2,)` of all random choices for one training sample.

    Args:
        seed: The run's seed.
        sample: Index of the sample since the start of training, int64 scalar.
    """
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(sample, tf.int64)])


def split_seed(seed: tf.Tensor) -> tf.Tensor:
    """Splits a seed into two independent ones, `(2, 2)`."""
    return tf.random.split(seed, 2)


def sample_crop_offset(
    seed: tf.Tensor, load_size: tuple[int, int], size: tuple[int, int]
) -> tf.Tensor:
    """Samples top and left of a crop, int32 `(2,)`, every position equally likely."""
    room = [load_size[0] - size[0] + 1, load_size[1] - size[1] + 1]
    uniform = tf.random.stateless_uniform([2], _fold(seed, 0))
    return tf.minimum(tf.cast(uniform * room, tf.int32), tf.constant(room, tf.int32) - 1)


def sample_mirror(seed: tf.Tensor) -> tf.Tensor:
    """Samples whether to mirror, with probability 1/2; scalar bool."""
    return tf.random.stateless_uniform([], _fold(seed, 1)) < 0.5


def crop(pixels: tf.Tensor, offset: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Crops `(H, W, C)` to `size` (height, width) at `offset` (top, left); any dtype."""
    start = tf.concat([offset, [0]], 0)
    cropped = tf.slice(pixels, start, [size[0], size[1], pixels.shape[-1]])
    return tf.ensure_shape(cropped, (size[0], size[1], pixels.shape[-1]))


def mirror(pixels: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """Mirrors `(H, W, C)` horizontally if the scalar bool is true."""
    return tf.where(mirrored, pixels[:, ::-1], pixels)


def to_float(pixels: tf.Tensor) -> tf.Tensor:
    """Maps uint8 [0, 255] to float32 [-1, 1] as `tf_translate.images.to_float` does."""
    return tf.cast(pixels, tf.float32) / 127.5 - 1.0


def _fold(seed: tf.Tensor, purpose: int) -> tf.Tensor:
    return tf.random.fold_in(seed, purpose)
