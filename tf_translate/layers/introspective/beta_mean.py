"""The mean of a beta distribution as a colour, the last layer of IAN."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
class BetaMean(keras.layers.Layer):
    """The mean of the beta distribution of each pixel, scaled from [0, 1] to [-1, 1].

    2 alpha / (alpha + beta + 1e-8) - 1.

    Args:
        **kwargs: As for any layer; it computes in float32.

    Call arguments:
        parameters: `(batch, height, width, 2)`, alpha and beta, 0 or more.

    Returns:
        Float32 `(batch, height, width, 1)` in [-1, 1].

    Raises:
        ValueError: If there are not two channels.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, the RGB-Beta output, and layers.py
    of github.com/ajbrock/Neural-Photo-Editor.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def build(self, input_shape):
        if input_shape[-1] != 2:
            raise ValueError(
                f"`parameters` must have two channels, alpha and beta, got {input_shape[-1]}"
            )
        self.built = True

    def call(self, parameters):
        alpha, beta = tf.split(tf.cast(parameters, tf.float32), 2, -1)
        return 2.0 * (alpha / (alpha + beta + 1e-8)) - 1.0

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)
