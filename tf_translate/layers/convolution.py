"""A convolution that trains quickly on a CPU."""

import functools
from collections.abc import Callable

import keras
import tensorflow as tf

from tf_translate.layers.narrow import by_rows, convolved_by_rows
from tf_translate.layers.shortcut import Shortcut
from tf_translate.layers.strided import by_parity, slopes_by_parity

_FEWEST = 128  # channels in, from which products are quicker (measured)


@keras.saving.register_keras_serializable("tf_translate")
class Conv2D(Shortcut, keras.layers.Conv2D):
    """A convolution that goes round what oneDNN is slow at, on a CPU and in training alone.

    To few channels it is two convolutions (`narrow`). In steps of 2 over large maps of float32 it
    finds the slopes of its kernel by the parities of pixels (`strided`). In bfloat16, in steps of
    1, it finds them by a matrix product for each place of the kernel: oneDNN takes half as long
    again as the convolution, products a fifth longer (two cores, 256 channels; CycleGAN's step
    at 128 pixels is 6 % shorter). Everything else goes Keras's way.

    Args, call arguments and result: as `keras.layers.Conv2D`, and whether it is `training`, which
    chooses the operations, never the result but for its rounding: in bfloat16 sums of `narrow`
    are rounded once a row of the kernel in place of once.
    """

    def _way(self, inputs):
        plain = self.data_format == "channels_last" and self.groups == 1
        if not (plain and inputs.shape.is_fully_defined() and {*self.dilation_rate} == {1}):
            return None
        batch, height, width, channels = inputs.shape
        strides, valid = {*self.strides}, self.padding == "valid"
        if strides == {1} and by_rows(self.kernel_size[0], self.filters, batch * height * width):
            return functools.partial(convolved_by_rows, padding=self.padding.upper())
        if strides == {1} and valid and _by_products(inputs):
            return _convolving(1, _slopes_by_products)
        pixels = batch * (height // 2) * (width // 2)
        if strides == {2} and valid and by_parity(channels, pixels, inputs.dtype):
            return _convolving(2, slopes_by_parity)
        return None


def _by_products(images) -> bool:
    half = images.shape[-1] >= _FEWEST and images.dtype == tf.bfloat16
    return half and not tf.config.list_logical_devices("GPU")


def _convolving(step: int, slopes: Callable) -> Callable:
    """Cross-correlation without padding whose kernel has its slopes by a function of ours."""

    @tf.custom_gradient
    def convolved(images, kernel):
        def back(upstream):
            upstream = tf.ensure_shape(upstream, made.shape)
            of_images = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=images.shape,
                filter=kernel,
                out_backprop=upstream,
                strides=[1, step, step, 1],
                padding="VALID",
            )
            return of_images, slopes(images, upstream, kernel.shape)

        made = tf.nn.conv2d(images, kernel, step, "VALID")
        return made, back

    return convolved


def _slopes_by_products(images, upstream, shape):
    """For each place of the kernel: pixels that it met, times what came back for them."""
    rows, columns, given, made = shape
    height, width = images.shape[1] - rows + 1, images.shape[2] - columns + 1
    wanted = tf.reshape(upstream, [-1, made])
    places = [(row, column) for row in range(rows) for column in range(columns)]
    met = [images[:, row : row + height, column : column + width] for row, column in places]
    found = [tf.matmul(tf.reshape(each, [-1, given]), wanted, transpose_a=True) for each in met]
    return tf.reshape(tf.stack(found), shape)
