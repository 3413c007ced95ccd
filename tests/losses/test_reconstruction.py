import numpy as np
import pytest
import scipy.spatial.distance
import tensorflow as tf

from tf_translate.losses.reconstruction import (
    cosine_distance,
    feature_matching,
    mean_absolute_error,
    mean_squared_error,
)


def test_mean_absolute_error_by_hand():
    # |1-0| + |0-0.5| + |-1-1| + |0-0| = 3.5, over 4.
    assert float(
        mean_absolute_error(tf.constant([1.0, 0.0, -1.0, 0.0]), tf.constant([0.0, 0.5, 1.0, 0.0]))
    ) == pytest.approx(0.875)


def test_mean_absolute_error_is_zero_for_equal_images_and_symmetric():
    a, b = (np.random.default_rng(i).normal(size=(2, 4, 4, 3)) for i in (0, 1))
    assert float(mean_absolute_error(a, a)) == 0.0
    assert float(mean_absolute_error(a, b)) == float(mean_absolute_error(b, a))


def test_mean_squared_error_equals_numpy():
    one, other = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4, 4, 2)).astype(np.float32)
    assert float(mean_squared_error(one, other)) == pytest.approx(((one - other) ** 2).mean())


def test_cosine_distance_equals_scipy():
    one, other = np.random.default_rng(0).normal(size=(2, 5, 1, 1, 7)).astype(np.float32)
    expected = np.mean(
        [
            scipy.spatial.distance.cosine(a.ravel(), b.ravel())
            for a, b in zip(one, other, strict=True)
        ]
    )
    assert float(cosine_distance(one, other)) == pytest.approx(expected, rel=1e-5)
    assert float(cosine_distance(one, 3 * one)) == pytest.approx(0.0, abs=1e-6)


def test_feature_matching_by_hand():
    # Layer 1: means (2, 0) and (1, 2): (1 + 4) / 2. Layer 2: means 1 and 4: 9.
    real = [tf.constant([[1.0, 0.0], [3.0, 0.0]]), tf.constant([[1.0], [1.0]])]
    fake = [tf.constant([[1.0, 2.0], [1.0, 2.0]]), tf.constant([[0.0], [8.0]])]
    assert float(feature_matching(real, fake)) == pytest.approx(2.5 + 9.0)


def test_feature_matching_averages_over_all_devices(two_replicas):
    real = tf.constant([[1.0], [2.0], [3.0], [6.0]])
    fake = tf.constant([[0.0], [0.0], [0.0], [4.0]])
    data = two_replicas.experimental_distribute_dataset(
        tf.data.Dataset.from_tensors((real, fake)).unbatch().batch(4)
    )
    run = tf.function(
        lambda pair: two_replicas.run(lambda r, f: feature_matching([r], [f]), args=pair)
    )
    values = two_replicas.experimental_local_results(run(next(iter(data))))
    assert [float(value) for value in values] == pytest.approx([4.0, 4.0])  # (3 - 1)^2 on each
