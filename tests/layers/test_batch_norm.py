import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.batch_norm import BatchNormalization


def test_inference_by_image_statistics_equals_training_on_one_image():
    images = np.random.default_rng(0).normal(2.0, 3.0, (1, 4, 4, 3)).astype(np.float32)
    layer = BatchNormalization("image", synchronized=False)
    training = layer(images, training=True)
    np.testing.assert_allclose(layer(images, training=False), training, atol=1e-4)


def test_image_statistics_do_not_depend_on_the_rest_of_the_batch():
    images = np.random.default_rng(0).normal(2.0, 3.0, (3, 4, 4, 3)).astype(np.float32)
    layer = BatchNormalization("image")
    np.testing.assert_allclose(layer(images)[1:2], layer(images[1:2]), atol=1e-6)


def test_normalization_by_image_statistics_equals_numpy():
    images = np.random.default_rng(0).normal(2.0, 3.0, (2, 4, 4, 3)).astype(np.float32)
    mean, variance = (f(images, (1, 2), keepdims=True) for f in (np.mean, np.var))
    expected = (images - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(BatchNormalization("image")(images), expected, atol=1e-4)


def test_inference_does_not_update_the_moving_averages():
    layer = BatchNormalization("image")
    layer(np.ones((1, 2, 2, 3), np.float32), training=False)
    np.testing.assert_array_equal(layer.moving_mean, [0.0, 0.0, 0.0])


def test_inference_uses_moving_averages_by_default():
    images = np.full((1, 2, 2, 1), 5.0, np.float32)
    np.testing.assert_allclose(BatchNormalization()(images), images, rtol=1e-4)


def test_unknown_inference_statistics_are_refused():
    with pytest.raises(ValueError, match="`inference_statistics` must be one of"):
        BatchNormalization("sometimes")


def _by_hand(values, gamma, beta):
    """Batch norm in float64, axis after axis, so that all of its gradients are exact."""
    axes = list(range(len(values.shape) - 1))
    centred = values - tf.reduce_mean(values, axes)
    variance = tf.reduce_mean(centred * centred, axes)
    return centred / tf.sqrt(variance + tf.constant(1e-5, tf.float64)) * gamma + beta


@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (7, 2)])
def test_training_equals_numpy_and_updates_the_averages_by_a_tenth(shape):
    values = np.random.default_rng(0).normal(2.0, 3.0, shape).astype(np.float32)
    layer = BatchNormalization()
    layer.build(shape)
    layer.gamma.assign([2.0, 0.5])
    layer.beta.assign([1.0, -1.0])
    axes = tuple(range(len(shape) - 1))
    mean, variance = (f(values.astype(np.float64), axes) for f in (np.mean, np.var))  # not n - 1
    expected = (values - mean) / np.sqrt(variance + 1e-5) * [2.0, 0.5] + [1.0, -1.0]
    np.testing.assert_allclose(layer(values, training=True), expected, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance, rtol=1e-5)


def _gradients(norm, values, gamma, beta):
    """Of a sum, and of the squared norm of its gradient, as a gradient penalty needs it."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([values, gamma, beta])
        with tf.GradientTape() as inner:
            inner.watch(values)
            total = tf.reduce_sum(tf.tanh(norm(values, gamma, beta)))
        squared_norm = tf.reduce_sum(tf.square(inner.gradient(total, values)))
    return [
        *tape.gradient(total, [values, gamma, beta]),
        *tape.gradient(squared_norm, [values, gamma]),
    ]


@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (7, 2)])
def test_first_and_second_gradients_in_training_equal_float64(shape):
    values = np.random.default_rng(0).normal(2.0, 3.0, shape)
    arguments = [values, np.array([2.0, 0.5]), np.array([1.0, -1.0])]
    layer = BatchNormalization()
    layer.build(shape)
    layer.gamma.assign(arguments[1])
    layer.beta.assign(arguments[2])
    learned = layer.gamma.value, layer.beta.value
    found = _gradients(
        lambda values, *_: layer(values, training=True), tf.constant(values, tf.float32), *learned
    )
    exact = _gradients(_by_hand, *(tf.constant(each, tf.float64) for each in arguments))
    for gradient, expected in zip(found, exact, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def test_bfloat16_rounds_the_output_of_batch_norm_alone():
    values = np.random.default_rng(0).normal(100.0, 1.0, (8, 16, 16, 1)).astype(np.float32)
    values = tf.cast(values, tf.bfloat16)  # in steps of 0.5: sums of 2,048 of them need float32
    exact = np.asarray(tf.cast(values, tf.float64))
    expected = (exact - exact.mean()) / np.sqrt(exact.var() + 1e-5)
    layer = BatchNormalization(dtype="mixed_bfloat16")
    result = layer(values, training=True)
    assert result.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(result, tf.float32), expected, rtol=2**-8)
    np.testing.assert_allclose(layer.moving_mean, [0.1 * exact.mean()], rtol=1e-6)
    assert layer.moving_mean.dtype == "float32"
