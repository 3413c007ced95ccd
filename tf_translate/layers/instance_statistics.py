"""Normalisation by the statistics of each image, or by a scale and offset in their place."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import tensorflow as tf

Frozen = tuple[tuple[float, ...], tuple[float, ...]]  # scale and offset of each channel


class ImageStatistics:
    """The normalization of a norm at inference: by the statistics of each image, or frozen.

    A frozen norm is one multiplication and one addition for each channel. Converters fold it into
    the convolution before it, and a pixel no longer depends on the rest of its image.

    Attributes:
        epsilon: Added to the variance of an image.
        frozen: Scale and offset of each channel, or None for the statistics of each image.

    Args:
        epsilon: Positive float.
        frozen: As the attribute.
    """

    def __init__(self, epsilon: float, frozen: Sequence[Sequence[float]] | None = None):
        self.epsilon = epsilon
        self.frozen: Frozen | None = None
        self._override: Callable | None = None  # replaces `normalise`, within a context
        if frozen is not None:
            self.freeze(*frozen)

    def freeze(self, scale: Sequence[float], offset: Sequence[float]) -> None:
        """Fixes the scale and the offset of each channel for all images."""
        self.frozen = (tuple(map(float, scale)), tuple(map(float, offset)))

    def normalise(self, values):
        """Normalises float32 `(batch, height, width, channels)`; same shape."""
        if self.frozen is not None:
            return values * self.frozen[0] + self.frozen[1]
        if self._override is not None:
            return self._override(values)
        centred = values - mean_of_image(values)
        variance = mean_of_image(centred * centred)
        return centred * tf.math.rsqrt(variance + self.epsilon)


def mean_of_image(values: tf.Tensor) -> tf.Tensor:
    """Mean of each channel of each image, `(batch, 1, 1, channels)`, one axis after the other.

    XNNPACK sums two axes value by value. Over a constant background all rounding errors have the
    same sign, and a norm of 64x64 pixels is off by 2e-4. With two short sums it is off by 5e-6.
    """
    return tf.reduce_mean(tf.reduce_mean(values, 2, keepdims=True), 1, keepdims=True)


def nearest_affine(values: tf.Tensor, epsilon: float) -> tuple:
    """The scale and offset of each channel that are closest to normalising each image by itself.

    For images with means m and variances v, least squares over all pixels of all images give
    scale = mean(v / sqrt(v + epsilon)) / (mean(v) + variance of m) and offset = -scale mean(m).
    A channel that is constant within every image becomes 0, as by its own statistics.

    Args:
        values: float32 `(batch, height, width, channels)`, the images of a calibration set.
        epsilon: Added to the variance of an image.

    Returns:
        Scale and offset, each float32 `(channels,)`.
    """
    means, variances = tf.nn.moments(values, [1, 2])  # (B, H, W, C) -> (B, C)
    mean, spread = tf.nn.moments(means, [0])
    mean_scaled = tf.reduce_mean(variances * tf.math.rsqrt(variances + epsilon), 0)
    scale = tf.math.divide_no_nan(mean_scaled, tf.reduce_mean(variances, 0) + spread)
    return scale, -scale * mean


@contextlib.contextmanager
def fitted_to_first_batch(norms: Sequence[ImageStatistics]) -> Iterator[dict[int, tuple]]:
    """Inside the context, each norm fits a scale and offset to its first batch and applies them.

    So every norm is fitted to the outputs of frozen norms before it. May be traced.

    Yields:
        A dictionary that is filled inside the context: scale and offset of each norm that got a
        batch, by its index in `norms`.
    """
    found: dict[int, tuple] = {}

    def normalise(index: int, values):
        if index not in found:
            found[index] = nearest_affine(values, norms[index].epsilon)
        return values * found[index][0] + found[index][1]

    with _override(norms, normalise):
        yield found


@contextlib.contextmanager
def pooled_over_batch(norms: Sequence[ImageStatistics]) -> Iterator[list[tuple]]:
    """Inside the context, each norm treats its batch as one image. May be traced.

    Yields:
        A list that is filled inside the context, in the order in which norms run: the mean and
        the factor 1 / sqrt(variance + epsilon) of each channel, float32 `(1, 1, 1, channels)`.
    """
    found: list[tuple] = []

    def normalise(index: int, values):
        mean = _mean(values)
        centred = values - mean
        scale = tf.math.rsqrt(_mean(centred * centred) + norms[index].epsilon)
        found.append((mean, scale))
        return centred * scale

    with _override(norms, normalise):
        yield found


@contextlib.contextmanager
def fixed_statistics(
    norms: Sequence[ImageStatistics], statistics: Iterable[tuple]
) -> Iterator[None]:
    """Inside the context, norms use these statistics, in the order in which they run.

    Args:
        norms: The norms; frozen ones stay as they are.
        statistics: As `pooled_over_batch` yields them.
    """
    remaining = iter(statistics)

    def normalise(_: int, values):
        mean, scale = next(remaining)
        return (values - mean) * scale

    with _override(norms, normalise):
        yield


@contextlib.contextmanager
def _override(norms: Sequence[ImageStatistics], normalise: Callable) -> Iterator[None]:
    """Inside the context, `normalise` is called with a norm's index and values."""
    for index, norm in enumerate(norms):
        norm._override = functools.partial(normalise, index)
    try:
        yield
    finally:
        for norm in norms:
            norm._override = None


def _mean(values):
    """The mean of each channel over a batch of images, by operations that XNNPACK runs."""
    return tf.reduce_mean(mean_of_image(values), 0, keepdims=True)
