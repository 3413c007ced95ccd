"""ReLU whose gradient can be deployed, for networks that are differentiated on the device."""

import keras
import tensorflow as tf


@tf.custom_gradient
def deployable_relu(values):
    """ReLU with its gradient in plain operations: LiteRT has no ReluGrad.

    Args:
        values: Float tensor of any shape.

    Returns:
        Same shape and dtype: values where positive, else 0. The gradient passes where positive.
    """

    def gradient(upstream):
        return tf.where(values > 0, upstream, tf.zeros_like(upstream))

    return tf.nn.relu(values), gradient


@keras.saving.register_keras_serializable("tf_translate")
class DeployableReLU(keras.layers.Layer):
    """ReLU, in values and slopes as any; steps on a network's input through it convert.

    Call arguments:
        features: Float tensor of any shape.

    Returns:
        Same shape and dtype.
    """

    def call(self, features):
        return deployable_relu(features)

    def compute_output_shape(self, input_shape):
        return input_shape
