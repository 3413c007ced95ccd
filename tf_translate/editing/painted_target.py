"""Painted targets: the distance between an image and the colours painted over it.

`painted_mask` is 1 where a user painted colours and 0 elsewhere. It is not the mask of
`mask_blend`, which follows from the change that an edit makes.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


def painted_area(painted_mask):
    """The number of painted pixels: the sum of the mask.

    Args:
        painted_mask: Float32 `(batch, height, width, 1)` in [0, 1].

    Returns:
        Float32 `(batch,)`.
    """
    return tf.reduce_sum(painted_mask, [1, 2, 3])


def patch_distance(decode: Callable, target, painted_mask) -> Callable:
    """The objective of an edit towards painted colours.

    Args:
        decode: From latents `(batch, size)` to images of the shape of `target`.
        target: Float32 `(batch, height, width, channels)` in [-1, 1], images with colours
            painted over them.
        painted_mask: Where colours are painted, float32 `(batch, height, width, 1)` in [0, 1].

    Returns:
        From latents to `(batch,)`: the mask-weighted mean over pixels of d, where d is the mean
        over channels of the squared difference: sum(mask * d) / max(sum(mask), 1). So it is 0
        where nothing is painted.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, the photo editor.
    """
    area = tf.maximum(painted_area(painted_mask), 1.0)

    def objective(latent):
        squared = tf.reduce_mean(tf.square(decode(latent) - target), -1)
        return tf.reduce_sum(painted_mask[..., 0] * squared, [1, 2]) / area

    return objective


def center_mask(images: np.ndarray) -> np.ndarray:
    """A painted mask of the centre quarter of each image, `(batch, height, width, 1)`, float32."""
    count, height, width = images.shape[:3]
    mask = np.zeros((count, height, width, 1), np.float32)
    mask[:, height // 4 : height - height // 4, width // 4 : width - width // 4] = 1.0
    return mask
