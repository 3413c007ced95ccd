"""Gradient steps on a latent, against a computation by hand."""

import numpy as np
import tensorflow as tf

from tf_translate.editing.gradient_steps import descend, step_fractions


def test_steps_on_a_parabola_equal_a_computation_by_hand():
    # cost (z - 1)^2, gradient 2 (z - 1). From 3 at rate 0.25: 3 - 0.25 * 4 = 2, then 2 - 0.5 = 1.5.
    start = tf.constant([[3.0]])
    found = descend(start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), steps=2, learning_rate=0.25)
    np.testing.assert_allclose(found, [[1.5]])


def test_each_image_has_its_own_gradient_and_learning_rate():
    start = tf.constant([[3.0, 0.0], [5.0, 1.0]])
    rates = tf.constant([[0.5], [0.25]])
    found = descend(start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), steps=1, learning_rate=rates)
    # At 0.5 a step leads to the minimum, at 0.25 half the way there.
    np.testing.assert_allclose(found, [[1.0, 1.0], [3.0, 1.0]])


def test_zero_steps_return_the_start():
    start = tf.constant([[3.0]])
    np.testing.assert_array_equal(
        descend(start, lambda z: z[:, 0], steps=0, learning_rate=1.0), start
    )


def test_only_active_steps_take_effect_and_a_fraction_of_one_partly():
    # As above from 3 at rate 0.25: 2 after one step, 1.5 after two; after one and a half, half of
    # the second, 2 - 0.25 = 1.75; without an active step it is the start.
    start = tf.constant([[3.0]] * 5)
    active = tf.constant([[0.0], [1.0], [1.5], [2.0], [9.0]])
    options = {"steps": 2, "learning_rate": 0.25}
    found = descend(
        start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), active_steps=active, **options
    )
    np.testing.assert_allclose(found[:, 0], [3.0, 2.0, 1.75, 1.5, 1.5])


def test_rounding_active_steps_changes_the_fractions_by_no_more():
    exact = step_fractions(np.float32([[2.0]]), 4)
    rounded = step_fractions(np.float32([[2.06]]), 4)  # 4 in 255 levels are 0.016 each
    assert [float(fraction[0, 0]) for fraction in exact] == [1.0, 1.0, 0.0, 0.0]
    changes = [abs(float(a[0, 0] - b[0, 0])) for a, b in zip(exact, rounded, strict=True)]
    assert sum(changes) < 0.061
