"""The inverse autoregressive flow of IAN: a fixed, random, invertible map of the latent."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
class InverseAutoregressiveFlow(keras.layers.Layer):
    """One inverse autoregressive step of a latent, by two networks that are never trained.

    z = (z0 - m(z0)) / exp(s(z0)), where m and s are MADEs of one hidden layer: element i of their
    output depends only on the elements of z0 that precede i. The order is random, drawn once, and
    shared by m and s. Their hidden layer is as wide as the latent and sees the first element alone.
    Direct connections from input to output see all elements that precede.

    In the authors' code no update changes the weights of m and s: they mix the latent at random,
    and the networks around them learn to live with it. So the weights are random and saved with the
    model, but not trainable, and there are no biases, which stay 0 in the code.

    Args:
        gain: Factor of the orthogonal weights. At the code's, the square root of 2, outputs
            overflow with a latent whose log sigma is fresh from batch norm (see Departs).
        **kwargs: As for any layer; it computes in float32.

    Call arguments:
        latents: z0, `(batch, latent)`, float.

    Returns:
        z, float32, same shape, unbounded.

    Source: Kingma et al. 2016, https://arxiv.org/abs/1606.04934, and MADE, Germain et al. 2015,
    https://arxiv.org/abs/1502.03509, as in layers.py and mask_generator.py of
    github.com/ajbrock/Neural-Photo-Editor.
    Departs: the default gain is 0.1. Batch norm gives log sigma a standard deviation of 1, so that
        elements of z0 reach 100, and exp(-s) grows with the gain: of 32,000 such z0 the largest
        |z| is 4e30 at the code's gain, 5e2 at 0.1. One batch of 16 in 150 then overflows in the
        next batch norm, and training ends there.
    """

    def __init__(self, gain: float = 0.1, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.gain = gain

    def build(self, input_shape):
        size = input_shape[-1]
        self.order = self.add_weight(
            name="order", shape=(size,), initializer=_random_order, trainable=False
        )
        self.mean_kernels = self._add_kernels("mean", size)
        self.log_scale_kernels = self._add_kernels("log_scale", size)
        self.built = True

    def _add_kernels(self, output: str, size: int) -> list:
        return [
            self.add_weight(
                name=f"{output}_{part}",
                shape=(size, size),
                initializer=keras.initializers.Orthogonal(self.gain),
                trainable=False,
            )
            for part in ("hidden", "output", "direct")
        ]

    def call(self, latents):
        latents = tf.cast(latents, tf.float32)
        order = tf.convert_to_tensor(self.order)
        is_first = tf.cast(tf.equal(order, 0.0), tf.float32)
        masks = (
            is_first[:, None],  # from the first element to the hidden layer
            1.0 - is_first[None, :],  # from there to all others
            tf.cast(order[:, None] < order[None, :], tf.float32),  # direct, to those that follow
        )
        mean = _made(latents, self.mean_kernels, masks)
        log_scale = _made(latents, self.log_scale_kernels, masks)
        return (latents - mean) * tf.exp(-log_scale)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}


def _made(latents, kernels, masks):
    """A masked autoencoder of one hidden layer with direct connections, `(batch, latent)`."""
    hidden, output, direct = (kernel * mask for kernel, mask in zip(kernels, masks, strict=True))
    return tf.nn.relu(latents @ hidden) @ output + latents @ direct


def _random_order(shape, dtype=None):
    """The position of each element in a random order, from 0 on."""
    # The ranks of random values. `keras.random.shuffle` needs a seed generator, which Keras may
    # create in a graph that is gone when the next layer is built.
    values = keras.initializers.RandomUniform(0.0, 1.0)(shape)
    return keras.ops.cast(keras.ops.argsort(keras.ops.argsort(values)), dtype)
