"""The mean of a beta distribution, against SciPy."""

import keras
import numpy as np
import pytest
from scipy.stats import beta

from tf_translate.layers.introspective.beta_mean import BetaMean


def test_a_colour_is_the_mean_of_the_beta_distribution_scaled_to_the_range_of_images():
    parameters = np.random.default_rng(0).uniform(0.01, 1, (2, 3, 4, 2)).astype(np.float32)
    expected = 2.0 * beta(parameters[..., 0], parameters[..., 1]).mean() - 1.0
    np.testing.assert_allclose(BetaMean()(parameters)[..., 0], expected, atol=1e-6)
    # No parameter at all is black: 0 / 1e-8.
    assert float(BetaMean()(np.zeros((1, 1, 1, 2), np.float32))[0, 0, 0, 0]) == -1.0


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(ValueError, match="two channels, alpha and beta, got 3"):
        BetaMean()(keras.Input((4, 4, 3)))
