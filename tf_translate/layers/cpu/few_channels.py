"""Convolutions to few channels, such as those that end generators and discriminators."""

import numpy as np
import tensorflow as tf

_MOST_CHANNELS = 4
_LEAST_PIXELS = 512  # from which it is quicker (measured)


def by_rows(rows: int, made: int, pixels: int) -> bool:
    """Whether `convolved_by_rows` is quicker than one convolution: few channels of many pixels.

    Args:
        rows: Of the kernel.
        made: Channels that it gives.
        pixels: That it goes over, in the whole batch.
    """
    few = rows > 1 and made <= _MOST_CHANNELS and pixels >= _LEAST_PIXELS
    return few and not tf.config.list_logical_devices("GPU")


def convolved_by_rows(images, kernel, padding: str):
    """A convolution in steps of 1 as two: one along rows, one along columns.

    Processors compute 16 channels at once, also where 3 are asked for. Here every row of the
    kernel is a channel of its own in a convolution of one row (7 rows of 3 are 21 channels), and
    one of ones and zeros adds each row's channels up from where they belong: the same sums in
    half the time, forward and back (two cores; 64 channels to 3 by 7x7).

    In bfloat16 the sums of a row are rounded before they are added up.

    Args:
        images: `(batch, height, width, channels)`.
        kernel: `(rows, columns, channels, made)`.
        padding: "VALID" or "SAME".

    Returns:
        `(batch, height', width', made)`.
    """
    rows, columns, channels, made = kernel.shape
    wide = tf.reshape(tf.transpose(kernel, [1, 2, 0, 3]), [1, columns, channels, rows * made])
    along = tf.nn.conv2d(images, wide, 1, padding)
    return tf.nn.conv2d(along, tf.constant(_belonging(rows, made), kernel.dtype), 1, padding)


def _belonging(rows: int, made: int) -> np.ndarray:
    """`(rows, 1, rows * made, made)`: 1 where a channel holds that row's part of what is made."""
    ones = np.einsum("rs,mn->rsmn", np.eye(rows), np.eye(made))
    return ones.reshape(rows, 1, rows * made, made)
