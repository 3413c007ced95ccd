"""A transposed convolution that trains quickly on a CPU."""

import functools

import keras
import tensorflow as tf

from tf_translate.layers.cpu.fast_path import Shortcut
from tf_translate.layers.cpu.strided_gradient import by_parity, gradients_by_parity

_MOST_PIXELS = 64  # given, in the whole batch, up to which a product is quicker (measured)
_LEAST_KERNEL = 2**18  # channels in times channels out, from which it is


@keras.saving.register_keras_serializable("tf_translate")
class Conv2DTranspose(Shortcut, keras.layers.Conv2DTranspose):
    """A transposed convolution that goes round what oneDNN is slow at, on a CPU in training alone.

    Ahead of every pass oneDNN brings a kernel's numbers into an order of its own. In the middle of
    a U-Net (4x4 kernels of 1024 times 512 channels for 2x2 pixels) that takes most of the time: a
    product of the pixels with the kernel as it lies, whose results are then added up where they
    overlap, is 1.3 to 5 times as fast forward and back (two cores; pix2pix's step of 256 pixels
    is 5 % shorter in float32, 9 % in bfloat16): for 4x4 kernels with stride 2 and padding "same".
    With stride 2 and padding "valid" over large maps of float32 the gradients of the kernel come by
    the parities of pixels (`strided`). All else goes Keras's way, and so do unknown sizes.

    Args, call arguments and result: as `keras.layers.Conv2DTranspose`, and whether it is
    `training`, which chooses the operations, never the result.
    """

    def _plain_way(self):
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

    def _way(self, inputs):
        plain = self.data_format == "channels_last" and self.dilation_rate in (1, (1, 1))
        twice = self.strides == (2, 2) and self.output_padding is None
        if not (plain and twice and inputs.shape.is_fully_defined()):
            return None
        batch, height, width, channels = inputs.shape
        pixels, size = batch * height * width, channels * self.filters
        if self.padding == "valid":
            return _in_steps_of_2 if by_parity(self.filters, pixels, inputs.dtype) else None
        small = pixels <= _MOST_PIXELS and size >= _LEAST_KERNEL and self.kernel_size == (4, 4)
        return _doubled if small and not tf.config.list_logical_devices("GPU") else None


@tf.function(autograph=False)  # traced once for all layers that are alike
def _in_steps_of_2(images, kernel):
    """A transposed convolution, padding "valid"; the gradients of its kernel by parities."""
    batch, *sides, _ = images.shape
    rows, columns = (
        2 * (side - 1) + max(taps, 2) for side, taps in zip(sides, kernel.shape, strict=False)
    )
    shape = [batch, rows, columns, kernel.shape[2]]

    @tf.custom_gradient
    def enlarged(images, kernel):
        def back(upstream):
            upstream = tf.ensure_shape(upstream, shape)
            of_images = tf.nn.conv2d(upstream, kernel, 2, "VALID")
            return of_images, gradients_by_parity(upstream, images, kernel.shape)

        return tf.nn.conv2d_transpose(images, kernel, shape, 2, "VALID"), back

    return enlarged(images, kernel)


def _doubled(images, kernel):
    """`(batch, height, width, in)` and a kernel `(4, 4, out, in)` to twice the sides.

    What pixel i gives to row 2 i + r - 1 by the kernel's row r = 2 a + e lies in the row of number
    i + a and parity e, but for the one that is cut off on either side; columns alike.
    """
    batch, height, width, channels = images.shape
    filters = kernel.shape[2]
    pixels = tf.reshape(images, [-1, channels])
    given = tf.matmul(pixels, tf.reshape(kernel, [-1, channels]), transpose_b=True)
    given = tf.reshape(given, [batch, height, width, 2, 2, 2, 2, filters])  # ..., a, e, a, e, out
    moved = [
        tf.pad(given[:, :, :, down, :, right], _to(down, right))
        for down in (0, 1)
        for right in (0, 1)
    ]
    summed = tf.transpose(tf.add_n(moved), [0, 1, 3, 2, 4, 5])
    whole = tf.reshape(summed, [batch, 2 * height + 2, 2 * width + 2, filters])
    return whole[:, 1:-1, 1:-1]


def _to(down: int, right: int) -> list[list[int]]:
    return [[0, 0], [down, 1 - down], [right, 1 - right], [0, 0], [0, 0], [0, 0]]
