"""Images adapted to the input of another network, with a gradient that can be deployed."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
class FitImages(keras.layers.Layer):
    """Changes size, channels and range of images.

    Images are resized by two products with constant matrices. Their weights are triangles as wide
    as the step, so downsampling averages. The gradient is two products again; the gradient of a
    resize operation has no counterpart in TFLite.

    Args:
        shape: `(height, width, channels)` of the result.
        value_range: Least and greatest value of the result.
        **kwargs: As for any layer.

    Call arguments:
        images: `(batch, height, width, channels)` in [-1, 1].

    Returns:
        `(batch, *shape)`, float32 in `value_range`. One channel is repeated for several; several
        are averaged for one.

    Raises:
        ValueError: If sides are unknown, the range is not ascending, or channels do not fit.

    Source: the weights of tf.image.resize, bilinear with antialiasing.
    """

    def __init__(
        self, shape: Sequence[int], value_range: Sequence[float] = (-1.0, 1.0), **kwargs: Any
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        if len(shape) != 3 or None in shape:
            raise ValueError(f"`shape` must be (height, width, channels), all known, got {shape}")
        if not value_range[0] < value_range[1]:
            raise ValueError(f"`value_range` must be ascending, got {tuple(value_range)}")
        self.shape = [int(side) for side in shape]
        self.value_range = [float(limit) for limit in value_range]

    def build(self, input_shape):
        if None in input_shape[1:]:
            raise ValueError(f"`images` must have known sides, got {tuple(input_shape)}")
        if self.shape[-1] != input_shape[-1] and 1 not in (self.shape[-1], input_shape[-1]):
            raise ValueError(
                f"`images` must have 1 or {self.shape[-1]} channels, got {input_shape[-1]}"
            )

    def call(self, images):
        images = tf.cast(images, tf.float32)
        height, width, channels = self.shape
        if images.shape[1] != height:
            images = tf.einsum("oh,bhwc->bowc", _resizing(images.shape[1], height), images)
        if images.shape[2] != width:
            images = tf.einsum("ow,bhwc->bhoc", _resizing(images.shape[2], width), images)
        if images.shape[-1] != channels:
            grey = tf.reduce_mean(images, -1, keepdims=True)
            images = tf.concat([grey] * channels, -1)
        least, most = self.value_range
        if (least, most) == (-1.0, 1.0):
            return images
        return images * ((most - least) / 2.0) + (most + least) / 2.0

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape, "value_range": self.value_range}


def _resizing(before: int, after: int) -> np.ndarray:
    """The weight of each input pixel in each output pixel: `(after, before)`; rows sum to 1."""
    step = before / after
    centres = (np.arange(after)[:, None] + 0.5) * step
    distances = np.abs(np.arange(before)[None] + 0.5 - centres) / max(step, 1.0)
    weights = np.maximum(1.0 - distances, 0.0)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
