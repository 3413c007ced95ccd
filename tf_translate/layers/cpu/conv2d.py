"""A convolution that trains fast on a CPU."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tf_translate.layers.cpu.fast_path import FastPath
from tf_translate.layers.cpu.few_channels import convolve_by_rows, is_faster_by_rows
from tf_translate.layers.cpu.strided_gradient import gradient_by_parity, is_faster_by_parity
from tf_translate.layers.cpu.switch import enabled
from tf_translate.layers.cpu.thresholds import thresholds


@keras.saving.register_keras_serializable("tf_translate")
class Conv2D(FastPath, keras.layers.Conv2D):
    """A convolution that avoids what is slow in oneDNN, on a CPU and in training alone.

    Three kernels (`switch`) replace Keras's operations where they are faster:

    - `few_channels`: a convolution to few channels becomes two convolutions.
    - `strided_gradient`: with stride 2, large float32 maps and padding "valid", the kernel's
      gradient is computed by the parity of pixels.
    - `conv2d`: with stride 1 and padding "valid", the kernel's gradient is a matrix product for
      each row of the kernel. oneDNN takes up to 1.5 times as long for it as for the convolution,
      products hardly longer (two cores, 256 channels, one image of 64x64 pixels: CycleGAN's step
      at 256 pixels is 8 % shorter).

    The kernel `bias` acts on every convolution: gradients of a bias are summed in float32, which
    Keras does in bfloat16 for bfloat16. All else is Keras's.

    Arguments and result are those of `keras.layers.Conv2D`. `training` chooses the operations and
    changes the result by rounding alone: gradients are summed in another order, and in bfloat16
    `few_channels` rounds once for each row of the kernel instead of once.
    """

    def _keras_operation(self):
        return self.convolution_op if self.data_format == "channels_last" else None

    def _fast_operation(self, inputs):
        plain = self.data_format == "channels_last" and self.groups == 1
        if not (plain and inputs.shape.is_fully_defined() and {*self.dilation_rate} == {1}):
            return None
        batch, height, width, channels = inputs.shape
        strides, valid = {*self.strides}, self.padding == "valid"
        rows, columns = self.kernel_size
        if strides == {1} and is_faster_by_rows(rows, self.filters, batch * height * width):
            return functools.partial(convolve_by_rows, padding=self.padding.upper())
        if strides == {1} and valid and _is_faster_by_products(inputs, columns):
            return functools.partial(_convolve, stride=1, kernel_gradient=_gradient_by_products)
        pixels = batch * (height // 2) * (width // 2)
        if strides == {2} and valid and is_faster_by_parity(channels, pixels, inputs.dtype):
            return functools.partial(_convolve, stride=2, kernel_gradient=gradient_by_parity)
        return None


def _is_faster_by_products(images, columns: int) -> bool:
    limits = thresholds()
    small = columns <= limits.product_columns and images.shape[0] <= limits.product_images
    fast = limits.product_bfloat16 if images.dtype == tf.bfloat16 else small
    if not fast or images.shape[-1] < limits.product_channels:
        return False
    return not tf.config.list_logical_devices("GPU") and enabled("conv2d")


@tf.function(autograph=False)  # traced once for all layers of equal shapes
def _convolve(images, kernel, stride: int, kernel_gradient: Callable):
    """Convolution without padding; `kernel_gradient` computes the gradient of the kernel.

    Args:
        images: `(batch, height, width, channels)`.
        kernel: `(rows, columns, channels, filters)`.
        stride: Of both axes.
        kernel_gradient: From images, the upstream gradient and the kernel's shape.
    """

    @tf.custom_gradient
    def convolve(images, kernel):
        def gradient(upstream):
            upstream = tf.ensure_shape(upstream, result.shape)
            image_gradient = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=images.shape,
                filter=kernel,
                out_backprop=upstream,
                strides=[1, stride, stride, 1],
                padding="VALID",
            )
            return image_gradient, kernel_gradient(images, upstream, kernel.shape)

        result = tf.nn.conv2d(images, kernel, stride, "VALID")
        return result, gradient

    return convolve(images, kernel)


def _gradient_by_products(images, upstream, shape):
    """The kernel's gradient: for each of its rows, the pixels it was applied to times upstream.

    All pixels that one row of the kernel is applied to are rows of one matrix. Another row of the
    kernel needs another slice of the same matrix, which TensorFlow does not copy. Between two
    images, the slices contain rows without a result; zeros are their upstream gradient.

    Args:
        images: `(batch, height, width, channels)`.
        upstream: `(batch, height', width', filters)`.
        shape: `(rows, columns, channels, filters)`.

    Returns:
        Gradient of that shape.
    """
    rows, columns, channels, filters = shape
    batch, height, width, _ = upstream.shape
    between = rows - 1 if batch > 1 else 0
    if between:
        upstream = tf.pad(upstream, [[0, 0], [0, between], [0, 0], [0, 0]])
    length = (batch * (height + between) - between) * width
    upstream = tf.reshape(upstream, [-1, filters])[:length]
    pixels = tf.reshape(images, [batch, -1, channels])
    if columns > 1:
        starts = np.arange(images.shape[1])[:, None] * images.shape[2] + np.arange(width)
        indices = (starts[..., None] + np.arange(columns)).astype(np.int32)
        pixels = tf.gather(pixels, indices.ravel(), axis=1)
    matrix = tf.reshape(pixels, [-1, columns * channels])
    slices = [matrix[row * width : row * width + length] for row in range(rows)]
    products = [tf.matmul(each, upstream, transpose_a=True) for each in slices]
    return tf.reshape(tf.stack(products), shape)
