"""Normalising by the statistics of each image, or by one scale and offset that stand for them."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import tensorflow as tf

Frozen = tuple[tuple[float, ...], tuple[float, ...]]  # scale and offset of each channel


class ImageStatistics:
    """What a norm multiplies with and adds at inference: told by each image, or frozen.

    Frozen, a norm is one multiplication and one addition a channel, which converters fold into
    the convolution ahead of it; what a pixel becomes no longer depends on the rest of the image.

    Attributes:
        epsilon: Added to the variance of an image.
        frozen: Scale and offset of each channel, or None while each image tells its own.

    Args:
        epsilon: Positive float.
        frozen: As from a layer's config.
    """

    def __init__(self, epsilon: float, frozen: Sequence[Sequence[float]] | None = None):
        self.epsilon = epsilon
        self.frozen: Frozen | None = None
        self._instead: Callable | None = None  # of normalising by each image, within a context
        if frozen is not None:
            self.freeze(*frozen)

    def freeze(self, scale: Sequence[float], offset: Sequence[float]) -> None:
        """Fixes what each channel is multiplied with and what is added then."""
        self.frozen = (tuple(map(float, scale)), tuple(map(float, offset)))

    def normalise(self, values):
        """Normalises float32 `(batch, height, width, channels)`; same shape."""
        if self.frozen is not None:
            return values * self.frozen[0] + self.frozen[1]
        if self._instead is not None:
            return self._instead(values)
        centred = values - mean_of_image(values)
        variance = mean_of_image(centred * centred)
        return centred * tf.math.rsqrt(variance + self.epsilon)


def mean_of_image(values):
    """Mean of each channel of each image, `(batch, 1, 1, channels)`, one axis after the other.

    XNNPACK sums both axes in one go, number after number: over a flat background all roundings
    go one way, which put a norm of 64x64 off by 2e-4. Two short sums bring it to 5e-6.
    """
    return tf.reduce_mean(tf.reduce_mean(values, 2, keepdims=True), 1, keepdims=True)


def nearest_affine(values, epsilon: float) -> tuple:
    """The scale and offset a channel that come nearest to normalising each image by itself.

    For images of means m and variances v, least squares over all pixels of all images give
    scale = mean(v / sqrt(v + epsilon)) / (mean(v) + variance of m) and offset = -scale mean(m).
    A channel that is constant within every image becomes 0, as it does by its own statistics.

    Args:
        values: float32 `(batch, height, width, channels)`, the images of a calibration set.
        epsilon: Added to the variance of an image.

    Returns:
        Scale and offset, each float32 `(channels,)`.
    """
    means, variances = tf.nn.moments(values, [1, 2])  # (B, H, W, C) -> (B, C)
    mean, spread = tf.nn.moments(means, [0])
    kept = tf.reduce_mean(variances * tf.math.rsqrt(variances + epsilon), 0)
    scale = tf.math.divide_no_nan(kept, tf.reduce_mean(variances, 0) + spread)
    return scale, -scale * mean


@contextlib.contextmanager
def settling(every: Sequence[ImageStatistics]) -> Iterator[dict[int, tuple]]:
    """Within, each takes one scale and offset from the first batch it meets, and uses them.

    So every norm sees what those ahead of it will give once they are frozen. May be traced.

    Yields:
        Filled within: scale and offset by position in `every`, for those that met a batch.
    """
    found: dict[int, tuple] = {}

    def settled(at: int, values):
        if at not in found:
            found[at] = nearest_affine(values, every[at].epsilon)
        return values * found[at][0] + found[at][1]

    with _instead(every, settled):
        yield found


@contextlib.contextmanager
def pooling(every: Sequence[ImageStatistics]) -> Iterator[list[tuple]]:
    """Within, each normalises by the statistics of its whole batch, as if that were one image.

    May be traced.

    Yields:
        Filled within, in the order in which norms are met: the mean and what is multiplied with,
        1 / sqrt(variance + epsilon), of each channel, both float32 `(1, 1, 1, channels)`.
    """
    found: list[tuple] = []

    def pooled(at: int, values):
        mean = _mean(values)
        centred = values - mean
        scale = tf.math.rsqrt(_mean(centred * centred) + every[at].epsilon)
        found.append((mean, scale))
        return centred * scale

    with _instead(every, pooled):
        yield found


@contextlib.contextmanager
def lending(every: Sequence[ImageStatistics], statistics: Iterable[tuple]) -> Iterator[None]:
    """Within, norms take their statistics from outside, in the order in which they are met.

    Args:
        every: The norms; frozen ones stay as they are.
        statistics: As `pooling` gives them.
    """
    left = iter(statistics)

    def lent(_: int, values):
        mean, scale = next(left)
        return (values - mean) * scale

    with _instead(every, lent):
        yield


@contextlib.contextmanager
def _instead(every: Sequence[ImageStatistics], normalise: Callable) -> Iterator[None]:
    """Within, `normalise` is called with a norm's position and values."""
    for at, each in enumerate(every):
        each._instead = functools.partial(normalise, at)
    try:
        yield
    finally:
        for each in every:
            each._instead = None


def _mean(values):
    """Of each channel over a batch of images of one size, by steps that XNNPACK runs."""
    return tf.reduce_mean(mean_of_image(values), 0, keepdims=True)
