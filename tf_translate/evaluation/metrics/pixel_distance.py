"""Pixel distances to a ground truth, one value per image.

All take float images in [-1, 1], so the data range is 2.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

SSIM_WINDOW = 11  # Wang et al. 2004, sec. III-C: 11x11 Gaussian, sigma 1.5
MAX_PSNR = 100.0  # dB; replaces infinity, so that means stay finite
_RANGE = 2.0
_CHUNK = 64
_UNCHANGED = 2 / 127.5 + 1e-6  # largest difference of an unchanged pixel: 2 of 255


def l1(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Computes the mean absolute difference of every image, in units of [-1, 1].

    Args:
        images, truth: Float `(n, h, w, c)` in [-1, 1], of equal shape.

    Returns:
        float32 `(n,)` in [0, 2]; 0 for a copy.
    """
    images, truth = _checked(images, truth)
    return _in_chunks(lambda a, b: np.abs(a - b).mean(axis=(1, 2, 3)), images, truth)


def psnr(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Computes the peak signal-to-noise ratio of every image in dB, at most 100.

    Arguments as in `l1`. A copy, of infinite PSNR, counts as 100 dB.
    """
    images, truth = _checked(images, truth)
    squared = _in_chunks(
        lambda a, b: np.square(a - b, dtype=np.float64).mean(axis=(1, 2, 3)), images, truth
    )
    min_squared = _RANGE**2 * 10.0 ** (-MAX_PSNR / 10.0)
    return 10.0 * np.log10(_RANGE**2 / np.maximum(squared, min_squared))


def ssim(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Computes the structural similarity of every image, the mean over its channels.

    Intensities are shifted to [0, 2] first, as the luminance term is defined for non-negative
    values. The result equals that of pixels in [0, 255].

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


def skill_score(images: np.ndarray, inputs: np.ndarray, truth: np.ndarray) -> float:
    """Computes the skill score 1 - L1(images, truth) / L1(inputs, truth), of means over the set.

    Args:
        images: Translations, float `(n, h, w, c)` in [-1, 1].
        inputs: The sources, of the same shape.
        truth: The ground truth, of the same shape.

    Returns:
        1 for the ground truth, 0 for the unchanged inputs, negative for images farther from the
        truth. NaN if inputs and truth are equal.
    """
    reference = float(l1(inputs, truth).mean())
    return 1.0 - float(l1(images, truth).mean()) / reference if reference > 0 else float("nan")


def l1_outside_edit(images: np.ndarray, sources: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Computes the L1 distance of every image to its source outside the true edit.

    Args:
        images: Edited images, float `(n, h, w, c)` in [-1, 1].
        sources: The images before editing, of the same shape.
        truth: The true edits, of the same shape; a pixel belongs to the edit if it differs from
            the source by more than 2 of 255 in any channel.

    Returns:
        float32 `(n,)` in [0, 2], the mean over all other pixels; NaN where there are none.
    """
    images, sources = _checked(images, sources)
    truth, sources = _checked(truth, sources)
    unchanged = np.abs(truth - sources).max(-1) <= _UNCHANGED
    differences = np.abs(images - sources).mean(-1)
    counts = unchanged.sum((1, 2))
    sums = np.where(unchanged, differences, 0.0).sum((1, 2))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def l1_inside_edit(images: np.ndarray, sources: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Computes the L1 distance of every image to the truth inside the true edit.

    Args:
        images, sources, truth: As in `l1_outside_edit`.

    Returns:
        float32 `(n,)` in [0, 2], the mean over the pixels of the edit; NaN where there are none.
    """
    images, truth = _checked(images, truth)
    sources, truth = _checked(sources, truth)
    changed = np.abs(truth - sources).max(-1) > _UNCHANGED
    differences = np.abs(images - truth).mean(-1)
    counts = changed.sum((1, 2))
    sums = np.where(changed, differences, 0.0).sum((1, 2))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def _in_chunks(measure: Callable, images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Measures images in chunks, to bound memory."""
    parts = [
        measure(images[start : start + _CHUNK], truth[start : start + _CHUNK])
        for start in range(0, len(images), _CHUNK)
    ]
    return np.concatenate(parts)


def _checked(images: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images, truth = np.asarray(images, np.float32), np.asarray(truth, np.float32)
    if images.shape != truth.shape or images.ndim != 4 or not len(images):
        raise ValueError(
            "`images` and `truth` must have equal shapes (n, h, w, c) with n at least 1, "
            f"got {images.shape} and {truth.shape}"
        )
    return images, truth
