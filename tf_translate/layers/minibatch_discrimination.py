"""Minibatch discrimination: a discriminator sees how close an image is to the others of its batch."""

import keras
import tensorflow as tf

from tf_translate.layers.cross_replica import of_all_devices


@keras.saving.register_keras_serializable("tf_translate")
class MinibatchDiscrimination(keras.layers.Layer):
    """Adds to each image's features how near those of the other images are.

    Features f are projected by each kernel k to the 5 numbers f T_k. The closeness of two images
    to a kernel is exp(-L1 distance of those), and o_k(i) = sum over other images j of it, + b_k.
    A generator that draws one image again and again gives itself away. The batch is that of all
    devices, so many devices step like one.

    Each column of T has the length exp(scale), scale and direction being learnt apart (weight
    normalisation).

    Args:
        kernels: How many; positive.
        size: Numbers that a kernel projects to; positive.
        **kwargs: As for any layer; it computes in float32.

    Call arguments:
        features: `(batch, channels)`, float.

    Returns:
        Float32 `(batch, channels + kernels)`: the features and the closeness to others.

    Raises:
        ValueError: If `kernels` or `size` is not positive.

    Source: Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 3.2; weights, their
    start (b = -1) and size 5 as github.com/ajbrock/Neural-Photo-Editor takes them.
    """

    def __init__(self, kernels: int, size: int = 5, **kwargs):
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
        everyone, first = of_all_devices(projected)
        distances = tf.reduce_sum(tf.abs(projected[:, None] - everyone[None]), -1)  # (B, N, K)
        places = first + tf.range(tf.shape(projected)[0])
        others = 1.0 - tf.one_hot(places, tf.shape(everyone)[0])  # (B, N), 0 for itself
        closeness = tf.reduce_sum(tf.exp(-distances) * others[:, :, None], 1) + self.bias
        return tf.concat([features, closeness], -1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1] + self.kernels)

    def get_config(self):
        return {**super().get_config(), "kernels": self.kernels, "size": self.size}
