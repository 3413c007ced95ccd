"""Normalising by the statistics of each image, or by one scale and offset that stand for them."""

import contextlib
from collections.abc import Iterator, Sequence

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
        self._settled: tuple | None = None
        self._settles = False
        if frozen is not None:
            self.freeze(*frozen)

    def freeze(self, scale: Sequence[float], offset: Sequence[float]) -> None:
        """Fixes what each channel is multiplied with and what is added then."""
        self.frozen = (tuple(map(float, scale)), tuple(map(float, offset)))

    def normalise(self, values):
        """Normalises float32 `(batch, height, width, channels)`; same shape."""
        if self.frozen is not None:
            return values * self.frozen[0] + self.frozen[1]
        if self._settles:
            self._settled = self._settled or nearest_affine(values, self.epsilon)
            return values * self._settled[0] + self._settled[1]
        centred = values - tf.reduce_mean(values, [1, 2], keepdims=True)
        variance = tf.reduce_mean(centred * centred, [1, 2], keepdims=True)
        return centred * tf.math.rsqrt(variance + self.epsilon)


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
        Filled when the block ends normally: scale and offset by position in `every`, for those
        that met a batch.
    """
    found: dict[int, tuple] = {}
    for each in every:
        each._settled, each._settles = None, True
    try:
        yield found
        found |= {at: each._settled for at, each in enumerate(every) if each._settled is not None}
    finally:
        for each in every:
            each._settled, each._settles = None, False
