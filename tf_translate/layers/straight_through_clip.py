"""Clipping to the range of images that keeps the gradient towards it."""

from typing import Any

import keras
import tensorflow as tf


@tf.custom_gradient
def clip_to_images(values: tf.Tensor) -> tf.Tensor:
    """Clips to [-1, 1]; outside, only gradients whose descent leads back inside pass.

    Args:
        values: Float tensor of any shape.

    Returns:
        Same shape and dtype, in [-1, 1].
    """

    def gradient(upstream):
        stays_out = ((values > 1) & (upstream < 0)) | ((values < -1) & (upstream > 0))
        return tf.where(stays_out, tf.zeros_like(upstream), upstream)

    return tf.clip_by_value(values, -1.0, 1.0), gradient


@keras.saving.register_keras_serializable("tf_translate")
class ChangeOfImage(keras.layers.Layer):
    """Adds a change to an image and keeps the sum in [-1, 1].

    Call arguments:
        inputs: `[image, change]`, equal shapes; the image in [-1, 1], the change unbounded.

    Returns:
        float32 in [-1, 1], same shape.
    """

    def __init__(self, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def call(self, inputs):
        image, change = inputs
        return clip_to_images(tf.cast(image, tf.float32) + tf.cast(change, tf.float32))

    def compute_output_shape(self, input_shape):
        return input_shape[0]
