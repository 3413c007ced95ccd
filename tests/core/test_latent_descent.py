"""Gradient steps on a latent, by hand."""

import numpy as np
import tensorflow as tf

from tf_translate.core.latent_descent import descend


def test_steps_on_a_parabola_by_hand():
    # cost (z - 1)^2, slope 2 (z - 1). From 3 at rate 0.25: 3 - 0.25 * 4 = 2, then 2 - 0.5 = 1.5.
    start = tf.constant([[3.0]])
    found = descend(start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), steps=2, rate=0.25)
    np.testing.assert_allclose(found, [[1.5]])


def test_each_image_goes_its_own_way_at_its_own_rate():
    start = tf.constant([[3.0, 0.0], [5.0, 1.0]])
    rates = tf.constant([[0.5], [0.25]])
    found = descend(start, lambda z: tf.reduce_sum((z - 1.0) ** 2, 1), steps=1, rate=rates)
    # At 0.5 a step leads to the minimum, at 0.25 half the way there.
    np.testing.assert_allclose(found, [[1.0, 1.0], [3.0, 1.0]])


def test_no_step_is_no_change():
    start = tf.constant([[3.0]])
    np.testing.assert_array_equal(descend(start, lambda z: z[:, 0], steps=0, rate=1.0), start)
