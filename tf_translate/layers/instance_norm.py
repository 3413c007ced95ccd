"""Instance normalisation, fast in training and by operations that XNNPACK runs."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_translate.layers.instance_statistics import ImageStatistics


@keras.saving.register_keras_serializable("tf_translate")
class InstanceNormalization(keras.layers.Layer):
    """Normalises every channel of every image over its height and width.

    Statistics are those of the input, in training and at inference. At inference,
    `image_statistics.freeze` can fix them for all images. They are computed in float32 whatever
    the compute dtype.

    Training with known sizes folds the batch into the channels and runs the fused batch-norm
    kernel, which is more than twice as fast as separate operations on a CPU. All else uses
    subtract, multiply and mean on rank-4 tensors. LiteRT's XNNPACK runs these without splitting
    the graph, and 16x8 quantisation supports them (it has no SQUARED_DIFFERENCE).

    Args:
        epsilon: Added to the variance; positive float.
        affine: Whether to learn a scale and an offset per channel.
        frozen: Scale and offset of each channel that replace statistics at inference, or None.
            The learned scale and offset are applied after them.

    Call arguments:
        images: `(batch, height, width, channels)`, any float dtype, any range.
        training: Chooses the operations. It changes the result only if statistics are frozen.

    Returns:
        Same shape and dtype; about zero mean and unit variance before scale and offset.

    Raises:
        ValueError: If the input is not rank 4 or its channel count is unknown.

    Source: Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022.
    """

    def __init__(
        self,
        epsilon: float = 1e-5,
        affine: bool = False,
        frozen: Sequence[Sequence[float]] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if epsilon <= 0:
            raise ValueError(f"`epsilon` must be positive, got {epsilon}")
        self.epsilon = epsilon
        self.affine = affine
        self.image_statistics = ImageStatistics(epsilon, frozen)

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                "`images` must be (batch, height, width, channels) with known channels, "
                f"got shape {tuple(input_shape)}"
            )
        if self.affine:
            shape = (input_shape[-1],)
            # Scale from N(1, 0.02) as in the GAN papers (pix2pix, appendix 6.2).
            scale = keras.initializers.RandomNormal(1.0, 0.02)
            self.gamma = self.add_weight(
                name="gamma", shape=shape, initializer=scale, dtype="float32", autocast=False
            )
            self.beta = self.add_weight(
                name="beta", shape=shape, initializer="zeros", dtype="float32", autocast=False
            )
        self.built = True

    def call(self, images, training=False):
        images = tf.convert_to_tensor(images)
        gamma, beta = (self.gamma.value, self.beta.value) if self.affine else (None, None)
        if training and images.shape.is_fully_defined():
            return _fused(images, gamma, beta, self.epsilon)
        normalised = self.image_statistics.normalise(tf.cast(images, tf.float32))
        if self.affine:
            normalised = normalised * gamma + beta
        return tf.cast(normalised, images.dtype)

    def get_config(self):
        own: dict = {"epsilon": self.epsilon, "affine": self.affine}
        if self.image_statistics.frozen is not None:
            own["frozen"] = self.image_statistics.frozen
        return {**super().get_config(), **own}


def _fused(images, gamma, beta, epsilon):
    """Treats the channels of all images as channels of one image for the fused kernel."""
    batch, height, width, channels = images.shape
    folded = images
    if batch > 1:
        folded = tf.transpose(images, [1, 2, 0, 3])  # (B, H, W, C) -> (H, W, B, C)
        folded = tf.reshape(folded, [1, height, width, batch * channels])
    ones, zeros = np.ones(batch * channels, np.float32), np.zeros(batch * channels, np.float32)
    scale = ones if gamma is None else tf.tile(gamma, [batch])
    offset = zeros if beta is None else tf.tile(beta, [batch])
    result, *_ = tf.compat.v1.nn.fused_batch_norm(
        folded, scale, offset, epsilon=epsilon, is_training=True
    )
    if batch > 1:
        result = tf.reshape(result, [height, width, batch, channels])
        result = tf.transpose(result, [2, 0, 1, 3])  # (H, W, B, C) -> (B, H, W, C)
    return result
