"""The contrastive loss, by hand and on two devices."""

import numpy as np
import pytest
import tensorflow as tf

from tf_translate.losses.contrastive import nt_xent


def test_two_orthogonal_images_by_hand():
    # Cosines are 1 with the own view, 0 with the other; over 0.5: -log(e^2 / (e^2 + 1)) = 0.1269.
    views = tf.constant([[3.0, 0.0], [0.0, 0.5]])
    assert float(nt_xent(views, views, temperature=0.5)) == pytest.approx(0.126928, abs=1e-5)


def test_the_loss_of_equal_embeddings_is_the_logarithm_of_the_batch_size():
    assert float(nt_xent(tf.ones((7, 3)), tf.ones((7, 3)))) == pytest.approx(np.log(7))


def test_the_loss_is_symmetric_in_the_two_views():
    first, second = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    one, other = nt_xent(first, second), nt_xent(second, first)
    assert float(one) == pytest.approx(float(other), rel=1e-6)


def test_two_devices_compare_the_views_of_both(two_replicas):
    first, second = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)

    def distribute(values):
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(np.split(values, 2)[context.replica_id_in_sync_group])
        )

    @tf.function
    def losses(ones, others):
        found = two_replicas.run(nt_xent, (ones, others))
        return two_replicas.reduce("MEAN", found, axis=None)

    together = float(losses(distribute(first), distribute(second)))
    assert together == pytest.approx(float(nt_xent(first, second)), rel=1e-5)


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="`temperature` must be positive, got 0"):
        nt_xent(tf.ones((2, 2)), tf.ones((2, 2)), temperature=0)
