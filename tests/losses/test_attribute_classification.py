"""Cross-entropy of attributes, and other categories than the true ones."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from tf_translate.losses.attribute_classification import attribute_cross_entropy, other_categories

SIZES = (2, 3)


def _categories(count=6000, seed=0):
    random = np.random.default_rng(seed)
    parts = [np.eye(size, dtype=np.float32)[random.integers(size, size=count)] for size in SIZES]
    return np.concatenate(parts, 1)


def test_cross_entropy_is_scipys_summed_over_attributes():
    logits = np.random.default_rng(1).normal(size=(50, 5)).astype(np.float32)
    truth = _categories(50)
    expected = 0.0
    for start, stop in ((0, 2), (2, 5)):
        logs = scipy.special.log_softmax(logits[:, start:stop].astype(np.float64), axis=1)
        expected -= (logs * truth[:, start:stop]).sum(1).mean()
    assert float(attribute_cross_entropy(logits, truth, SIZES)) == pytest.approx(expected, rel=1e-5)


def test_equal_logits_cost_the_logarithm_of_the_number_of_categories():
    loss = attribute_cross_entropy(np.zeros((4, 5)), _categories(4), SIZES)
    assert float(loss) == pytest.approx(np.log(2) + np.log(3), rel=1e-6)


def test_other_categories_are_never_the_true_ones_and_equally_frequent():
    truth = _categories()
    uniform = [tf.random.stateless_uniform([len(truth), 1], [i, 2]) for i in range(2)]
    other = other_categories(truth, SIZES, uniform).numpy()
    assert (other * truth).sum() == 0
    assert (other.sum(1) == 2).all()
    black = truth[:, 2] == 1
    assert other[black, 3].mean() == pytest.approx(0.5, abs=0.03)
    np.testing.assert_array_equal(other[:, :2], 1 - truth[:, :2])
