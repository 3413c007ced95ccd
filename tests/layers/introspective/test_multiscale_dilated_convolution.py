"""The multiscale dilated convolution against its definition in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import correlate

from tf_translate.layers.introspective.multiscale_dilated_convolution import MultiscaleDilatedConv2D


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _built(filters, scales, channels):
    layer = MultiscaleDilatedConv2D(filters, scales)
    layer.build((None, 8, 8, channels))
    for seed, weight in enumerate(layer.weights):
        weight.assign(_random(*weight.shape, seed=seed))
    return layer


def _convolution(image, kernel, rate):
    """One channel of one image; the kernel's taps are `rate` pixels apart."""
    spread = np.zeros((1 + 2 * rate, 1 + 2 * rate))
    spread[::rate, ::rate] = kernel
    return correlate(image, spread, mode="constant")


@pytest.mark.parametrize("scales", [(0, 2), (0, 2, 3), (2, 3, 4), ()])
def test_the_output_is_the_weighted_sum_of_convolutions_by_one_kernel(scales):
    layer, features = _built(2, scales, 3), _random(1, 8, 8, 3, seed=5)
    kernel, coefficients = layer.kernel.numpy(), layer.coefficients.numpy()
    expected = np.zeros((8, 8, 2))
    for index, scale in enumerate((1, *scales)):
        for channel in range(3):
            for one in range(2):
                taps, image = kernel[:, :, channel, one], features[0, ..., channel]
                part = _convolution(image, taps, scale) if scale else taps.mean() * image
                expected[..., one] += coefficients[index, one] * part
    np.testing.assert_allclose(layer(features)[0], expected, atol=1e-4)


def test_the_sum_is_a_mean_at_first_and_weights_are_those_of_the_code():
    layer = MultiscaleDilatedConv2D(64, (0, 2, 3))
    layer.build((None, 8, 8, 64))
    np.testing.assert_array_equal(layer.coefficients, np.full((4, 64), 0.25))
    assert layer.kernel.shape == (3, 3, 64, 64)
    assert layer.kernel.numpy().std() == pytest.approx(0.02, rel=0.02)  # of 36,864 weights
    assert layer.count_params() == 9 * 64 * 64 + 4 * 64


def test_gradients_of_kernel_and_coefficients_equal_finite_differences():
    layer, features = _built(2, (0, 2), 2), tf.constant(_random(1, 6, 6, 2, seed=5))
    upstream = _random(1, 6, 6, 2, seed=6)

    def total():
        return tf.reduce_sum(upstream * layer(features))

    for weight in layer.trainable_weights:
        with tf.GradientTape() as tape:
            value = total()
        gradient = tape.gradient(value, weight.value).numpy()
        start, direction = weight.numpy(), _random(*weight.shape, seed=7)
        weight.assign(start + 1e-2 * direction)
        above = float(total())
        weight.assign(start - 1e-2 * direction)
        expected = (above - float(total())) / 2e-2  # linear in each weight alone
        weight.assign(start)
        assert (gradient * direction).sum() == pytest.approx(expected, rel=1e-3)


def test_the_layer_is_restored_from_a_file(tmp_path):
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, MultiscaleDilatedConv2D(4, (0, 3))(inputs))
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras")
    features = _random(2, 8, 8, 3)
    np.testing.assert_array_equal(model(features), copy(features))
    assert model.output_shape == (None, 8, 8, 4)


@pytest.mark.parametrize("scales", [(1,), (-2,), (2, 2)])
def test_scales_that_are_the_kernels_own_negative_or_repeated_are_refused(scales):
    with pytest.raises(ValueError, match="`scales` must be 0 or at least 2, each once"):
        MultiscaleDilatedConv2D(4, scales)
    with pytest.raises(ValueError, match="`filters` must be positive, got 0"):
        MultiscaleDilatedConv2D(0, (2,))
