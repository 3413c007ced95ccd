"""The Fréchet distance, compared with its formula by SciPy's root of a matrix."""

import numpy as np
import pytest
import scipy.linalg

from tf_translate.evaluation.metrics.frechet_distance import frechet_distance


def _by_formula(left, right):
    covariances = [np.cov(values, rowvar=False) for values in (left, right)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    apart = left.mean(0) - right.mean(0)
    return apart @ apart + np.trace(covariances[0] + covariances[1] - 2 * np.real(root))


def test_it_is_the_formula_of_the_paper():
    random = np.random.default_rng(0)
    left = random.normal(size=(60, 8)) @ random.normal(size=(8, 8))
    right = random.normal(1.0, size=(40, 8))
    assert frechet_distance(left, right) == pytest.approx(_by_formula(left, right), rel=1e-6)
    assert frechet_distance(right, left) == pytest.approx(frechet_distance(left, right))


def test_it_is_zero_for_equal_sets_also_with_fewer_images_than_features():
    features = np.random.default_rng(1).normal(size=(10, 32)).astype(np.float32)
    assert frechet_distance(features, features) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(features, features + 2.0) == pytest.approx(4.0 * 32, rel=1e-5)


@pytest.mark.parametrize(("n", "d"), [(1, 4), (5, 3)])
def test_wrong_sets_are_refused(n, d):
    with pytest.raises(ValueError, match=r"at least 2 images|equal d"):
        frechet_distance(np.zeros((n, d)), np.zeros((5, 4)))
