"""A convolution that trains quickly on a CPU."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tf_translate.layers.cpu.fast_path import Shortcut
from tf_translate.layers.cpu.few_channels import by_rows, convolved_by_rows
from tf_translate.layers.cpu.strided_gradient import by_parity, gradients_by_parity

# Where products are quicker than oneDNN (measured on two cores): from so many channels given, and
# but for bfloat16 up to so many columns of the kernel and images in the batch.
_LEAST_CHANNELS = 128
_MOST_COLUMNS = 3
_MOST_IMAGES = 4


@keras.saving.register_keras_serializable("tf_translate")
class Conv2D(Shortcut, keras.layers.Conv2D):
    """A convolution that goes round what oneDNN is slow at, on a CPU and in training alone.

    To few channels it is two convolutions (`narrow`). In steps of 2 over large maps of float32 it
    finds the gradients of its kernel by the parities of pixels (`strided`). In steps of 1 it finds
    them by a matrix product for each row of the kernel: oneDNN takes up to half as long again as
    the convolution, products hardly longer (two cores, 256 channels, one image of 64x64 pixels:
    CycleGAN's step at 256 pixels is 8 % shorter). Everything else goes Keras's way.

    Args, call arguments and result: as `keras.layers.Conv2D`, and whether it is `training`, which
    chooses the operations, never the result but for its rounding: gradients add up in another order,
    and in bfloat16 sums of `narrow` are rounded once a row of the kernel in place of once. Biases
    have their gradients added up in float32, which Keras's have not in bfloat16 (`shortcut`).
    """

    def _plain_way(self):
        return self.convolution_op if self.data_format == "channels_last" else None

    def _way(self, inputs):
        plain = self.data_format == "channels_last" and self.groups == 1
        if not (plain and inputs.shape.is_fully_defined() and {*self.dilation_rate} == {1}):
            return None
        batch, height, width, channels = inputs.shape
        strides, valid = {*self.strides}, self.padding == "valid"
        if strides == {1} and by_rows(self.kernel_size[0], self.filters, batch * height * width):
            return functools.partial(convolved_by_rows, padding=self.padding.upper())
        if strides == {1} and valid and _by_products(inputs, self.kernel_size[1]):
            return functools.partial(_convolved, step=1, gradients=_gradients_by_products)
        pixels = batch * (height // 2) * (width // 2)
        if strides == {2} and valid and by_parity(channels, pixels, inputs.dtype):
            return functools.partial(_convolved, step=2, gradients=gradients_by_parity)
        return None


def _by_products(images, columns: int) -> bool:
    if images.shape[-1] < _LEAST_CHANNELS or tf.config.list_logical_devices("GPU"):
        return False
    few = columns <= _MOST_COLUMNS and images.shape[0] <= _MOST_IMAGES
    return few or images.dtype == tf.bfloat16


@tf.function(autograph=False)  # traced once for all layers that are alike
def _convolved(images, kernel, step: int, gradients: Callable):
    """Cross-correlation without padding whose kernel has its gradients by a function of ours.

    Images are `(batch, height, width, given)`, a kernel is `(rows, columns, given, made)`, the
    function takes images, what came back and the kernel's shape.
    """

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
            return of_images, gradients(images, upstream, kernel.shape)

        made = tf.nn.conv2d(images, kernel, step, "VALID")
        return made, back

    return convolved(images, kernel)


def _gradients_by_products(images, upstream, shape):
    """For each row of the kernel: pixels that it met, times what came back for them.

    Images are `(batch, height, width, given)`, what came back `(batch, height', width', made)`,
    the shape and the gradients `(rows, columns, given, made)`.

    Beside each other lie the pixels that a row of the kernel meets at one place: all such places
    are one list, and what another row of the kernel met is another stretch of it, which TensorFlow
    does not copy. From image to image the list goes on over rows that nothing came back for.
    """
    rows, columns, given, made = shape
    batch, height, width, _ = upstream.shape
    below = rows - 1 if batch > 1 else 0
    if below:
        upstream = tf.pad(upstream, [[0, 0], [0, below], [0, 0], [0, 0]])
    length = (batch * (height + below) - below) * width
    wanted = tf.reshape(upstream, [-1, made])[:length]
    pixels = tf.reshape(images, [batch, -1, given])
    if columns > 1:
        starts = np.arange(images.shape[1])[:, None] * images.shape[2] + np.arange(width)
        places = (starts[..., None] + np.arange(columns)).astype(np.int32)
        pixels = tf.gather(pixels, places.ravel(), axis=1)
    met = tf.reshape(pixels, [-1, columns * given])
    stretches = [met[row * width : row * width + length] for row in range(rows)]
    return tf.reshape(
        tf.stack([tf.matmul(stretch, wanted, transpose_a=True) for stretch in stretches]), shape
    )
