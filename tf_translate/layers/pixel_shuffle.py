"""Moving pixels between space and channels: cheap ends of a network at full resolution."""

from typing import Any

import keras
import tensorflow as tf


def _checked(block: int) -> int:
    if block < 2:
        raise ValueError(f"`block` must be at least 2, got {block}")
    return block


@keras.saving.register_keras_serializable("tf_translate")
class SpaceToDepth(keras.layers.Layer):
    """Makes each square of pixels one pixel with all of their channels.

    Nothing is lost, and a convolution after it runs at a fraction of the positions.

    Args:
        block: Side of a square, in pixels; at least 2.

    Call arguments:
        images: `(batch, height, width, channels)`, sides divisible by `block`.

    Returns:
        `(batch, height / block, width / block, block * block * channels)`.

    Raises:
        ValueError: If `block` is below 2.

    Source: Shi et al. 2016, https://arxiv.org/abs/1609.05158 (its inverse).
    """

    def __init__(self, block: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.block = _checked(block)

    def call(self, images):
        return tf.nn.space_to_depth(images, self.block)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else side // self.block for side in (height, width)]
        return (batch, *sides, channels * self.block**2)

    def get_config(self):
        return super().get_config() | {"block": self.block}


@keras.saving.register_keras_serializable("tf_translate")
class DepthToSpace(keras.layers.Layer):
    """Spreads the channels of each pixel over a square of pixels; undoes `SpaceToDepth`.

    A convolution before it makes all pixels of a square at once, at the lower resolution.

    Args:
        block: Side of a square, in pixels; at least 2.

    Call arguments:
        features: `(batch, height, width, block * block * channels)`.

    Returns:
        `(batch, block * height, block * width, channels)`.

    Raises:
        ValueError: If `block` is below 2.

    Source: Shi et al. 2016, https://arxiv.org/abs/1609.05158, section 2.2.
    """

    def __init__(self, block: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.block = _checked(block)

    def call(self, features):
        return tf.nn.depth_to_space(features, self.block)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else side * self.block for side in (height, width)]
        return (batch, *sides, channels // self.block**2)

    def get_config(self):
        return super().get_config() | {"block": self.block}
