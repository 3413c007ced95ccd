import numpy as np
import pytest
import tensorflow as tf

from tf_translate.losses.consistency import mean_absolute


def test_by_hand():
    # |1-0| + |0-0.5| + |-1-1| + |0-0| = 3.5, over 4.
    assert float(
        mean_absolute(tf.constant([1.0, 0.0, -1.0, 0.0]), tf.constant([0.0, 0.5, 1.0, 0.0]))
    ) == pytest.approx(0.875)


def test_perfect_reconstruction_costs_nothing_and_order_does_not_matter():
    a, b = (np.random.default_rng(i).normal(size=(2, 4, 4, 3)) for i in (0, 1))
    assert float(mean_absolute(a, a)) == 0.0
    assert float(mean_absolute(a, b)) == float(mean_absolute(b, a))
