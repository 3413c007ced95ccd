"""Attributes as categories and as maps for convolutions."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
class ExpandAttributes(keras.layers.Layer):
    """Gives every category a column: a binary attribute v becomes (1 - v, v).

    Args:
        binary: Whether each column is a binary attribute. The other columns are categories
            already and stay as they are.
        **kwargs: As for any layer.

    Call arguments:
        attributes: `(batch, columns)`, float; values outside [0, 1] are extrapolated linearly.

    Returns:
        `(batch, categories)`, float32.

    Source: Fader Networks, github.com/facebookresearch/FaderNetworks: binary attributes are
    pairs of columns.
    """

    def __init__(self, binary: Sequence[bool], **kwargs: Any):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.binary = [bool(one) for one in binary]

    def call(self, attributes):
        # A product with a constant matrix, which is one operation when deployed.
        width = sum(1 + one for one in self.binary)
        matrix = np.zeros((len(self.binary), width), np.float32)
        offset = np.zeros(width, np.float32)
        index = 0
        for column, binary in enumerate(self.binary):
            if binary:
                matrix[column, index], offset[index] = -1.0, 1.0
                index += 1
            matrix[column, index] = 1.0
            index += 1
        return tf.matmul(tf.cast(attributes, tf.float32), matrix) + offset

    def get_config(self):
        return {**super().get_config(), "binary": self.binary}


@keras.saving.register_keras_serializable("tf_translate")
class AttributeMaps(keras.layers.Layer):
    """Concatenates features with one constant map for each attribute value.

    Call arguments:
        inputs: Features `(batch, height, width, channels)` and values `(batch, count)`.

    Returns:
        `(batch, height, width, channels + count)`, as the features' dtype.

    Source: Fader Networks, https://arxiv.org/abs/1706.00409, section 3.2 and appendix; IcGAN,
    https://arxiv.org/abs/1611.06355, section 3.1.
    """

    def call(self, inputs):
        features, values = inputs
        height, width = features.shape[1:3]
        ones = tf.ones((1, height, width, 1), features.dtype)
        maps = tf.cast(values, features.dtype)[:, None, None, :] * ones
        return tf.concat([features, maps], -1)


def discretize(logits: tf.Tensor, widths: Sequence[int]) -> tf.Tensor:
    """The most likely attributes: 0 or 1 for a binary one, else a 1 for exactly one category.

    Args:
        logits: `(batch, columns)`, outputs of a network; positive for a binary attribute that is
            present.
        widths: Number of columns of each attribute; 1 for binary ones.

    Returns:
        Float32, of the shape of `logits`: whether a single column is positive, and the largest of
        several columns.
    """
    parts = [
        tf.cast(part > 0, tf.float32) if width == 1 else tf.one_hot(tf.argmax(part, -1), width)
        for part, width in zip(tf.split(logits, list(widths), -1), widths, strict=True)
    ]
    return tf.concat(parts, -1)
