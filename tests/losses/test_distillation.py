"""The distances between students and teachers, against their equations in NumPy."""

import numpy as np
import pytest

from tf_translate.losses.distillation import (
    channel_distance,
    gram_distance,
    structural_dissimilarity,
)

RANDOM = np.random.default_rng(0)


def _features(*shape):
    return RANDOM.uniform(0, 2, shape).astype(np.float32)


def _gram(features):
    count, height, width, channels = features.shape
    flat = features.reshape(count, height * width, channels)
    return np.einsum("bpc,bpd->bcd", flat, flat) / (channels * height * width)


def test_gram_distance_is_the_mean_absolute_difference_of_gram_matrices():
    ones, others = ([_features(2, 4, 6, 3), _features(2, 2, 3, 5)] for _ in range(2))
    expected = sum(np.abs(_gram(a) - _gram(b)).mean() for a, b in zip(ones, others, strict=True))
    assert float(gram_distance(ones, others)) == pytest.approx(expected, rel=1e-5)
    assert float(gram_distance(ones, ones)) == 0


def test_channel_distance_compares_means_over_pixels_of_any_number():
    student, teacher = [_features(2, 4, 4, 3)], [_features(2, 8, 8, 3)]
    means = student[0].mean((1, 2)) - teacher[0].mean((1, 2))
    assert float(channel_distance(student, teacher)) == pytest.approx((means**2).mean(), rel=1e-5)


def test_structural_dissimilarity_is_0_for_equal_images_and_as_defined_for_constant_ones():
    images = RANDOM.uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    assert float(structural_dissimilarity(images, images)) == pytest.approx(0, abs=1e-6)
    # Of constant images only the luminance counts: (2 m n + c) / (m^2 + n^2 + c), c = 0.01^2.
    dark, light = (
        np.full((1, 16, 16, 3), -0.5, np.float32),
        np.full((1, 16, 16, 3), 0.5, np.float32),
    )
    expected = 1 - (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert float(structural_dissimilarity(dark, light)) == pytest.approx(expected, abs=1e-4)
