"""What metrics and judges look at: three channels, one size, whatever the domains have."""

import numpy as np
import tensorflow as tf

_CHUNK = 256  # images resized at once, so that memory stays small


def as_colour(images: np.ndarray) -> np.ndarray:
    """Gives images three channels: grey is repeated, alpha is laid over white.

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


def at_size(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes float `(n, h, w, c)` in [-1, 1] to `size` (height, width).

    Bicubic with antialiasing, clipped to [-1, 1]: shrinking without it puts patterns
    into the images that judges then measure (clean-fid,
    https://arxiv.org/abs/2104.11222). Images of that size already come back unchanged.
    """
    if images.shape[1:3] == tuple(size):
        return np.asarray(images, np.float32)
    resized = [
        tf.image.resize(images[start : start + _CHUNK], size, method="bicubic", antialias=True)
        for start in range(0, len(images), _CHUNK)
    ]
    return np.clip(np.concatenate(resized), -1.0, 1.0)


def for_judge(images: np.ndarray, side: int) -> np.ndarray:
    """Gives what a judge of `side` pixels sees: float32 `(n, side, side, 3)` in [-1, 1]."""
    return at_size(as_colour(images), (side, side))
