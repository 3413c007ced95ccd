"""Distances that hold the content of an image in place."""

import tensorflow as tf


def mean_absolute(images, others):
    """Mean absolute difference (L1) over all elements.

    Args:
        images, others: Equal shapes, float, usually in [-1, 1].

    Returns:
        Non-negative float32 scalar, in the unit of the images: 0 for equal images, 2 for
        black against white in [-1, 1].

    Source: pix2pix, https://arxiv.org/abs/1611.07004, eq. 3; CycleGAN,
    https://arxiv.org/abs/1703.10593, eq. 2.
    """
    return tf.reduce_mean(tf.abs(tf.cast(images, tf.float32) - tf.cast(others, tf.float32)))
