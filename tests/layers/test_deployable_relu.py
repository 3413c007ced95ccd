"""A ReLU that is a ReLU in values and slopes."""

import numpy as np
import tensorflow as tf

from tf_translate.layers.deployable_relu import DeployableReLU


def test_values_and_slopes_are_those_of_relu():
    values = tf.constant([-2.0, -0.5, 0.0, 0.5, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        rectified = DeployableReLU()(values)
        total = tf.reduce_sum(rectified * tf.constant([1.0, 2.0, 3.0, 4.0, 5.0]))
    np.testing.assert_array_equal(rectified, [0, 0, 0, 0.5, 3])
    np.testing.assert_array_equal(tape.gradient(total, values), [0, 0, 0, 4, 5])


def test_half_precision_stays_as_it_is():
    assert DeployableReLU(dtype="bfloat16")(tf.ones((2, 2), tf.bfloat16)).dtype == tf.bfloat16
