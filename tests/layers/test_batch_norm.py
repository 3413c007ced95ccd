import numpy as np
import pytest

from tf_translate.layers.batch_norm import BatchNormalization


def test_with_one_image_its_statistics_equal_those_of_training():
    images = np.random.default_rng(0).normal(2.0, 3.0, (1, 4, 4, 3)).astype(np.float32)
    layer = BatchNormalization("image", synchronized=False)
    training = layer(images, training=True)
    np.testing.assert_allclose(layer(images, training=False), training, atol=1e-4)


def test_at_inference_an_image_does_not_depend_on_its_batch():
    images = np.random.default_rng(0).normal(2.0, 3.0, (3, 4, 4, 3)).astype(np.float32)
    layer = BatchNormalization("image")
    np.testing.assert_allclose(layer(images)[1:2], layer(images[1:2]), atol=1e-6)


def test_statistics_of_each_image_equal_numpy():
    images = np.random.default_rng(0).normal(2.0, 3.0, (2, 4, 4, 3)).astype(np.float32)
    mean, variance = (f(images, (1, 2), keepdims=True) for f in (np.mean, np.var))
    expected = (images - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(BatchNormalization("image")(images), expected, atol=1e-4)


def test_inference_never_moves_the_averages():
    layer = BatchNormalization("image")
    layer(np.ones((1, 2, 2, 3), np.float32), training=False)
    np.testing.assert_array_equal(layer.moving_mean, [0.0, 0.0, 0.0])


def test_moving_averages_are_used_by_default():
    images = np.full((1, 2, 2, 1), 5.0, np.float32)
    np.testing.assert_allclose(BatchNormalization()(images), images, rtol=1e-4)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="`inference_statistics` must be one of"):
        BatchNormalization("sometimes")
