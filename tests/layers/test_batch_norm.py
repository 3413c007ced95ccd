import numpy as np
import pytest

from tf_translate.layers.batch_norm import BatchNormalization


def test_batch_statistics_at_inference_equal_those_of_training():
    images = np.random.default_rng(0).normal(2.0, 3.0, (2, 4, 4, 3)).astype(np.float32)
    layer = BatchNormalization("batch", synchronized=False)
    training = layer(images, training=True)
    np.testing.assert_allclose(layer(images, training=False), training, atol=1e-4)


def test_batch_statistics_at_inference_equal_numpy():
    images = np.random.default_rng(0).normal(2.0, 3.0, (2, 4, 4, 3)).astype(np.float32)
    expected = (images - images.mean((0, 1, 2))) / np.sqrt(images.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(BatchNormalization("batch")(images), expected, atol=1e-4)


def test_inference_never_moves_the_averages():
    layer = BatchNormalization("batch")
    layer(np.ones((1, 2, 2, 3), np.float32), training=False)
    np.testing.assert_array_equal(layer.moving_mean, [0.0, 0.0, 0.0])


def test_moving_averages_are_used_by_default():
    images = np.full((1, 2, 2, 1), 5.0, np.float32)
    np.testing.assert_allclose(BatchNormalization()(images), images, rtol=1e-4)


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="`inference_statistics` must be one of"):
        BatchNormalization("sometimes")
