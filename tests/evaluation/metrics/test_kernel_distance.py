import numpy as np
import pytest

from tf_translate.evaluation.metrics import kernel_distance


def _naive(x, y, skipped=()):
    """The unbiased estimate as sums over pairs."""

    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    left = [k(x[i], x[j]) for i in range(n) for j in range(n) if i != j]
    right = [k(y[i], y[j]) for i in range(m) for j in range(m) if i != j]
    across = [k(x[i], y[j]) for i in range(n) for j in range(m) if (i, j) not in skipped]
    return sum(left) / len(left) + sum(right) / len(right) - 2 * sum(across) / len(across)


def _kernels(x, y):
    return (kernel_distance.polynomial_kernel(a, b) for a, b in ((x, x), (y, y), (x, y)))


def test_polynomial_kernel_of_two_short_vectors_by_hand():
    # ((1*3 + 2*4) / 2 + 1)^3 = 6.5^3
    assert kernel_distance.polynomial_kernel(np.array([[1, 2]]), np.array([[3, 4]])) == 6.5**3


def test_unbiased_mmd_equals_a_double_loop_over_pairs():
    random = np.random.default_rng(1)
    x, y = random.normal(size=(7, 5)), random.normal(0.4, 1.3, size=(9, 5))
    included = np.ones((7, 9), bool)
    assert kernel_distance.unbiased_mmd(*_kernels(x, y), included) == pytest.approx(_naive(x, y))
    included[2, 3] = included[0, 8] = False
    expected = _naive(x, y, skipped={(2, 3), (0, 8)})
    assert kernel_distance.unbiased_mmd(*_kernels(x, y), included) == pytest.approx(expected)


def test_kernel_distance_is_a_mean_over_halves_close_to_the_estimate_of_all():
    random = np.random.default_rng(2)
    x, y = random.normal(size=(30, 4)), random.normal(0.8, 1.0, size=(40, 4))
    distance = kernel_distance.kernel_distance(x, y, subsets=2000)
    assert distance.value == pytest.approx(_naive(x, y), abs=0.1 * distance.standard_error)


def test_a_set_has_distance_zero_to_itself_if_copies_are_excluded():
    x = np.random.default_rng(3).normal(size=(20, 6))
    own = np.arange(20)
    others = ~np.eye(20, dtype=bool)
    assert kernel_distance.unbiased_mmd(*_kernels(x, x), others) == pytest.approx(0, abs=1e-12)
    included = kernel_distance.kernel_distance(x, x)
    excluded = kernel_distance.kernel_distance(x, x, counterparts=own)
    assert abs(excluded.value) < excluded.standard_error
    assert included.value < excluded.value  # copies lower the distance


def test_standard_error_is_the_standard_deviation_over_new_samples():
    random = np.random.default_rng(4)

    def draw():
        x, y = random.normal(size=(80, 4)), random.normal(1.0, 1.0, size=(80, 4))
        return kernel_distance.kernel_distance(x, y, subsets=40)

    distances = [draw() for _ in range(60)]
    spread = np.std([distance.value for distance in distances])
    claimed = np.mean([distance.standard_error for distance in distances])
    assert claimed == pytest.approx(spread, rel=0.35)


def test_kernel_distance_is_deterministic_and_minus_one_means_no_counterpart():
    random = np.random.default_rng(5)
    x, y = random.normal(size=(9, 3)), random.normal(size=(11, 3))
    first = kernel_distance.kernel_distance(x, y, seed=3)
    assert first == kernel_distance.kernel_distance(x, y, seed=3, counterparts=np.full(9, -1))
    assert first != kernel_distance.kernel_distance(x, y, seed=4)


def test_kernel_distance_refuses_few_images_and_unequal_features():
    with pytest.raises(ValueError, match="at least 4 images on each side, got 3 and 9"):
        kernel_distance.kernel_distance(np.zeros((3, 2)), np.zeros((9, 2)))
    with pytest.raises(ValueError, match=r"with equal d, got \(5, 2\) and \(5, 3\)"):
        kernel_distance.kernel_distance(np.zeros((5, 2)), np.zeros((5, 3)))
