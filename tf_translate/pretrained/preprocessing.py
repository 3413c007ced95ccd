"""Conversion of images to the input of a network or a metric: RGB channels and one size."""

import keras
import numpy as np
import tensorflow as tf

_CHUNK = 256  # images resized at once, to bound memory


def to_rgb(images: np.ndarray) -> np.ndarray:
    """Converts images to three channels: repeats grey, and composites alpha over white.

    Args:
        images: Float `(n, h, w, c)` in [-1, 1], `c` 1, 3 or 4.

    Returns:
        float32 `(n, h, w, 3)` in [-1, 1].

    Raises:
        ValueError: If the rank is not 4 or the channels are not 1, 3 or 4.
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"`images` must be (n, height, width, 1, 3 or 4 channels), got {images.shape}"
        )
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    if images.shape[-1] == 4:
        alpha = (images[..., 3:] + 1.0) / 2.0
        return images[..., :3] * alpha + (1.0 - alpha)  # white is 1
    return images


def to_rgb_in_network(images: keras.KerasTensor) -> keras.KerasTensor:
    """Converts images inside a network, like `to_rgb`."""
    if images.shape[-1] == 1:
        return keras.layers.Concatenate()([images, images, images])
    if images.shape[-1] == 4:
        alpha = (images[..., 3:] + 1.0) / 2.0
        return images[..., :3] * alpha + (1.0 - alpha)  # white is 1
    return images


def resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes float `(n, h, w, c)` in [-1, 1] to `size` (height, width).

    Bicubic with antialiasing, clipped to [-1, 1]. Without antialiasing, downsampling adds
    aliasing patterns, which metrics would measure (clean-fid,
    https://arxiv.org/abs/2104.11222). Images that already have that size are returned unchanged.
    """
    if images.shape[1:3] == tuple(size):
        return np.asarray(images, np.float32)
    resized = [
        tf.image.resize(images[start : start + _CHUNK], size, method="bicubic", antialias=True)
        for start in range(0, len(images), _CHUNK)
    ]
    return np.clip(np.concatenate(resized), -1.0, 1.0)


def to_square_rgb(images: np.ndarray, side: int) -> np.ndarray:
    """Converts images to RGB and resizes them: float32 `(n, side, side, 3)` in [-1, 1]."""
    return resize(to_rgb(images), (side, side))
