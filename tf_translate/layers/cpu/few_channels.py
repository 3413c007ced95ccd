"""Convolutions to few channels, such as the last ones of generators and discriminators."""

import numpy as np
import tensorflow as tf

from tf_translate.layers.cpu.switch import enabled
from tf_translate.layers.cpu.thresholds import thresholds


def is_faster_by_rows(rows: int, filters: int, pixels: int) -> bool:
    """Whether `convolve_by_rows` is faster than one convolution: few channels of many pixels.

    Args:
        rows: Of the kernel.
        filters: Output channels.
        pixels: Input pixels in the whole batch.
    """
    limits = thresholds()
    few = rows > 1 and filters <= limits.few_channels and pixels >= limits.few_channels_pixels
    return few and not tf.config.list_logical_devices("GPU") and enabled("few_channels")


def convolve_by_rows(images, kernel, padding: str):
    """A convolution with stride 1 as two convolutions: one along rows, one along columns.

    Processors compute 16 channels at once, even where 3 are needed. Here, every row of the kernel
    becomes a set of channels in a convolution of one row (7 rows of 3 channels are 21 channels).
    A second convolution, of ones and zeros, adds up the channels of all rows. The sums are the
    same in half the time, forward and backward (two cores; 64 channels to 3 by 7x7).

    In bfloat16, the sums of a row are rounded before they are added up.

    Args:
        images: `(batch, height, width, channels)`.
        kernel: `(rows, columns, channels, filters)`.
        padding: "VALID" or "SAME".

    Returns:
        `(batch, height', width', filters)`.
    """
    rows, columns, channels, filters = kernel.shape
    wide = tf.reshape(tf.transpose(kernel, [1, 2, 0, 3]), [1, columns, channels, rows * filters])
    by_row = tf.nn.conv2d(images, wide, 1, padding)
    return tf.nn.conv2d(by_row, tf.constant(_sum_kernel(rows, filters), kernel.dtype), 1, padding)


def _sum_kernel(rows: int, filters: int) -> np.ndarray:
    """`(rows, 1, rows * filters, filters)`: 1 where a channel is that row's part of that filter."""
    ones = np.einsum("rs,mn->rsmn", np.eye(rows), np.eye(filters))
    return ones.reshape(rows, 1, rows * filters, filters)
