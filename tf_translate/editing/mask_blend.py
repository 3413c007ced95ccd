"""The mask blend: the change that an edit makes is blended into the original image."""

import numpy as np
import tensorflow as tf

_SIGMA = 0.7  # pixels, the code
_RADIUS = 3  # pixels; scipy's gaussian_filter, which the code calls, cuts at 4 sigma


def blend(image, reconstructed, edited):
    """Applies the change between a reconstruction and its edit to the original image.

    X is the image, X^ its reconstruction, Err = X - X^ the reconstruction error, and
    Delta = G(z) - X^ the change that the edit makes. The paper's result is
    X^ + M Delta + (1 - M) Err. X^ cancels, which leaves X + M (G(z) - X), computed here. So where
    M is 0 the image is unchanged, and the result stays within the range of the two. X^ only
    determines M, the blurred |G(z) - X^| (see `soft_mask`). M is not the mask that a user paints.

    Args:
        image: X, the original, float32 `(batch, height, width, channels)` in [-1, 1], with sides of
            3 pixels or more.
        reconstructed: X^, the image generated from the latent of `image`; same shape and range.
        edited: G(z), the image generated from the changed latent; same shape and range.

    Returns:
        Same shape, float32 in [-1, 1].

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, the photo editor's mask, and
    github.com/ajbrock/Neural-Photo-Editor.
    """
    mask = soft_mask(reconstructed, edited)
    image = tf.cast(image, tf.float32)
    return image + mask * (tf.cast(edited, tf.float32) - image)


def soft_mask(reconstructed, edited):
    """The mask M of an edit: its blurred absolute change, averaged over channels, at most 1.

    Args:
        reconstructed, edited: As for `blend`.

    Returns:
        Float32 `(batch, height, width, 1)` in [0, 1]; 0 beyond 3 pixels from any change. Borders
        are padded by reflection that repeats the edge pixels (scipy's "reflect").
    """
    change = tf.cast(edited, tf.float32) - tf.cast(reconstructed, tf.float32)
    mask = tf.minimum(tf.reduce_mean(tf.abs(change), -1, keepdims=True), 1.0)
    for axis in (1, 2):
        mask = _padded_by_reflection(mask, axis)
    return tf.nn.conv2d(mask, _gaussian()[:, :, None, None], 1, "VALID")


def _padded_by_reflection(mask, axis: int):
    """Pads both ends of an axis by reflection, with slices: devices lack a fast padding for it."""
    size = mask.shape[axis]
    before = [_at(mask, axis, index) for index in reversed(range(_RADIUS))]
    after = [_at(mask, axis, size - 1 - index) for index in range(_RADIUS)]
    return tf.concat([*before, mask, *after], axis)


def _at(mask, axis: int, index: int):
    return mask[:, index : index + 1] if axis == 1 else mask[:, :, index : index + 1]


def _gaussian() -> np.ndarray:
    """The blur's `(7, 7)` kernel; its sum is 1."""
    line = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    line /= line.sum()
    return np.outer(line, line).astype(np.float32)
