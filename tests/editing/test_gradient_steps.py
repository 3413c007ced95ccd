"""Gradient steps on a latent, by hand."""

import numpy as np
import tensorflow as tf

from tf_translate.editing.gradient_steps import descend, step_fractions


def test_steps_on_a_parabola_by_hand():
    # cost (z - 1)^2, gradient 2 (z - 1). From 3 at rate 0.25: 3 - 0.25 * 4 = 2, then 2 - 0.5 = 1.5.
    start = tf.constant([[3.0]])
    found = descend(start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), steps=2, learning_rate=0.25)
    np.testing.assert_allclose(found, [[1.5]])


def test_each_image_goes_its_own_way_at_its_own_rate():
    start = tf.constant([[3.0, 0.0], [5.0, 1.0]])
    rates = tf.constant([[0.5], [0.25]])
    found = descend(start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), steps=1, learning_rate=rates)
    # At 0.5 a step leads to the minimum, at 0.25 half the way there.
    np.testing.assert_allclose(found, [[1.0, 1.0], [3.0, 1.0]])


def test_no_step_is_no_change():
    start = tf.constant([[3.0]])
    np.testing.assert_array_equal(descend(start, lambda z: z[:, 0], steps=0, learning_rate=1.0), start)


def test_fewer_steps_may_count_and_a_part_of_one_in_part():
    # As above from 3 at rate 0.25: 2 after one step, 1.5 after two; after one and a half, half of
    # the second, 2 - 0.25 = 1.75; none gives the start back.
    start = tf.constant([[3.0]] * 5)
    taken = tf.constant([[0.0], [1.0], [1.5], [2.0], [9.0]])
    cost = {"steps": 2, "learning_rate": 0.25}
    found = descend(start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), active_steps=taken, **cost)
    np.testing.assert_allclose(found[:, 0], [3.0, 2.0, 1.75, 1.5, 1.5])


def test_a_rounded_number_of_steps_moves_a_share_by_no_more():
    exact = step_fractions(np.float32([[2.0]]), 4)
    rounded = step_fractions(np.float32([[2.06]]), 4)  # 4 in 255 levels are 0.016 each
    assert [float(share[0, 0]) for share in exact] == [1.0, 1.0, 0.0, 0.0]
    moved = [abs(float(a[0, 0] - b[0, 0])) for a, b in zip(exact, rounded, strict=True)]
    assert sum(moved) < 0.061
