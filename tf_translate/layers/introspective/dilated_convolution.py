"""A dilated convolution with gradients that any CPU and TFLite can run."""

import tensorflow as tf


def convolve_dilated(features, kernel, rate: int):
    """Convolves with an odd kernel whose taps are `rate` pixels apart; stride 1, padding "same".

    TensorFlow's own gradients of a dilated convolution need oneDNN on a CPU, and TFLite cannot run
    them: its transposed convolution has no dilation. Here the gradient of the features is a dilated
    convolution too, with the kernel turned by 180 degrees. That of the kernel is the one of an
    undilated convolution, of images that hold every `rate`-th row and column.

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
            of_kernel = _kernel_gradient(features, upstream, kernel.shape, rate)
            return _convolve(upstream, turned, rate), of_kernel

        return _convolve(features, kernel, rate), gradient

    return convolve(features, kernel)


def _convolve(features, kernel, rate: int):
    return tf.nn.conv2d(features, kernel, 1, "SAME", dilations=rate)


def _kernel_gradient(features, upstream, shape, rate: int):
    """The kernel's gradient: all pixels that its taps meet together are neighbours in one image."""
    rows, columns, *_ = shape
    above, left = rate * (rows // 2), rate * (columns // 2)
    height, width = (features.shape[axis] or tf.shape(features)[axis] for axis in (1, 2))
    below, right = -height % rate, -width % rate  # to whole images, without a gradient there
    padding = [[above, above + below], [left, left + right]]
    return tf.raw_ops.Conv2DBackpropFilter(
        input=tf.space_to_batch(features, [rate, rate], padding),
        filter_sizes=list(shape),
        out_backprop=tf.space_to_batch(upstream, [rate, rate], [[0, below], [0, right]]),
        strides=[1, 1, 1, 1],
        padding="VALID",
    )
