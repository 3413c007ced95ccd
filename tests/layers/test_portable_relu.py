"""ReLUs with a gradient that can be deployed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.portable_relu import PortableReLU, with_portable_relus


@pytest.mark.parametrize("negative_slope", [0.0, 0.2])
def test_values_and_gradients_equal_those_of_a_relu(negative_slope):
    features = tf.constant([-2.0, -0.5, 0.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(features)
        values = PortableReLU(negative_slope)(features)
    np.testing.assert_allclose(values, [-2 * negative_slope, -0.5 * negative_slope, 0, 3])
    np.testing.assert_allclose(
        tape.gradient(values, features), [negative_slope, negative_slope, negative_slope, 1]
    )


@pytest.mark.parametrize("negative_slope", [0.0, 0.2])
def test_a_smoothed_gradient_rises_linearly_and_keeps_the_values(negative_slope):
    features = tf.constant([-2.0, -0.5, -0.25, 0.0, 0.25, 0.5, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(features)
        values = PortableReLU(negative_slope, relu_gradient_width=1.0)(features)
    np.testing.assert_allclose(values, keras.ops.leaky_relu(features, negative_slope))
    fractions = np.array([0, 0, 0.25, 0.5, 0.75, 1, 1])
    expected = negative_slope + (1 - negative_slope) * fractions
    np.testing.assert_allclose(tape.gradient(values, features), expected, atol=1e-6)


def test_the_gradients_of_portable_relus_are_smoothed_too():
    inputs = keras.Input((3,))
    network = keras.Model(inputs, PortableReLU(0.2)(inputs))
    features = tf.constant([[-0.5, 0.0, 0.5]])
    for relu_gradient_width, fractions in ((0.0, [0, 0, 1]), (2.0, [0.25, 0.5, 0.75])):
        with tf.GradientTape() as tape:
            tape.watch(features)
            values = with_portable_relus(network, relu_gradient_width)(features)
        expected = 0.2 + 0.8 * np.array([fractions])
        np.testing.assert_allclose(tape.gradient(values, features), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["negative_slope", "relu_gradient_width"])
def test_a_negative_slope_or_width_is_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` must be 0 or more, got -0\.1"):
        PortableReLU(**{name: -0.1})


def _network():
    inputs = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), keras.layers.ReLU()])
    features = keras.layers.LeakyReLU(0.2)(inner(inputs))
    features = keras.layers.Dense(3, activation="relu")(features)
    return keras.Model(inputs, keras.layers.ReLU(max_value=6.0)(features))


def _operations(function, inputs):
    graph = tf.function(function).get_concrete_function(inputs).graph
    return {operation.type for operation in graph.get_operations()}


def test_the_portable_network_shares_weights_and_has_no_relu_gradient_operations():
    network, inputs = _network(), tf.random.stateless_normal((5, 4), [0, 0])
    expected = network(inputs).numpy()
    view = with_portable_relus(network)
    np.testing.assert_allclose(view(inputs), expected, atol=1e-6)
    assert {id(v) for v in view.variables} == {id(v) for v in network.variables}

    def gradient(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            given = view(values)
        return tape.gradient(given, values)

    assert not {"ReluGrad", "LeakyReluGrad"} & _operations(gradient, inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        given = network(inputs)
    np.testing.assert_allclose(gradient(inputs), tape.gradient(given, inputs), atol=1e-6)
