"""Gradients clipped by their global norm, on one device and on two."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.core.optimizers import clip_by_global_norm


def test_gradients_above_the_limit_are_scaled_by_one_factor_and_others_are_unchanged():
    gradients = [tf.constant([3.0, 0.0]), tf.constant([[4.0]])]
    clipped = clip_by_global_norm(gradients, 1.0, keras.optimizers.SGD())
    np.testing.assert_allclose(clipped[0], [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(clipped[1], [[0.8]], rtol=1e-6)
    for before, after in zip(gradients, clip_by_global_norm(gradients, 5.1, None), strict=True):
        np.testing.assert_array_equal(before, after)


def test_clipping_leaves_zero_gradients_at_zero():
    (clipped,) = clip_by_global_norm([tf.zeros(3)], 1.0, None)
    np.testing.assert_array_equal(clipped, np.zeros(3))


def test_replicas_clip_by_the_norm_of_their_sum(two_replicas):
    """Each replica has half of the sum. Clipped separately, they would change its direction."""

    @tf.function
    def step():
        def on_replica():
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            gradient = tf.where(index == 0, [[6.0, 0.0]], [[0.0, 8.0]])
            return clip_by_global_norm([gradient], 5.0, None)[0]

        parts = two_replicas.run(on_replica)
        return two_replicas.reduce(tf.distribute.ReduceOp.SUM, parts, axis=None)

    np.testing.assert_allclose(step(), [[3.0, 4.0]], rtol=1e-6)


def test_clipping_divides_the_norm_by_the_loss_scale():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=8.0)
    optimizer.build([keras.Variable(tf.zeros(1))])
    (clipped,) = clip_by_global_norm([tf.constant([80.0])], 5.0, optimizer)
    assert float(clipped[0]) / 8.0 == pytest.approx(5.0)


def test_variables_without_a_gradient_stay_without_one():
    gradients = clip_by_global_norm([tf.constant([3.0, 4.0]), None], 1.0, None)
    np.testing.assert_allclose(gradients[0], [0.6, 0.8], rtol=1e-6)
    assert gradients[1] is None
    assert clip_by_global_norm([None], 1.0, None) == [None]
