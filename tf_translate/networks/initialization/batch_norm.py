"""Batch normalization with the constants of a paper's code."""

import dataclasses

import keras

from tf_translate.layers.batch_norm import BatchNormalization


@dataclasses.dataclass(frozen=True)
class BatchNorm:
    """Normalizes features with these constants; the defaults are PyTorch's.

    Attributes:
        epsilon: Added to the variance; positive.
        momentum: Fraction of a moving statistic that a step keeps; in [0, 1).
        scale_stddev: Standard deviation of the initial scales around 1; 0: all are 1.
    """

    epsilon: float = 1e-5
    momentum: float = 0.9
    scale_stddev: float = 0.0

    def __call__(self, features):
        """Normalizes symbolic features `(batch, height, width, channels)`."""
        scale = keras.initializers.RandomNormal(1.0, self.scale_stddev)
        return BatchNormalization(
            epsilon=self.epsilon,
            momentum=self.momentum,
            gamma_initializer=scale if self.scale_stddev else "ones",
        )(features)
