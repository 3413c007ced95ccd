"""A dilated convolution with gradients that any CPU and TFLite can run."""

import functools
from collections.abc import Callable

import tensorflow as tf


def convolve_dilated(features, kernel, rate: int):
    """Convolves with an odd kernel whose taps are `rate` pixels apart; stride 1, padding "same".

    TensorFlow's own gradients of a dilated convolution need oneDNN on a CPU, and TFLite cannot run
    them: its transposed convolution has no dilation. Here the gradient of the features is a dilated
    convolution too, with the kernel turned by 180 degrees. That of the kernel is a matrix product
    for each tap.

    Args:
        features: `(batch, height, width, channels)`, float.
        kernel: `(rows, columns, channels, filters)` of the same dtype; odd sides.
        rate: Distance of neighbouring taps in pixels; positive.

    Returns:
        `(batch, height, width, filters)`, same dtype.
    """

    @tf.custom_gradient
    def convolve(features, kernel):
        def gradient(upstream):
            turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
            of_kernel = _kernel_gradient(tuple(kernel.shape), rate)(features, upstream)
            return _convolve(upstream, turned, rate), of_kernel

        return _convolve(features, kernel, rate), gradient

    return convolve(features, kernel)


def _convolve(features, kernel, rate: int):
    return tf.nn.conv2d(features, kernel, 1, "SAME", dilations=rate)


@functools.cache  # TensorFlow warns of a single function that is traced for many shapes
def _kernel_gradient(shape: tuple[int, ...], rate: int) -> Callable:
    """From features and upstream gradient to the kernel's; traced once for equal shapes.

    For each tap of the kernel, the pixels it was applied to times the upstream gradient.
    """
    rows, columns, channels, filters = shape
    above, left = rate * (rows // 2), rate * (columns // 2)

    @tf.function(autograph=False)
    def kernel_gradient(features, upstream):
        padded = tf.pad(features, [[0, 0], [above, above], [left, left], [0, 0]])
        height, width = tf.shape(features)[1], tf.shape(features)[2]
        upstream = tf.reshape(upstream, [-1, filters])
        products = []
        for row in range(rows):
            for column in range(columns):
                top, start = rate * row, rate * column
                pixels = padded[:, top : top + height, start : start + width]
                pixels = tf.reshape(pixels, [-1, channels])
                products.append(tf.matmul(pixels, upstream, transpose_a=True))
        return tf.reshape(tf.stack(products), shape)

    return kernel_gradient
