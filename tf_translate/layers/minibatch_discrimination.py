"""Minibatch discrimination: features that compare an image with the others of its batch."""

from typing import Any

import keras
import tensorflow as tf

from tf_translate.layers.cross_replica import gather_replicas


@keras.saving.register_keras_serializable("tf_translate")
class MinibatchDiscrimination(keras.layers.Layer):
    """Adds to each image's features how close they are to those of the other images.

    Each kernel k projects features f to a vector f T_k of 5 values. The closeness of two images is
    exp(-L1 distance of their vectors), and o_k(i) is its sum over the other images j, plus b_k.
    So a discriminator recognizes a generator that repeats one image. The batch is that of all
    devices, so several devices train as one.

    Each column of T has the norm exp(scale). Its norm and its direction are learned separately
    (weight normalization).

    Args:
        kernels: Number of kernels; positive.
        size: Size of the vector that a kernel projects to; positive.
        **kwargs: As for any layer; it computes in float32.

    Call arguments:
        features: `(batch, channels)`, float.

    Returns:
        Float32 `(batch, channels + kernels)`: the features and the closeness to others.

    Raises:
        ValueError: If `kernels` or `size` is not positive.

    Source: Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 3.2; weights, their
    initialization (b = -1) and size 5 as in github.com/ajbrock/Neural-Photo-Editor.
    """

    def __init__(self, kernels: int, size: int = 5, **kwargs: Any):
        if kernels < 1 or size < 1:
            raise ValueError(f"`kernels` and `size` must be positive, got {kernels} and {size}")
        super().__init__(**{"dtype": "float32", **kwargs})
        self.kernels = kernels
        self.size = size

    def build(self, input_shape):
        shape = (input_shape[-1], self.kernels, self.size)
        start = keras.initializers.RandomNormal(0.0, 0.05)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=start)
        self.scale = self.add_weight(name="scale", shape=shape[1:], initializer="zeros")
        self.bias = self.add_weight(
            name="bias", shape=(self.kernels,), initializer=keras.initializers.Constant(-1.0)
        )
        self.built = True

    def call(self, features):
        unit = self.kernel * tf.math.rsqrt(tf.reduce_sum(tf.square(self.kernel), 0) + 1e-12)
        projected = tf.einsum("bc,cks->bks", features, unit * tf.exp(self.scale))
        gathered, first = gather_replicas(projected)
        distances = tf.reduce_sum(tf.abs(projected[:, None] - gathered[None]), -1)  # (B, N, K)
        indices = first + tf.range(tf.shape(projected)[0])
        others = 1.0 - tf.one_hot(indices, tf.shape(gathered)[0])  # (B, N), 0 for itself
        closeness = tf.reduce_sum(tf.exp(-distances) * others[:, :, None], 1) + self.bias
        return tf.concat([features, closeness], -1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1] + self.kernels)

    def get_config(self):
        return {**super().get_config(), "kernels": self.kernels, "size": self.size}
