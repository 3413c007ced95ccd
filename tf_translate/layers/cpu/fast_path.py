"""What convolutions that can train by other operations than Keras's have in common."""

from collections.abc import Callable

import keras
import tensorflow as tf

from tf_translate.layers.cpu.switch import enabled, enabled_kernels


class FastPath(keras.layers.Layer):
    """A mixin for a Keras convolution, which trains by CPU kernels where they are faster.

    At inference, and in training where no kernel is switched on, the layer is Keras's own.
    """

    def __init__(self, *args, **kwargs):
        enabled_kernels()  # an unknown name ends here, in one sentence
        super().__init__(*args, **kwargs)

    def call(self, inputs, training=False):
        """As Keras's; `training` chooses the operations."""
        inputs = tf.convert_to_tensor(inputs)
        operation = self._operation(inputs) if training else None
        if operation is None:
            return super().call(inputs)
        result = operation(inputs, tf.convert_to_tensor(self.kernel))
        if self.use_bias:
            result = _add_bias(result, tf.convert_to_tensor(self.bias))
        return self.activation(result)

    def _operation(self, inputs) -> Callable | None:
        """From images and a kernel to the result without bias; None for Keras's `call`."""
        return self._fast_operation(inputs) or (
            self._keras_operation() if enabled("bias") else None
        )

    def _keras_operation(self) -> Callable | None:
        """Keras's own operation without the bias; None where that is not for images like ours."""
        return None

    def _fast_operation(self, inputs) -> Callable | None:
        """An operation that is faster than Keras's for these inputs; None if there is none."""
        raise NotImplementedError


def _add_bias(images, bias):
    if not enabled("bias"):
        return keras.ops.add(images, keras.ops.reshape(bias, (1, 1, 1, -1)))  # as Keras does
    add = _bias_add_bfloat16 if images.dtype == tf.bfloat16 else tf.nn.bias_add
    return add(images, bias)


@tf.function(autograph=False)  # traced once for all layers of equal shapes
def _bias_add_bfloat16(images, bias):
    """Adds a bias to `(batch, height, width, channels)`; sums its gradient in float32.

    The gradient of BIAS_ADD sums bfloat16 in bfloat16 (TensorFlow 2.21). Over 64x64 pixels, that
    can lose half of it.
    """

    @tf.custom_gradient
    def add(images, bias):
        def gradient(upstream):
            return upstream, tf.reduce_sum(upstream, [0, 1, 2])

        return tf.nn.bias_add(images, bias), gradient

    return add(images, bias)
