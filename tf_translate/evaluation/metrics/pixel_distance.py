"""Distances to a known truth, pixel by pixel: one number an image.

All take float images in [-1, 1], so the data range is 2.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

SSIM_WINDOW = 11  # Wang et al. 2004, sec. III-C: 11x11 Gaussian, sigma 1.5
PSNR_OF_A_COPY = 100.0  # dB; stands for infinity, so that means stay finite
_RANGE = 2.0
_CHUNK = 64
_SAME = 2 / 127.5 + 1e-6  # two levels of 255


def l1(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Gives the mean absolute difference of every image, in units of [-1, 1].

    Args:
        images, truth: Float `(n, h, w, c)` in [-1, 1], of equal shape.

    Returns:
        float32 `(n,)` in [0, 2]; 0 for a copy.
    """
    images, truth = _checked(images, truth)
    return _in_chunks(lambda a, b: np.abs(a - b).mean(axis=(1, 2, 3)), images, truth)


def psnr(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Gives the peak signal-to-noise ratio of every image in dB, at most 100.

    Arguments as in `l1`. A copy would be infinitely good and counts as 100 dB.
    """
    images, truth = _checked(images, truth)
    squared = _in_chunks(
        lambda a, b: np.square(a - b, dtype=np.float64).mean(axis=(1, 2, 3)), images, truth
    )
    least = _RANGE**2 * 10.0 ** (-PSNR_OF_A_COPY / 10.0)
    return 10.0 * np.log10(_RANGE**2 / np.maximum(squared, least))


def ssim(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Gives the structural similarity of every image, the mean over its channels.

    Intensities are shifted to [0, 2] first: the luminance term is made for numbers that
    are not negative, and this gives what [0, 255] pixels give.

    Arguments as in `l1`.

    Returns:
        float32 `(n,)` in [-1, 1]; 1 for a copy.

    Raises:
        ValueError: If a side is shorter than the window of 11 pixels.

    Source: Wang et al. 2004, "Image quality assessment: from error visibility to
    structural similarity", eq. 13 with K1 = 0.01, K2 = 0.03.
    """
    images, truth = _checked(images, truth)
    if min(images.shape[1:3]) < SSIM_WINDOW:
        raise ValueError(
            f"`images` must have sides of at least {SSIM_WINDOW} pixels for SSIM, "
            f"got {images.shape[1:3]}"
        )
    return _in_chunks(lambda a, b: tf.image.ssim(a + 1.0, b + 1.0, _RANGE), images, truth)


def skill(images: np.ndarray, inputs: np.ndarray, truth: np.ndarray) -> float:
    """Gives 1 - L1(images, truth) / L1(inputs, truth), both meant over the set.

    Args:
        images: Translations, float `(n, h, w, c)` in [-1, 1].
        inputs: What was translated, of the same shape.
        truth: What should have come out, of the same shape.

    Returns:
        1 for the truth, 0 for handing the input back, negative below that. NaN where
        inputs and truth are equal, so that nothing was to be done.
    """
    untouched = float(l1(inputs, truth).mean())
    return 1.0 - float(l1(images, truth).mean()) / untouched if untouched > 0 else float("nan")


def outside(images: np.ndarray, sources: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Gives how much every image differs from its source where the true edit changes nothing.

    Args:
        images: Edited images, float `(n, h, w, c)` in [-1, 1].
        sources: What was edited, of the same shape.
        truth: The true edits, of the same shape; a pixel in which one differs from its source by
            more than 2 of 255 in any channel belongs to the edit.

    Returns:
        float32 `(n,)` in [0, 2], meant over the other pixels; NaN where there are none.
    """
    images, sources = _checked(images, sources)
    truth, sources = _checked(truth, sources)
    kept = np.abs(truth - sources).max(-1) <= _SAME
    apart = np.abs(images - sources).mean(-1)
    counts = kept.sum((1, 2))
    sums = np.where(kept, apart, 0.0).sum((1, 2))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _in_chunks(measure: Callable, images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Measures some images at a time, so that large sets need little memory."""
    parts = [
        measure(images[start : start + _CHUNK], truth[start : start + _CHUNK])
        for start in range(0, len(images), _CHUNK)
    ]
    return np.concatenate(parts)


def _checked(images: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images, truth = np.asarray(images, np.float32), np.asarray(truth, np.float32)
    if images.shape != truth.shape or images.ndim != 4 or not len(images):
        raise ValueError(
            "`images` and `truth` must have one equal shape (n, h, w, c) with n at least 1, "
            f"got {images.shape} and {truth.shape}"
        )
    return images, truth
