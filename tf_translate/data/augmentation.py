"""Random crops and mirrors as pure functions of a seed; they run eagerly and in `tf.data`."""

import tensorflow as tf


def sample_seed(seed: int, sample: tf.Tensor) -> tf.Tensor:
    """The seed `(2,)` of everything random about one numbered sample of a run.

    Args:
        seed: The run's seed.
        sample: Scalar int64, counted from the start of training.
    """
    return tf.stack([tf.constant(seed, tf.int64), tf.cast(sample, tf.int64)])


def split_seed(seed: tf.Tensor) -> tf.Tensor:
    """Two unrelated seeds from one, `(2, 2)`."""
    return tf.random.split(seed, 2)


def crop_offset(seed: tf.Tensor, load_size: tuple[int, int], size: tuple[int, int]) -> tf.Tensor:
    """Draws top and left of a crop, int32 `(2,)`, every place equally likely."""
    room = [load_size[0] - size[0] + 1, load_size[1] - size[1] + 1]
    drawn = tf.random.stateless_uniform([2], _fold(seed, 0))
    return tf.minimum(tf.cast(drawn * room, tf.int32), tf.constant(room, tf.int32) - 1)


def is_mirrored(seed: tf.Tensor) -> tf.Tensor:
    """Tosses a fair coin; scalar bool."""
    return tf.random.stateless_uniform([], _fold(seed, 1)) < 0.5


def crop(pixels: tf.Tensor, offset: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Cuts `size` (height, width) out of `(H, W, C)` at `offset` (top, left); any dtype."""
    start = tf.concat([offset, [0]], 0)
    cut = tf.slice(pixels, start, [size[0], size[1], pixels.shape[-1]])
    return tf.ensure_shape(cut, (size[0], size[1], pixels.shape[-1]))


def mirror(pixels: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    """Swaps left and right of `(H, W, C)` where the scalar bool says so."""
    return tf.where(mirrored, pixels[:, ::-1], pixels)


def to_float(pixels: tf.Tensor) -> tf.Tensor:
    """Maps uint8 [0, 255] to float32 [-1, 1], as `tf_translate.images.to_float` does."""
    return tf.cast(pixels, tf.float32) / 127.5 - 1.0


def _fold(seed: tf.Tensor, purpose: int) -> tf.Tensor:
    return tf.random.fold_in(seed, purpose)
