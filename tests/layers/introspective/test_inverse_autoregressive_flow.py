"""The flow against an element-by-element computation: which elements see which, and its inverse."""

import keras
import numpy as np
import tensorflow as tf

from tf_translate.keras_files.loading import load_keras_file
from tf_translate.layers.introspective.inverse_autoregressive_flow import InverseAutoregressiveFlow


def _flow(size=6, gain=2**0.5):  # that of the authors' code
    keras.utils.set_random_seed(1)
    layer = InverseAutoregressiveFlow(gain)
    layer.build((None, size))
    return layer


def _latents(count, size=6):
    return np.random.default_rng(0).normal(size=(count, size)).astype(np.float32)


def _made(latent, kernels, order):
    """One output at a time from the elements that precede it; hidden units see the first alone."""
    hidden, output, direct = (np.array(kernel, np.float64) for kernel in kernels)
    elements = np.argsort(order)  # in order
    first = elements[0]
    activations = np.maximum(latent[first] * hidden[first], 0.0)
    result = np.zeros(len(latent))
    for position, element in enumerate(elements[1:], 1):
        known = elements[:position]
        result[element] = activations @ output[:, element] + latent[known] @ direct[known, element]
    return result


def test_the_flow_equals_the_formula_element_by_element():
    layer, latents = _flow(), _latents(4)
    order = layer.order.numpy()
    for latent, found in zip(latents, layer(latents).numpy(), strict=True):
        mean = _made(latent, layer.mean_kernels, order)
        log_scale = _made(latent, layer.log_scale_kernels, order)
        np.testing.assert_allclose(found, (latent - mean) / np.exp(log_scale), rtol=1e-4, atol=1e-5)


def test_each_element_depends_on_itself_and_on_those_that_precede_it_alone():
    layer, latents = _flow(), tf.constant(_latents(8))
    with tf.GradientTape() as tape:
        tape.watch(latents)
        result = layer(latents)
    jacobian = np.abs(tape.batch_jacobian(result, latents)).max(0)  # [of, with respect to]
    order = layer.order.numpy()
    np.testing.assert_array_equal(jacobian > 0, order[:, None] >= order[None, :])


def test_the_order_is_shuffled_and_weights_are_orthogonal_with_the_gain_of_a_relu():
    layer = _flow(100)
    order = layer.order.numpy()
    assert sorted(order) == list(range(100))
    assert not np.array_equal(order, np.arange(100))
    for kernel in (*layer.mean_kernels, *layer.log_scale_kernels):
        np.testing.assert_allclose(kernel.numpy() @ kernel.numpy().T, 2 * np.eye(100), atol=1e-4)
    assert layer.trainable_weights == []
    assert layer.count_params() == 6 * 100 * 100 + 100


def test_outputs_stay_small_with_a_small_gain_and_explode_with_the_codes():
    random = np.random.default_rng(0)
    mean, log_sigma, noise = random.normal(size=(3, 2000, 100))
    latents = (mean + np.exp(log_sigma) * noise).astype(np.float32)
    assert np.abs(_flow(100, 0.1)(latents)).max() < 1e4
    assert np.abs(_flow(100)(latents)).max() > 1e12


def test_the_flow_stays_in_float32_and_is_restored_from_a_file(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    inputs = keras.Input((6,))
    model = keras.Model(inputs, InverseAutoregressiveFlow(0.3)(inputs))
    model.save(tmp_path / "m.keras")
    keras.utils.clear_session()  # no seed generator is left, as in a new process
    copy = load_keras_file(tmp_path / "m.keras")
    latents = _latents(3)
    assert model(latents).dtype == tf.float32
    assert copy.layers[-1].gain == 0.3
    np.testing.assert_array_equal(model(latents), copy(latents))
