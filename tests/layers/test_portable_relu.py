"""ReLUs whose gradient can be deployed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.portable_relu import PortableReLU, with_portable_relus


@pytest.mark.parametrize("gradient", [0.0, 0.2])
def test_values_and_gradients_are_those_of_a_relu(gradient):
    features = tf.constant([-2.0, -0.5, 0.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(features)
        values = PortableReLU(gradient)(features)
    np.testing.assert_allclose(values, [-2 * gradient, -0.5 * gradient, 0, 3])
    np.testing.assert_allclose(tape.gradient(values, features), [gradient, gradient, gradient, 1])


@pytest.mark.parametrize("gradient", [0.0, 0.2])
def test_a_bend_takes_the_gradient_from_one_gradient_to_the_other_and_leaves_values(gradient):
    features = tf.constant([-2.0, -0.5, -0.25, 0.0, 0.25, 0.5, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(features)
        values = PortableReLU(gradient, relu_gradient_width=1.0)(features)
    np.testing.assert_allclose(values, keras.ops.leaky_relu(features, gradient))
    shares = np.array([0, 0, 0.25, 0.5, 0.75, 1, 1])
    expected = gradient + (1 - gradient) * shares
    np.testing.assert_allclose(tape.gradient(values, features), expected, atol=1e-6)


def test_a_view_bends_relus_that_were_portable_already():
    inputs = keras.Input((3,))
    network = keras.Model(inputs, PortableReLU(0.2)(inputs))
    features = tf.constant([[-0.5, 0.0, 0.5]])
    for relu_gradient_width, shares in ((0.0, [0, 0, 1]), (2.0, [0.25, 0.5, 0.75])):
        with tf.GradientTape() as tape:
            tape.watch(features)
            values = with_portable_relus(network, relu_gradient_width)(features)
        expected = 0.2 + 0.8 * np.array([shares])
        np.testing.assert_allclose(tape.gradient(values, features), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["negative_slope", "relu_gradient_width"])
def test_a_gradient_or_bend_below_zero_is_refused(name):
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


def test_a_view_shares_weights_and_has_none_of_tensorflows_relu_gradients():
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
