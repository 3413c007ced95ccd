"""Random augmentations of images: shifts, zooms, rotations, blur and colour."""

import math

import tensorflow as tf

from tf_translate.core import stateless_random

VALUES_PER_VIEW = 12  # random values for one view

_SHIFT, _ZOOM, _ANGLE = 0.08, 0.12, math.radians(8)  # ours: identities stay recognizable
_GAIN, _OFFSET = 0.3, 0.2


def random_views_of_step(images: tf.Tensor, step: tf.Tensor, stream: int) -> tf.Tensor:
    """`random_views` of a training step, other ones for each `stream` (see `stateless_random`)."""
    return random_views(
        images, stateless_random.uniforms_per_image(images, VALUES_PER_VIEW, step, stream)
    )


def random_views(images: tf.Tensor, random_values: tf.Tensor) -> tf.Tensor:
    """Shifts, zooms, rotates, blurs and recolours each image a little; never flips it.

    Args:
        images: `(batch, height, width, channels)` in [-1, 1].
        random_values: `(batch, VALUES_PER_VIEW)` in [0, 1), which determine each view. 0.5 changes
            nothing, except for the last value, the fraction of blur.

    Returns:
        Float32, same shape, in [-1, 1].

    Source: the kinds of augmentation follow Chen et al. 2020 (SimCLR),
    https://arxiv.org/abs/2002.05709, appendix A; the strengths are ours.
    """
    images = tf.cast(images, tf.float32)
    channels = images.shape[-1]
    signed = 2.0 * tf.cast(random_values, tf.float32) - 1.0
    moved = _moved(images, signed[:, :4])
    blur_fraction = tf.cast(random_values, tf.float32)[:, 11, None, None, None]
    blurred = tf.nn.avg_pool2d(moved, 3, 1, "SAME")
    soft = moved + blur_fraction * (blurred - moved)
    common_gain = 1.0 + _GAIN * signed[:, 4, None, None, None]
    gain = 1.0 + 0.5 * _GAIN * _by_channel(signed[:, 5:8], channels)
    offset = _OFFSET * _by_channel(signed[:, 8:11], channels)
    return tf.clip_by_value(soft * common_gain * gain + offset, -1.0, 1.0)


def _by_channel(values, channels: int):
    """`(batch, 3)` to `(batch, 1, 1, channels)`; grey and further channels use the first."""
    indices = [index if index < 3 else 0 for index in range(channels)]
    return tf.gather(values, indices, axis=1)[:, None, None, :]


def _moved(images, signed):
    """Shifts, zooms and rotates around the centre; borders are filled by reflection."""
    height, width = images.shape[1:3]
    zoom, angle = 1.0 + _ZOOM * signed[:, 2], _ANGLE * signed[:, 3]
    cosine, sine = zoom * tf.cos(angle), zoom * tf.sin(angle)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    right = _SHIFT * width * signed[:, 0] + middle_x - cosine * middle_x + sine * middle_y
    down = _SHIFT * height * signed[:, 1] + middle_y - sine * middle_x - cosine * middle_y
    zeros = tf.zeros_like(zoom)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([cosine, -sine, right, sine, cosine, down, zeros, zeros], 1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
