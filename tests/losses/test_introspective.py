"""The introspective games and distances, by hand and against NumPy."""

import numpy as np
import pytest

from tf_translate.losses.introspective import (
    GAMES,
    binary_discriminator,
    binary_generator,
    divergence_from_normal,
    feature_distance,
    ternary_discriminator,
    ternary_generator,
)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _log_share(logits, label):
    return -np.log(np.exp(logits[:, label]) / np.exp(logits).sum(1)).mean()


def test_the_binary_game_by_hand():
    # log(1 + e^-2) = 0.126928 where the right side has logit 2, 2.126928 where the wrong one has.
    real, reconstructed, sampled = np.float32([[2.0]]), np.float32([[-2.0]]), np.float32([[2.0]])
    loss = binary_discriminator(real, reconstructed, sampled)
    assert float(loss) == pytest.approx(2 * 0.126928 + 2.126928, abs=1e-5)
    loss = binary_generator(reconstructed, sampled)
    assert float(loss) == pytest.approx(2.126928 + 0.126928, abs=1e-5)


def test_the_ternary_game_tells_three_classes_in_their_order():
    real, reconstructed, sampled = (_random(4, 3, seed=seed) for seed in range(3))
    expected = _log_share(real, 0) + _log_share(reconstructed, 1) + _log_share(sampled, 2)
    assert float(ternary_discriminator(real, reconstructed, sampled)) == pytest.approx(
        expected, rel=1e-5
    )
    expected = _log_share(reconstructed, 0) + _log_share(sampled, 0)
    assert float(ternary_generator(reconstructed, sampled)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "classes"), [("binary", 2), ("ternary", 3)])
def test_a_discriminator_that_knows_nothing_pays_for_every_class(name, classes):
    game = GAMES[name]
    zeros = np.zeros((2, game.logits), np.float32)
    assert float(game.discriminator(zeros, zeros, zeros)) == pytest.approx(
        3 * np.log(classes), rel=1e-5
    )
    assert float(game.generator(zeros, zeros)) == pytest.approx(2 * np.log(classes), rel=1e-5)


def test_features_are_compared_layer_by_layer_each_weighing_the_same():
    # Squared differences of 1 and 9, whatever the sizes of the layers: (1 + 9) / 2.
    layers = [np.zeros((2, 8, 8, 3), np.float32), np.zeros((2, 4, 4, 7), np.float32)]
    others = [layers[0] + 1.0, layers[1] - 3.0]
    assert float(feature_distance(layers, others)) == pytest.approx(5.0)
    assert float(feature_distance(layers, layers)) == 0.0


def test_the_divergence_is_the_integral_it_stands_for():
    mean, log_sigma = _random(2, 3), 0.3 * _random(2, 3, seed=1)
    places = np.linspace(-12, 12, 200_001)
    normal = np.exp(-0.5 * places**2) / np.sqrt(2 * np.pi)
    expected = []
    for mu, sigma in zip(mean.ravel(), np.exp(log_sigma.ravel()), strict=True):
        own = np.exp(-0.5 * ((places - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        log_ratio = np.log(sigma) * -1 - 0.5 * ((places - mu) / sigma) ** 2 + 0.5 * places**2
        expected.append(np.trapezoid(own * log_ratio, places))
        assert np.trapezoid(normal, places) == pytest.approx(1.0)
    found = float(divergence_from_normal(mean, log_sigma))
    assert found == pytest.approx(np.mean(expected), rel=1e-4)


def test_a_standard_normal_does_not_diverge():
    assert float(divergence_from_normal(np.zeros((2, 3)), np.zeros((2, 3)))) == 0.0
