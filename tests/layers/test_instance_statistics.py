"""Frozen statistics, and statistics replaced within a context, compared with NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.layers.instance_statistics import (
    fitted_to_first_batch,
    fixed_statistics,
    nearest_affine,
    pooled_over_batch,
)


def _images(seed=0, count=5):
    random = np.random.default_rng(seed)
    levels, spreads = random.normal(2, 3, (2, count, 1, 1, 3))
    return (levels + spreads * random.normal(size=(count, 4, 6, 3))).astype(np.float32)


def _by_each_image(images, epsilon):
    mean, variance = (f(images, (1, 2), keepdims=True) for f in (np.mean, np.var))
    return (images - mean) / np.sqrt(variance + epsilon)


def _fitted(images, epsilon):
    """Scale and offset of each channel by numpy.linalg.lstsq over all pixels."""
    targets = _by_each_image(images.astype(np.float64), epsilon)
    found = []
    for channel in range(images.shape[-1]):
        values = images[..., channel].ravel().astype(np.float64)
        columns = np.stack([values, np.ones_like(values)], -1)
        found.append(np.linalg.lstsq(columns, targets[..., channel].ravel(), rcond=None)[0])
    return np.transpose(found)


def test_the_nearest_affine_map_of_two_images_by_hand():
    # 0 and 2: mean 1, variance 1, normalised -1 and 1. 4 and 8: mean 6, variance 4, -1 and 1.
    # Means have the variance 6.25, variances the mean 2.5, their roots 1.5:
    # scale 1.5 / (2.5 + 6.25) = 6 / 35, offset -3.5 * 6 / 35 = -0.6.
    images = np.float32([0, 2, 4, 8]).reshape(2, 1, 2, 1)
    scale, offset = nearest_affine(tf.constant(images), 0.0)
    np.testing.assert_allclose([scale[0], offset[0]], [6 / 35, -0.6], rtol=1e-6)


@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_the_nearest_affine_map_is_that_of_least_squares(epsilon):
    images = _images()
    found = nearest_affine(tf.constant(images), epsilon)
    np.testing.assert_allclose(found, _fitted(images, epsilon), rtol=1e-4)


def test_the_nearest_affine_map_of_one_image_is_its_own_normalization():
    images = _images(count=1)
    scale, offset = nearest_affine(tf.constant(images), 1e-5)
    expected = _by_each_image(images, 1e-5)
    np.testing.assert_allclose(images * scale + offset, expected, atol=1e-3)


def test_the_nearest_affine_map_of_constant_channels_is_zero():
    images = np.float32([3, 7]).reshape(2, 1, 1, 1)  # the bottleneck of a U-Net: one pixel
    np.testing.assert_array_equal(nearest_affine(tf.constant(images), 1e-5), [[0], [0]])


@pytest.mark.parametrize(
    "make",
    [
        lambda **more: InstanceNormalization(affine=True, **more),
        lambda **more: BatchNormalization("image", **more),
    ],
)
def test_frozen_layers_multiply_and_add_at_inference_alone(make):
    images, layer = _images(), make()
    live = layer(images)
    layer.gamma.assign([1.0, 2.0, 3.0])
    layer.beta.assign([0.5, 0.0, -0.5])
    trained = layer(images, training=True)
    layer.image_statistics.freeze([1.0, 0.5, 0.25], [0.0, 1.0, 2.0])
    expected = images * [1.0, 1.0, 0.75] + [0.5, 2.0, 5.5]
    np.testing.assert_allclose(layer(images), expected, rtol=1e-5, atol=1e-5)
    assert np.abs(live - expected).max() > 1
    np.testing.assert_allclose(layer(images, training=True), trained, atol=1e-4)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(images), layer(images))


def test_norms_are_fitted_to_the_outputs_of_frozen_norms():
    # The second norm must be fitted to outputs of the frozen first norm, not of the live one.
    first, second = InstanceNormalization(epsilon=1e-3), InstanceNormalization(epsilon=1e-3)
    images = _images()
    statistics = [first.image_statistics, second.image_statistics]

    @tf.function(autograph=False)
    def fit(values):
        with fitted_to_first_batch(statistics) as found:
            second(2.0 * first(values) + 1.0)
        return found

    found = fit(tf.constant(images))
    scale, offset = _fitted(images, 1e-3)
    np.testing.assert_allclose(found[0], [scale, offset], rtol=1e-3)
    between = 2.0 * (images * scale + offset) + 1.0
    np.testing.assert_allclose(found[1], _fitted(between, 1e-3), rtol=1e-3, atol=1e-5)
    live = 2.0 * _by_each_image(images, 1e-3) + 1.0
    assert np.abs(found[1][0] - _fitted(live, 1e-3)[0]).max() > 0.01


def test_fitting_has_no_effect_afterwards_and_skips_norms_that_do_not_run():
    used, unused = InstanceNormalization(), InstanceNormalization()
    images = _images()
    live = np.asarray(used(images))
    with fitted_to_first_batch([used.image_statistics, unused.image_statistics]) as found:
        used(images)
    assert list(found) == [0]
    np.testing.assert_array_equal(used(images), live)


def test_pooled_statistics_are_those_of_the_batch_and_can_be_fixed():
    first, second = InstanceNormalization(epsilon=1e-3), InstanceNormalization(epsilon=1e-3)
    norms, images = [second.image_statistics, first.image_statistics], _images()
    live = np.asarray(second(2.0 * first(images) + 1.0))

    def statistics_of(values):
        mean, variance = (f(values, (0, 1, 2), keepdims=True) for f in (np.mean, np.var))
        return mean, 1.0 / np.sqrt(variance + 1e-3)

    with pooled_over_batch(norms) as found:
        whole = second(2.0 * first(images) + 1.0)
    mean, scale = statistics_of(images.astype(np.float64))
    between = 2.0 * (images - mean) * scale + 1.0
    expected = (mean, scale), statistics_of(between)
    for (one, other), (mean, scale) in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, mean, atol=1e-5)
        np.testing.assert_allclose(other, scale, rtol=1e-5)
    np.testing.assert_allclose(whole, (between - mean) * scale, atol=1e-5)
    with fixed_statistics(norms, found):
        fixed = second(2.0 * first(images[:1]) + 1.0)
    np.testing.assert_allclose(fixed, whole[:1], atol=1e-6)
    np.testing.assert_array_equal(second(2.0 * first(images) + 1.0), live)  # after the context
    assert np.abs(live - whole).max() > 0.1
