"""Adam against its equations in NumPy, on one device, on two and under a loss scale."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.core.adam import Adam
from tf_translate.core.optimizers import make_optimizer
from tf_translate.layers.cpu import VARIABLE

BEFORE, AFTER = "before_bias_correction", "after_bias_correction"
RATE, BETA_1, BETA_2, EPSILON = 0.1, 0.5, 0.9, 1e-3
GRADIENTS = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
SETTINGS = {"learning_rate": RATE, "beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON}


def by_hand(start: np.ndarray, gradients: np.ndarray, form: str = BEFORE) -> np.ndarray:
    """Weights after a step on each of the gradients.

    The forms are those of Kingma & Ba at the end of section 2 and in algorithm 1.
    """
    weights, first, second = start.astype(np.float64), 0.0, 0.0
    for step, gradient in enumerate(gradients.astype(np.float64), start=1):
        first = BETA_1 * first + (1 - BETA_1) * gradient
        second = BETA_2 * second + (1 - BETA_2) * gradient**2
        if form == AFTER:
            corrected = first / (1 - BETA_1**step), second / (1 - BETA_2**step)
            weights = weights - RATE * corrected[0] / (np.sqrt(corrected[1]) + EPSILON)
        else:
            rate = RATE * np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
            weights = weights - rate * first / (np.sqrt(second) + EPSILON)
    return weights


def trained(optimizer, gradients=GRADIENTS, scale: float = 1.0) -> np.ndarray:
    """Weights that start from 1, after a traced step on each gradient."""
    variable = keras.Variable(np.ones(gradients.shape[1:], np.float32))
    optimizer.build([variable])

    @tf.function
    def step(gradient):
        optimizer.apply([gradient], [variable])

    for gradient in gradients:
        step(gradient * scale)
    return variable.numpy()


def test_weights_equal_the_equations_computed_in_numpy():
    expected = by_hand(np.ones((2, 3)), GRADIENTS)
    np.testing.assert_allclose(trained(Adam(**SETTINGS)), expected, rtol=1e-5)


@pytest.mark.parametrize("kernels", ["on", "off"])
@pytest.mark.parametrize("form", [BEFORE, AFTER])
def test_the_first_updates_are_those_of_the_form_of_epsilon(form, kernels, monkeypatch):
    monkeypatch.setenv(VARIABLE, kernels)
    gradients = GRADIENTS * EPSILON  # so small that epsilon decides
    expected = {each: by_hand(np.ones((2, 3)), gradients[:1], each) for each in (BEFORE, AFTER)}
    moved = {each: np.abs(weights - 1.0).max() for each, weights in expected.items()}
    assert moved[AFTER] > 1.2 * moved[BEFORE]
    for updates in (1, 2, 3):
        found = trained(Adam(**SETTINGS, epsilon_form=form), gradients[:updates])
        expected = by_hand(np.ones((2, 3)), gradients[:updates], form)
        np.testing.assert_allclose(found - 1.0, expected - 1.0, rtol=1e-4)


def test_the_form_before_the_correction_is_that_of_tensorflow_1():
    weights = tf.Variable(tf.ones((2, 3)))
    theirs = tf.compat.v1.train.AdamOptimizer(RATE, BETA_1, BETA_2, EPSILON)
    for gradient in GRADIENTS[:3]:
        theirs.apply_gradients([(tf.constant(gradient * EPSILON), weights)])
    found = trained(Adam(**SETTINGS), GRADIENTS[:3] * EPSILON)
    np.testing.assert_allclose(found, weights, rtol=1e-6)


def test_amsgrad_adds_epsilon_in_the_form_that_is_chosen():
    # Falling gradients: the largest second moment is that of an earlier step.
    gradients = GRADIENTS[:1] * EPSILON * np.float32([4, 1, 0.1]).reshape(3, 1, 1)
    weights, first, second, largest = 1.0, 0.0, 0.0, 0.0
    for step, gradient in enumerate(gradients.astype(np.float64), start=1):
        first = BETA_1 * first + (1 - BETA_1) * gradient
        second = BETA_2 * second + (1 - BETA_2) * gradient**2
        largest = np.maximum(largest, second)
        root = np.sqrt(largest / (1 - BETA_2**step))  # as PyTorch computes it
        weights = weights - RATE * first / (1 - BETA_1**step) / (root + EPSILON)
    adam = Adam(**SETTINGS, amsgrad=True, epsilon_form=AFTER)
    np.testing.assert_allclose(trained(adam, gradients) - 1.0, weights - 1.0, rtol=1e-4)
    assert adam.epsilon == EPSILON


def test_a_file_keeps_the_form_of_epsilon_and_one_without_it_is_of_keras():
    config = Adam(epsilon_form=AFTER).get_config()
    assert Adam.from_config(config).epsilon_form == AFTER
    del config["epsilon_form"]
    assert Adam.from_config(config).epsilon_form == BEFORE
    with pytest.raises(ValueError, match="`epsilon_form` must be 'before_bias_correction' or 'aft"):
        Adam(epsilon_form="after")


def test_make_optimizer_returns_our_adam_which_follows_a_schedule():
    class RateDrop(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return tf.where(tf.cast(step, tf.int64) < 2, RATE, 0.0)

        def get_config(self):
            return {}

    optimizer = make_optimizer({"kind": "adam", **SETTINGS}, learning_rate=RateDrop())
    assert type(optimizer) is Adam
    expected = by_hand(np.ones((2, 3)), GRADIENTS[:2])
    np.testing.assert_allclose(trained(optimizer), expected, rtol=1e-5)


def test_loss_scaling_is_undone_and_infinite_gradients_are_skipped():
    optimizer = keras.optimizers.LossScaleOptimizer(Adam(**SETTINGS), initial_scale=8.0)
    infinite = np.full((1, 2, 3), np.inf, np.float32)
    found = trained(optimizer, np.concatenate([GRADIENTS[:1], infinite]), scale=8.0)
    np.testing.assert_allclose(found, by_hand(np.ones((2, 3)), GRADIENTS[:1]), rtol=1e-5)


@pytest.mark.parametrize(("scaled", "form"), [(False, BEFORE), (True, BEFORE), (False, AFTER)])
def test_replicas_apply_the_sum_of_their_gradients(two_replicas, scaled, form):
    with two_replicas.scope():
        optimizer = Adam(**SETTINGS, epsilon_form=form, use_ema=True, ema_momentum=0.5)
        if scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
        variable = keras.Variable(np.ones((2, 3), np.float32))
        optimizer.build([variable])

    @tf.function
    def step(gradient):
        def on_replica():
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            optimizer.apply([gradient * tf.where(index == 0, 0.25, 0.75)], [variable])

        two_replicas.run(on_replica)

    for gradient in GRADIENTS:
        step(gradient)
    for copy in two_replicas.experimental_local_results(variable.value):
        np.testing.assert_allclose(copy, by_hand(np.ones((2, 3)), GRADIENTS, form), rtol=1e-5)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_sparse_gradients_and_amsgrad_give_the_weights_of_keras(amsgrad):
    found = []
    for kind in (Adam, keras.optimizers.Adam):
        variable = keras.Variable(np.ones((3, 2), np.float32))
        optimizer = kind(0.1, amsgrad=amsgrad)
        optimizer.build([variable])
        for row in (0, 2):
            sparse = tf.IndexedSlices(tf.constant([[0.5, -2.0]]), tf.constant([row]), (3, 2))
            dense = tf.convert_to_tensor(sparse)
            optimizer.apply([dense if amsgrad else sparse], [variable])
        found.append(variable.numpy())
    np.testing.assert_array_equal(*found)


def test_optimizer_state_is_that_of_keras_and_files_restore_the_class(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(**SETTINGS), "mse")
    images, targets = np.eye(3, dtype=np.float32), np.ones((3, 2), np.float32)
    model.train_on_batch(images, targets)
    copy = keras.models.clone_model(model)
    copy.compile(Adam(**SETTINGS), "mse")
    copy.optimizer.build(copy.trainable_variables)
    copy.set_weights(model.get_weights())
    for ours, theirs in zip(copy.optimizer.variables, model.optimizer.variables, strict=True):
        ours.assign(theirs)
    for each in (model, copy):
        each.train_on_batch(images, targets)
        each.save(tmp_path / f"{each.optimizer.__module__}.keras")
    np.testing.assert_allclose(copy.get_weights()[0], model.get_weights()[0], rtol=1e-6)
    for each in (model, copy):
        saved = keras.models.load_model(tmp_path / f"{each.optimizer.__module__}.keras")
        assert type(saved.optimizer) is type(each.optimizer)
        np.testing.assert_array_equal(saved.optimizer.variables[-1], each.optimizer.variables[-1])
