"""Statistics frozen, pooled over a batch and lent, held against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.layers.instance_statistics import lending, nearest_affine, pooling, settling


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


def test_two_images_of_two_pixels_by_hand():
    # 0 and 2: mean 1, variance 1, normalised -1 and 1. 4 and 8: mean 6, variance 4, -1 and 1.
    # Means have the variance 6.25, variances the mean 2.5, their roots 1.5:
    # scale 1.5 / (2.5 + 6.25) = 6 / 35, offset -3.5 * 6 / 35 = -0.6.
    images = np.float32([0, 2, 4, 8]).reshape(2, 1, 2, 1)
    scale, offset = nearest_affine(tf.constant(images), 0.0)
    np.testing.assert_allclose([scale[0], offset[0]], [6 / 35, -0.6], rtol=1e-6)


@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_the_scale_and_offset_are_those_of_least_squares(epsilon):
    images = _images()
    found = nearest_affine(tf.constant(images), epsilon)
    np.testing.assert_allclose(found, _fitted(images, epsilon), rtol=1e-4)


def test_of_one_image_they_normalise_it_as_its_own_statistics_do():
    images = _images(count=1)
    scale, offset = nearest_affine(tf.constant(images), 1e-5)
    expected = _by_each_image(images, 1e-5)
    np.testing.assert_allclose(images * scale + offset, expected, atol=1e-3)


def test_a_channel_that_is_flat_in_every_image_becomes_0_as_by_its_own_statistics():
    images = np.float32([3, 7]).reshape(2, 1, 1, 1)  # the bottleneck of a U-Net: one pixel
    np.testing.assert_array_equal(nearest_affine(tf.constant(images), 1e-5), [[0], [0]])


@pytest.mark.parametrize(
    "make",
    [
        lambda **more: InstanceNormalization(affine=True, **more),
        lambda **more: BatchNormalization("image", **more),
    ],
)
def test_a_frozen_layer_multiplies_and_adds_at_inference_alone(make):
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


def test_while_settling_a_norm_meets_what_those_ahead_will_give_once_frozen():
    # The second norm must be fitted to what the first gives frozen, not to what it gives live.
    first, second = InstanceNormalization(epsilon=1e-3), InstanceNormalization(epsilon=1e-3)
    images = _images()
    statistics = [first.image_statistics, second.image_statistics]

    @tf.function(autograph=False)
    def settled(values):
        with settling(statistics) as found:
            second(2.0 * first(values) + 1.0)
        return found

    found = settled(tf.constant(images))
    scale, offset = _fitted(images, 1e-3)
    np.testing.assert_allclose(found[0], [scale, offset], rtol=1e-3)
    between = 2.0 * (images * scale + offset) + 1.0
    np.testing.assert_allclose(found[1], _fitted(between, 1e-3), rtol=1e-3, atol=1e-5)
    live = 2.0 * _by_each_image(images, 1e-3) + 1.0
    assert np.abs(found[1][0] - _fitted(live, 1e-3)[0]).max() > 0.01


def test_settling_leaves_no_trace_and_passes_by_norms_that_nothing_runs():
    used, unused = InstanceNormalization(), InstanceNormalization()
    images = _images()
    live = np.asarray(used(images))
    with settling([used.image_statistics, unused.image_statistics]) as found:
        used(images)
    assert list(found) == [0]
    np.testing.assert_array_equal(used(images), live)


def test_pooled_norms_take_a_batch_as_one_image_and_lent_ones_what_they_are_given():
    first, second = InstanceNormalization(epsilon=1e-3), InstanceNormalization(epsilon=1e-3)
    every, images = [second.image_statistics, first.image_statistics], _images()
    live = np.asarray(second(2.0 * first(images) + 1.0))

    def by_all(values):
        mean, variance = (f(values, (0, 1, 2), keepdims=True) for f in (np.mean, np.var))
        return mean, 1.0 / np.sqrt(variance + 1e-3)

    with pooling(every) as found:
        whole = second(2.0 * first(images) + 1.0)
    mean, scale = by_all(images.astype(np.float64))
    between = 2.0 * (images - mean) * scale + 1.0
    expected = (mean, scale), by_all(between)
    for (one, other), (mean, scale) in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, mean, atol=1e-5)
        np.testing.assert_allclose(other, scale, rtol=1e-5)
    np.testing.assert_allclose(whole, (between - mean) * scale, atol=1e-5)
    with lending(every, found):
        lent = second(2.0 * first(images[:1]) + 1.0)
    np.testing.assert_allclose(lent, whole[:1], atol=1e-6)
    np.testing.assert_array_equal(second(2.0 * first(images) + 1.0), live)  # no trace is left
    assert np.abs(live - whole).max() > 0.1
