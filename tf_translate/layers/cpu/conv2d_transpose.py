"""A transposed convolution that trains fast on a CPU."""

import functools

import keras
import tensorflow as tf

from tf_translate.layers.cpu.fast_path import FastPath
from tf_translate.layers.cpu.strided_gradient import gradient_by_parity, is_faster_by_parity
from tf_translate.layers.cpu.switch import enabled
from tf_translate.layers.cpu.thresholds import thresholds


@keras.saving.register_keras_serializable("tf_translate")
class Conv2DTranspose(FastPath, keras.layers.Conv2DTranspose):
    """A transposed convolution that avoids what is slow in oneDNN, on a CPU in training alone.

    Two kernels (`switch`) replace Keras's operations where they are faster:

    - `conv2d_transpose`: with 4x4 kernels, stride 2 and padding "same", the pixels are multiplied
      with the kernel, and the results are added up where they overlap. oneDNN reorders a kernel
      in memory before every pass. In the middle of a U-Net (4x4 kernels of 1024 times 512
      channels for 2x2 pixels) that takes most of the time; the product is 1.3 to 5 times as fast,
      forward and backward (two cores; pix2pix's step of 256 pixels is 5 % shorter in float32, 9 %
      in bfloat16).
    - `strided_gradient`: with stride 2, padding "valid" and large float32 maps, the kernel's
      gradient is computed by the parity of pixels.

    The kernel `bias` acts on every layer, see `Conv2D`. All else is Keras's, as are images of
    unknown size.

    Arguments and result are those of `keras.layers.Conv2DTranspose`. `training` chooses the
    operations and changes the result by rounding alone.
    """

    def _keras_operation(self):
        if self.data_format != "channels_last":
            return None
        return functools.partial(
            keras.ops.conv_transpose,
            strides=self.strides,
            padding=self.padding,
            output_padding=self.output_padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def _fast_operation(self, inputs):
        plain = self.data_format == "channels_last" and self.dilation_rate in (1, (1, 1))
        doubles = self.strides == (2, 2) and self.output_padding is None
        if not (plain and doubles and inputs.shape.is_fully_defined()):
            return None
        batch, height, width, channels = inputs.shape
        pixels = batch * height * width
        if self.padding == "valid":
            fast = is_faster_by_parity(self.filters, pixels, inputs.dtype)
            return _double_by_strides if fast else None
        fast = self.kernel_size == (4, 4) and _is_faster_as_product(pixels, channels * self.filters)
        return _double_by_product if fast else None


def _is_faster_as_product(pixels: int, channels: int) -> bool:
    limits = thresholds()
    small = pixels <= limits.transpose_pixels and channels >= limits.transpose_channels
    return small and not tf.config.list_logical_devices("GPU") and enabled("conv2d_transpose")


@tf.function(autograph=False)  # traced once for all layers of equal shapes
def _double_by_strides(images, kernel):
    """Transposed convolution with padding "valid"; the kernel's gradient is taken by parity."""
    batch, *sides, _ = images.shape
    rows, columns = (
        2 * (side - 1) + max(size, 2) for side, size in zip(sides, kernel.shape, strict=False)
    )
    shape = [batch, rows, columns, kernel.shape[2]]

    @tf.custom_gradient
    def double(images, kernel):
        def gradient(upstream):
            upstream = tf.ensure_shape(upstream, shape)
            image_gradient = tf.nn.conv2d(upstream, kernel, 2, "VALID")
            return image_gradient, gradient_by_parity(upstream, images, kernel.shape)

        return tf.nn.conv2d_transpose(images, kernel, shape, 2, "VALID"), gradient

    return double(images, kernel)


def _double_by_product(images, kernel):
    """`(batch, height, width, in)` and a kernel `(4, 4, out, in)` to twice the sides.

    Through row r = 2 a + e of the kernel, pixel i contributes to output row 2 i + r - 1. That is
    the row of index i + a and parity e, before one row is cropped on either side; columns alike.
    """
    batch, height, width, channels = images.shape
    filters = kernel.shape[2]
    pixels = tf.reshape(images, [-1, channels])
    products = tf.matmul(pixels, tf.reshape(kernel, [-1, channels]), transpose_b=True)
    # Axes: batch, height, width, then a, e of rows and a, e of columns, then filters.
    products = tf.reshape(products, [batch, height, width, 2, 2, 2, 2, filters])
    shifted = [
        tf.pad(products[:, :, :, down, :, right], _padding(down, right))
        for down in (0, 1)
        for right in (0, 1)
    ]
    summed = tf.transpose(tf.add_n(shifted), [0, 1, 3, 2, 4, 5])
    padded = tf.reshape(summed, [batch, 2 * height + 2, 2 * width + 2, filters])
    return padded[:, 1:-1, 1:-1]


def _padding(down: int, right: int) -> list[list[int]]:
    return [[0, 0], [down, 1 - down], [right, 1 - right], [0, 0], [0, 0], [0, 0]]
