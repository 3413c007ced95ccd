"""Editing an image, not its reconstruction: the change is blended into the original."""

import numpy as np
import tensorflow as tf

_SIGMA = 0.7  # pixels, the code
_RADIUS = 3  # pixels; scipy's gaussian_filter, which the code calls, cuts at 4 sigma


def blend(image, reconstruction, edited):
    """Puts into an image what an edit changes in its reconstruction, and leaves the rest.

    With X^ the reconstruction of the image X, Err = X - X^ what it misses and Delta = G(z) - X^
    what the edit changes, the paper's result is X^ + M Delta + (1 - M) Err. X^ cancels there: what
    is left is X + M (G(z) - X), computed here, so that where M is 0 the image comes back exactly,
    and the result never leaves the range of the two. X^ decides M alone.

    Args:
        image, reconstruction, edited: Float32 `(batch, height, width, channels)` in [-1, 1], of
            equal shape with sides of 3 pixels or more: the original, what a generator makes of its
            code, and what it makes of the changed code.

    Returns:
        Same shape, float32 in [-1, 1].

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, the photo editor's mask, and
    github.com/ajbrock/Neural-Photo-Editor.
    """
    mask = soft_mask(reconstruction, edited)
    image = tf.cast(image, tf.float32)
    return image + mask * (tf.cast(edited, tf.float32) - image)


def soft_mask(reconstruction, edited):
    """Where an edit shows: M, the blurred mean over channels of its size, at most 1.

    Args:
        reconstruction, edited: As for `blend`.

    Returns:
        Float32 `(batch, height, width, 1)` in [0, 1]; 0 beyond 3 pixels from any change. Borders
        are continued by their mirror image, edge pixels twice (scipy's "reflect").
    """
    change = tf.cast(edited, tf.float32) - tf.cast(reconstruction, tf.float32)
    mask = tf.minimum(tf.reduce_mean(tf.abs(change), -1, keepdims=True), 1.0)
    for axis in (1, 2):
        mask = _mirrored(mask, axis)
    return tf.nn.conv2d(mask, _gaussian()[:, :, None, None], 1, "VALID")


def _mirrored(mask, axis: int):
    """Continues an axis on both ends; slices, as devices have no fast mirror padding."""
    size = mask.shape[axis]
    before = [_at(mask, axis, place) for place in reversed(range(_RADIUS))]
    after = [_at(mask, axis, size - 1 - place) for place in range(_RADIUS)]
    return tf.concat([*before, mask, *after], axis)


def _at(mask, axis: int, place: int):
    return mask[:, place : place + 1] if axis == 1 else mask[:, :, place : place + 1]


def _gaussian() -> np.ndarray:
    """The blur's `(7, 7)` kernel; its sum is 1."""
    line = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    line /= line.sum()
    return np.outer(line, line).astype(np.float32)
