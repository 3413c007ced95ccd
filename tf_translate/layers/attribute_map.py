"""Attributes as numbers and as maps that convolutions can see."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
class ExpandAttributes(keras.layers.Layer):
    """Gives every category a number: a binary attribute v becomes (1 - v, v).

    Args:
        binary: For each column whether it is a binary attribute, 0 or 1; the others are
            categories already, and pass.
        **kwargs: As for any layer.

    Call arguments:
        attributes: `(batch, columns)`, float; beyond [0, 1] it goes on linearly.

    Returns:
        `(batch, categories)`, float32.

    Source: Fader Networks, github.com/facebookresearch/FaderNetworks: binary attributes are
    pairs of columns.
    """

    def __init__(self, binary: Sequence[bool], **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.binary = [bool(one) for one in binary]

    def call(self, attributes):
        # A product with constants: one operation wherever it is deployed.
        width = sum(1 + one for one in self.binary)
        matrix = np.zeros((len(self.binary), width), np.float32)
        offset = np.zeros(width, np.float32)
        place = 0
        for column, binary in enumerate(self.binary):
            if binary:
                matrix[column, place], offset[place] = -1.0, 1.0
                place += 1
            matrix[column, place] = 1.0
            place += 1
        return tf.matmul(tf.cast(attributes, tf.float32), matrix) + offset

    def get_config(self):
        return {**super().get_config(), "binary": self.binary}


@keras.saving.register_keras_serializable("tf_translate")
class AttributeMaps(keras.layers.Layer):
    """Stacks a constant map for each number onto features.

    Call arguments:
        inputs: Features `(batch, height, width, channels)` and numbers `(batch, count)`.

    Returns:
        `(batch, height, width, channels + count)`, as the features' dtype.

    Source: Fader Networks, https://arxiv.org/abs/1706.00409, section 3.2 and appendix; IcGAN,
    https://arxiv.org/abs/1611.06355, section 3.1.
    """

    def call(self, inputs):
        features, numbers = inputs
        height, width = features.shape[1:3]
        ones = tf.ones((1, height, width, 1), features.dtype)
        maps = tf.cast(numbers, features.dtype)[:, None, None, :] * ones
        return tf.concat([features, maps], -1)


def decided(read, widths: Sequence[int]):
    """Attributes as they are most likely meant: each 0 or 1, of several values exactly one 1.

    Args:
        read: `(batch, columns)`, what a network read: positive for present.
        widths: Columns of each attribute; 1 for those that are absent or present.

    Returns:
        Float32, as `read`: whether a single column is positive, the largest of several.
    """
    parts = [
        tf.cast(part > 0, tf.float32) if width == 1 else tf.one_hot(tf.argmax(part, -1), width)
        for part, width in zip(tf.split(read, list(widths), -1), widths, strict=True)
    ]
    return tf.concat(parts, -1)
