"""Gradients of the kernels of convolutions with stride 2."""

import tensorflow as tf

from tf_translate.layers.cpu.switch import enabled
from tf_translate.layers.cpu.thresholds import thresholds


def is_faster_by_parity(channels: int, pixels: int, dtype) -> bool:
    """Whether `gradient_by_parity` is faster than oneDNN's: large float32 maps on a CPU.

    Args:
        channels: Of the larger images, which the kernel is applied to.
        pixels: Of the smaller images, in the whole batch.
        dtype: Of all of them.
    """
    limits = thresholds()
    large = channels >= limits.strided_channels and pixels >= limits.strided_pixels
    fast = large and dtype == tf.float32 and not tf.config.list_logical_devices("GPU")
    return fast and enabled("strided_gradient")


def gradient_by_parity(images, upstream, shape):
    """The gradient of a kernel that is applied to images with stride 2 without padding.

    In float32, oneDNN takes twice as long for it as for the convolution (two cores, 3x3 kernels
    on maps of 128x128 pixels). Here, pixels are first separated by the parity of their row and
    column. Each part meets every second row and column of the kernel with stride 1: the products
    are the same.

    Args:
        images: What the kernel is applied to, `(batch, height, width, channels)`.
        upstream: The gradient of the result, `(batch, rows, columns, filters)`.
        shape: The kernel's, `(height, width, channels, filters)`.

    Returns:
        Gradient of that shape.
    """
    odd = [side % 2 for side in images.shape[1:3]]
    if any(odd):
        images = tf.pad(images, [[0, 0], *([0, each] for each in odd), [0, 0]])
    parts = tf.split(tf.nn.space_to_depth(images, 2), 4, axis=-1)
    gradients = [
        [_gradient_of_part(parts[2 * r + c], upstream, shape, r, c) for c in (0, 1)] for r in (0, 1)
    ]
    return _interleave([_interleave(row, 1, shape[1]) for row in gradients], 0, shape[0])


def _gradient_of_part(images, upstream, shape, row: int, column: int):
    """The gradient of every second row and column of the kernel, starting from `row`, `column`."""
    rows, columns = (shape[0] - row + 1) // 2, (shape[1] - column + 1) // 2
    height, width = upstream.shape[1] + rows - 1, upstream.shape[2] + columns - 1
    return tf.raw_ops.Conv2DBackpropFilter(
        input=images[:, :height, :width],
        filter_sizes=[rows, columns, *shape[2:]],
        out_backprop=upstream,
        strides=[1, 1, 1, 1],
        padding="VALID",
    )


def _interleave(pair, axis: int, size: int):
    """Interleaves two tensors along an axis; the first may be longer by one."""
    missing = [[0, 0]] * 4
    missing[axis] = [0, pair[0].shape[axis] - pair[1].shape[axis]]
    stacked = tf.stack([pair[0], tf.pad(pair[1], missing)], axis + 1)
    shape = stacked.shape.as_list()
    shape[axis : axis + 2] = [shape[axis] * 2]
    return tf.gather(tf.reshape(stacked, shape), tf.range(size), axis=axis)
