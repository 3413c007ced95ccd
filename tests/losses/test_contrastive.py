"""Knowing a image again."""

import numpy as np
import pytest
import tensorflow as tf

from tf_translate.losses.contrastive import nt_xent


def test_two_orthogonal_images_by_hand():
    # Cosines are 1 to the own view and 0 to the other, over 0.5: -log(e^2 / (e^2 + 1)) = 0.1269.
    views = tf.constant([[3.0, 0.0], [0.0, 0.5]])
    assert float(nt_xent(views, views, temperature=0.5)) == pytest.approx(0.126928, abs=1e-5)


def test_embeddings_that_are_all_alike_cost_the_logarithm_of_the_batch():
    assert float(nt_xent(tf.ones((7, 3)), tf.ones((7, 3)))) == pytest.approx(np.log(7))


def test_which_view_comes_first_does_not_matter():
    first, second = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    one, other = nt_xent(first, second), nt_xent(second, first)
    assert float(one) == pytest.approx(float(other), rel=1e-6)


def test_many_devices_see_all_views(two_replicas):
    first, second = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)

    def share(values):
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(np.split(values, 2)[context.replica_id_in_sync_group])
        )

    @tf.function
    def losses(ones, others):
        found = two_replicas.run(nt_xent, (ones, others))
        return two_replicas.reduce("MEAN", found, axis=None)

    together = float(losses(share(first), share(second)))
    assert together == pytest.approx(float(nt_xent(first, second)), rel=1e-5)


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="`temperature` must be positive, got 0"):
        nt_xent(tf.ones((2, 2)), tf.ones((2, 2)), temperature=0)
