"""Reflection padding that LiteRT's XNNPACK delegate can run without splitting the graph."""

from typing import Any

import keras
import tensorflow as tf

from tf_translate.layers.cpu import enabled_kernels, pad_by_reflection

_MOST_PARTS = 5  # of an XNNPACK concatenation (exporters/lint/device_operations.toml)


@keras.saving.register_keras_serializable("tf_translate")
class ReflectionPadding2D(keras.layers.Layer):
    """Reflects an image at its borders without repeating the outermost pixels.

    At inference these are slices and concatenations of at most 5 parts. XNNPACK has neither
    MIRROR_PAD nor CONCATENATION of more than 5 parts, and each of them would split the delegated
    graph. Training pads by `pad_by_reflection`.

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

    def __init__(self, padding: int = 1, **kwargs: Any):
        enabled_kernels()  # an unknown name ends here, in one sentence
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
            return pad_by_reflection(images, pad)
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
    """Concatenates strips, images and strips by steps that XNNPACK runs, strips first."""
    if len(first) + 1 + len(last) <= _MOST_PARTS:
        return tf.concat([*first, images, *last], axis=axis)
    return tf.concat([_strip(first, axis), images, _strip(last, axis)], axis=axis)


def _strip(parts, axis):
    while len(parts) > 1:
        groups = [parts[i : i + _MOST_PARTS] for i in range(0, len(parts), _MOST_PARTS)]
        parts = [tf.concat(group, axis=axis) for group in groups]
    return parts[0]
