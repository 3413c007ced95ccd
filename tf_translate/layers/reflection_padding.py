"""Reflection padding that LiteRT's XNNPACK delegate can run whole."""

import keras
import tensorflow as tf

from tf_translate.layers.cpu.reflection_padding import mirrored

_MOST_PARTS = 5  # XNNPACK concatenates no more at once (exporters/lint/operations.toml)


@keras.saving.register_keras_serializable("tf_translate")
class ReflectionPadding2D(keras.layers.Layer):
    """Mirrors an image outwards without repeating its border.

    Written as slices and concatenations of few parts: XNNPACK has neither MIRROR_PAD nor
    CONCATENATION of more than 5, and each one would split the delegated graph. Training copies
    pixels by their places, see `mirrored`.

    Args:
        padding: Pixels added on each of the four sides; at least 1.

    Call arguments:
        images: `(batch, height, width, channels)`; sides above `padding`.
        training: Chooses the operations, never the result.

    Returns:
        `(batch, height + 2 padding, width + 2 padding, channels)`.

    Raises:
        ValueError: If `padding` is below 1 or a side is not above it.

    Source: CycleGAN, https://arxiv.org/abs/1703.10593, appendix (network architectures).
    """

    def __init__(self, padding: int = 1, **kwargs):
        super().__init__(**kwargs)
        if padding < 1:
            raise ValueError(f"`padding` must be at least 1, got {padding}")
        self.padding = int(padding)

    def call(self, images, training=False):
        for side in images.shape[1:3]:
            if side is not None and side <= self.padding:
                raise ValueError(
                    f"reflecting {self.padding} pixels needs sides above {self.padding}, "
                    f"got images of shape {tuple(images.shape)}"
                )
        pad = self.padding
        if training:
            return mirrored(images, pad)
        first = [images[:, i : i + 1] for i in range(pad, 0, -1)]
        last = [images[:, -i - 1 : -i] for i in range(1, pad + 1)]
        rows = _around(first, images, last, axis=1)
        first = [rows[:, :, i : i + 1] for i in range(pad, 0, -1)]
        last = [rows[:, :, -i - 1 : -i] for i in range(1, pad + 1)]
        return _around(first, rows, last, axis=2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grow = 2 * self.padding
        sides = [None if side is None else side + grow for side in (height, width)]
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


def _around(first, images, last, *, axis):
    """Concatenates strips, images and strips in steps that XNNPACK runs; strips go first."""
    if len(first) + 1 + len(last) <= _MOST_PARTS:
        return tf.concat([*first, images, *last], axis=axis)
    return tf.concat([_strip(first, axis), images, _strip(last, axis)], axis=axis)


def _strip(parts, axis):
    while len(parts) > 1:
        groups = [parts[i : i + _MOST_PARTS] for i in range(0, len(parts), _MOST_PARTS)]
        parts = [tf.concat(group, axis=axis) for group in groups]
    return parts[0]
