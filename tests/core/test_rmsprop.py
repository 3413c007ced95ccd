"""RMSProp against its equations in NumPy and against TensorFlow 1."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.rmsprop import RMSprop
from tf_translate.keras_files.loading import load_keras_file

RATE, RHO, EPSILON = 5e-5, 0.9, 1e-10  # DualGAN's
SETTINGS = {"learning_rate": RATE, "rho": RHO, "epsilon": EPSILON}
GRADIENTS = np.random.default_rng(0).normal(0, 1e-3, (3, 2, 3)).astype(np.float32)


def changes(optimizer) -> list[np.ndarray]:
    """How far weights that start from 0 have moved after each of the gradients."""
    variable = keras.Variable(np.zeros((2, 3), np.float32))
    optimizer.build([variable])
    found = []
    for gradient in GRADIENTS:
        optimizer.apply([tf.constant(gradient)], [variable])
        found.append(variable.numpy())
    return found


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_the_first_updates_are_those_of_the_mean_square_it_starts_from(start):
    mean_square, weights = np.full((2, 3), start), 0.0
    found = changes(make_optimizer({"kind": "rmsprop", "initial_mean_square": start, **SETTINGS}))
    for gradient, change in zip(GRADIENTS.astype(np.float64), found, strict=True):
        mean_square = RHO * mean_square + (1 - RHO) * gradient**2
        weights = weights - RATE * gradient / np.sqrt(mean_square + EPSILON)
        np.testing.assert_allclose(change, weights, rtol=1e-4)
    # From 0, the first move is the rate times the root of 10, whatever the gradient.
    largest = np.abs(found[0]).max()
    assert largest == pytest.approx(RATE * 10**0.5, rel=1e-2) if start == 0 else largest < 1e-6


def test_a_mean_square_of_1_gives_the_weights_of_tensorflow_1():
    weights = tf.Variable(tf.zeros((2, 3)))
    theirs = tf.compat.v1.train.RMSPropOptimizer(RATE, decay=RHO)
    found = changes(RMSprop(**SETTINGS, initial_mean_square=1.0))
    for gradient, change in zip(GRADIENTS, found, strict=True):
        theirs.apply_gradients([(tf.constant(gradient), weights)])
        np.testing.assert_allclose(change, weights, rtol=1e-5)


def test_a_file_keeps_the_mean_square_and_one_of_keras_still_loads(tmp_path):
    images, targets = np.eye(3, dtype=np.float32), np.ones((3, 2), np.float32)
    for optimizer in (RMSprop(0.1, initial_mean_square=1.0), keras.optimizers.RMSprop(0.1)):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile(optimizer, "mse")
        model.train_on_batch(images, targets)
        model.save(tmp_path / "model.keras")
        copy = load_keras_file(tmp_path / "model.keras")
        assert type(copy.optimizer) is type(optimizer)
        assert copy.optimizer.get_config() == optimizer.get_config()
        for each in (model, copy):
            each.train_on_batch(images, targets)
        np.testing.assert_array_equal(copy.get_weights()[0], model.get_weights()[0])
    config = RMSprop().get_config()
    del config["initial_mean_square"]
    assert RMSprop.from_config(config).initial_mean_square == 0.0


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_an_impossible_mean_square_is_refused(value):
    with pytest.raises(ValueError, match="`initial_mean_square` must be 0 or more, got"):
        RMSprop(initial_mean_square=value)
