"""Introspective GAN losses and distances, by hand and against NumPy."""

import numpy as np
import pytest

from tf_translate.losses.introspective import (
    INTROSPECTIVE_GAN_LOSSES,
    binary_discriminator,
    binary_generator,
    feature_distance,
    kl_from_standard_normal,
    ternary_discriminator,
    ternary_generator,
)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _cross_entropy(logits, label):
    return -np.log(np.exp(logits[:, label]) / np.exp(logits).sum(1)).mean()


def test_binary_losses_by_hand():
    # log(1 + e^-2) = 0.126928 for a logit of 2 on the right side, 2.126928 on the wrong side.
    real, reconstructed, sampled = np.float32([[2.0]]), np.float32([[-2.0]]), np.float32([[2.0]])
    loss = binary_discriminator(real, reconstructed, sampled)
    assert float(loss) == pytest.approx(2 * 0.126928 + 2.126928, abs=1e-5)
    loss = binary_generator(reconstructed, sampled)
    assert float(loss) == pytest.approx(2.126928 + 0.126928, abs=1e-5)


def test_ternary_losses_are_cross_entropies_of_three_classes_in_order():
    real, reconstructed, sampled = (_random(4, 3, seed=seed) for seed in range(3))
    expected = (
        _cross_entropy(real, 0) + _cross_entropy(reconstructed, 1) + _cross_entropy(sampled, 2)
    )
    assert float(ternary_discriminator(real, reconstructed, sampled)) == pytest.approx(
        expected, rel=1e-5
    )
    expected = _cross_entropy(reconstructed, 0) + _cross_entropy(sampled, 0)
    assert float(ternary_generator(reconstructed, sampled)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "classes"), [("binary", 2), ("ternary", 3)])
def test_losses_at_equal_logits_are_logarithms_of_the_number_of_classes(name, classes):
    loss = INTROSPECTIVE_GAN_LOSSES[name]
    zeros = np.zeros((2, loss.num_logits), np.float32)
    assert float(loss.discriminator(zeros, zeros, zeros)) == pytest.approx(
        3 * np.log(classes), rel=1e-5
    )
    assert float(loss.generator(zeros, zeros)) == pytest.approx(2 * np.log(classes), rel=1e-5)


def test_feature_distance_is_the_mean_over_layers_of_any_size():
    # Squared differences of 1 and 9, whatever the sizes of the layers: (1 + 9) / 2.
    layers = [np.zeros((2, 8, 8, 3), np.float32), np.zeros((2, 4, 4, 7), np.float32)]
    others = [layers[0] + 1.0, layers[1] - 3.0]
    assert float(feature_distance(layers, others)) == pytest.approx(5.0)
    assert float(feature_distance(layers, layers)) == 0.0


def test_the_divergence_equals_its_integral():
    mean, log_sigma = _random(2, 3), 0.3 * _random(2, 3, seed=1)
    points = np.linspace(-12, 12, 200_001)
    normal = np.exp(-0.5 * points**2) / np.sqrt(2 * np.pi)
    expected = []
    for mu, sigma in zip(mean.ravel(), np.exp(log_sigma.ravel()), strict=True):
        own = np.exp(-0.5 * ((points - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        log_ratio = np.log(sigma) * -1 - 0.5 * ((points - mu) / sigma) ** 2 + 0.5 * points**2
        expected.append(np.trapezoid(own * log_ratio, points))
        assert np.trapezoid(normal, points) == pytest.approx(1.0)
    found = float(kl_from_standard_normal(mean, log_sigma))
    assert found == pytest.approx(np.mean(expected), rel=1e-4)


def test_the_divergence_of_a_standard_normal_is_zero():
    assert float(kl_from_standard_normal(np.zeros((2, 3)), np.zeros((2, 3)))) == 0.0
