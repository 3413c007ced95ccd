"""What convolutions that train by other operations than Keras's have in common."""

from collections.abc import Callable

import keras
import tensorflow as tf


class Shortcut(keras.layers.Layer):
    """Ahead of a convolution of Keras: in training it goes another way where there is one."""

    def call(self, inputs, training=False):
        """As Keras's, and whether it is `training`."""
        inputs = tf.convert_to_tensor(inputs)
        way = (self._way(inputs) or self._plain_way()) if training else None
        if way is None:
            return super().call(inputs)
        made = way(inputs, tf.convert_to_tensor(self.kernel))
        if self.use_bias:
            add = _biased if made.dtype == tf.bfloat16 else tf.nn.bias_add
            made = add(made, tf.convert_to_tensor(self.bias))
        return self.activation(made)

    def _plain_way(self) -> Callable | None:
        """Keras's own ahead of its bias, which it reshapes to and fro; None: all of Keras's."""
        return None

    def _way(self, inputs) -> Callable | None:
        """What makes the result of images and a kernel quicker than Keras; None if nothing does."""
        raise NotImplementedError


@tf.function(autograph=False)  # traced once for all layers that are alike
def _biased(made, bias):
    """Adds a bias to `(batch, height, width, channels)`; its gradients are sums in float32.

    BIAS_ADD's own way back adds bfloat16 to bfloat16 (TensorFlow 2.21): over 64x64 pixels half of
    a gradient can be lost.
    """

    @tf.custom_gradient
    def biased(made, bias):
        def back(upstream):
            return upstream, tf.reduce_sum(upstream, [0, 1, 2])

        return tf.nn.bias_add(made, bias), back

    return biased(made, bias)
