"""The gradients of kernels that go over an image in steps of 2."""

import tensorflow as tf

_LEAST_PIXELS = 4096  # from which it is quicker (measured)
_LEAST_CHANNELS = 64


def by_parity(channels: int, pixels: int, dtype) -> bool:
    """Whether `gradients_by_parity` is quicker than oneDNN's own way: large maps of float32 on a CPU.

    Args:
        channels: Of the images that the kernel goes over.
        pixels: Of the smaller images that it gives, in the whole batch.
        dtype: Of all of them.
    """
    large = channels >= _LEAST_CHANNELS and pixels >= _LEAST_PIXELS
    return large and dtype == tf.float32 and not tf.config.list_logical_devices("GPU")


def gradients_by_parity(images, upstream, shape):
    """Gradients of a kernel that goes over images in steps of 2 without padding.

    oneDNN takes twice the time of the convolution for them in float32 (two cores, 3x3 kernels on
    maps of 128x128 pixels). Here the four parities of rows and columns are set apart first, and
    each meets its own places of the kernel in steps of 1: the same products.

    Args:
        images: What the kernel goes over, `(batch, height, width, channels)`.
        upstream: What came back for what it gave, `(batch, rows, columns, made)`.
        shape: The kernel's, `(height, width, channels, made)`.

    Returns:
        Gradients of that shape.
    """
    odd = [side % 2 for side in images.shape[1:3]]
    if any(odd):
        images = tf.pad(images, [[0, 0], *([0, each] for each in odd), [0, 0]])
    apart = tf.nn.space_to_depth(images, 2)
    parts = tf.split(apart, 4, axis=-1)
    gradients = [
        [_of_parity(parts[2 * r + c], upstream, shape, r, c) for c in (0, 1)] for r in (0, 1)
    ]
    return _interleaved([_interleaved(row, 1, shape[1]) for row in gradients], 0, shape[0])


def _of_parity(images, upstream, shape, row: int, column: int):
    """Gradients of every second row and column of the kernel, from a row and a column on."""
    rows, columns = (shape[0] - row + 1) // 2, (shape[1] - column + 1) // 2
    height, width = upstream.shape[1] + rows - 1, upstream.shape[2] + columns - 1
    return tf.raw_ops.Conv2DBackpropFilter(
        input=images[:, :height, :width],
        filter_sizes=[rows, columns, *shape[2:]],
        out_backprop=upstream,
        strides=[1, 1, 1, 1],
        padding="VALID",
    )


def _interleaved(both, axis: int, size: int):
    """Takes from two tensors in turns along an axis, the first of which may be one longer."""
    more = [[0, 0]] * 4
    more[axis] = [0, both[0].shape[axis] - both[1].shape[axis]]
    beside = tf.stack([both[0], tf.pad(both[1], more)], axis + 1)
    shape = beside.shape.as_list()
    shape[axis : axis + 2] = [shape[axis] * 2]
    return tf.gather(tf.reshape(beside, shape), tf.range(size), axis=axis)
