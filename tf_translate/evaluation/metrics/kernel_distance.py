"""Kernel distance (KID) between two sets of images, computed on features."""

from dataclasses import dataclass

import numpy as np

SUBSETS = 100


@dataclass(frozen=True)
class KernelDistance:
    """A squared kernel distance with its standard error.

    Attributes:
        value: Mean over the subsets; about 0 for two samples of one distribution. It is unbiased,
            so it can be slightly negative.
        standard_error: Delete-half jackknife standard error over images.
    """

    value: float
    standard_error: float


def polynomial_kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Computes (x.y / d + 1)^3 of every pair, float64 `(n, m)`, from `(n, d)` and `(m, d)`.

    Source: Binkowski et al. 2018, https://arxiv.org/abs/1801.01401, sec. 4.
    """
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    return (left @ right.T / left.shape[1] + 1.0) ** 3


def unbiased_mmd(
    within_left: np.ndarray, within_right: np.ndarray, across: np.ndarray, included: np.ndarray
) -> float:
    """Computes the unbiased squared maximum mean discrepancy from kernel values.

    Args:
        within_left: `(n, n)` kernel of the first set with itself; its diagonal is ignored.
        within_right: `(m, m)` of the second set with itself; its diagonal is ignored.
        across: `(n, m)` kernel between the sets.
        included: `(n, m)` bool, the pairs of `across` that count.

    Source: Gretton et al. 2012, JMLR 13:723, eq. 3; pairs excluded as in eq. 4.
    """
    n, m = across.shape
    left = (within_left.sum() - np.trace(within_left)) / (n * (n - 1))
    right = (within_right.sum() - np.trace(within_right)) / (m * (m - 1))
    return float(left + right - 2.0 * across[included].mean())


def check_sets(features: np.ndarray, reference: np.ndarray, *, least: int) -> None:
    """Checks two sets of features `(n, d)` and `(m, d)`, each of `least` rows or more.

    Raises:
        ValueError: If a set has fewer rows or the feature sizes differ.
    """
    if features.ndim != 2 or reference.ndim != 2 or features.shape[1] != reference.shape[1]:
        raise ValueError(
            "`features` and `reference` must be (n, d) and (m, d) with equal d, "
            f"got {features.shape} and {reference.shape}"
        )
    if min(len(features), len(reference)) < least:
        raise ValueError(
            f"a distance of two sets needs at least {least} images on each side, "
            f"got {len(features)} and {len(reference)}"
        )


def kernel_distance(
    features: np.ndarray,
    reference: np.ndarray,
    *,
    counterparts: np.ndarray | None = None,
    subsets: int = SUBSETS,
    seed: int = 0,
) -> KernelDistance:
    """Computes the kernel distance (KID) between two sets of features.

    It is the mean over random halves of both sets. As each subset is a half, the standard
    deviation over subsets is the standard error of the delete-half jackknife (Shao and Wu 1989).

    Args:
        features: `(n, d)`, n at least 4.
        reference: `(m, d)`, m at least 4.
        counterparts: `(n,)` integers: the row of `reference` that row i is derived from, is a
            copy of, or has as ground truth; -1 for none. Such a pair is not independent and
            lowers the distance, so it is excluded.
        subsets: Number of random halves.
        seed: Seed of the halves.

    Raises:
        ValueError: If a set has fewer than 4 rows or the feature sizes differ.

    Source: Binkowski et al. 2018, https://arxiv.org/abs/1801.01401, sec. 4.
    """
    check_sets(features, reference, least=4)
    included = np.ones((len(features), len(reference)), bool)
    if counterparts is not None:
        known = np.flatnonzero(counterparts >= 0)
        included[known, counterparts[known]] = False
    left = polynomial_kernel(features, features)
    right = polynomial_kernel(reference, reference)
    across = polynomial_kernel(features, reference)
    random = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        rows = random.permutation(len(features))[: len(features) // 2]
        columns = random.permutation(len(reference))[: len(reference) // 2]
        pairs = np.ix_(rows, columns)
        values.append(
            unbiased_mmd(
                left[np.ix_(rows, rows)],
                right[np.ix_(columns, columns)],
                across[pairs],
                included[pairs],
            )
        )
    return KernelDistance(float(np.mean(values)), float(np.std(values, ddof=1)))


def weighted_mean_of_pairs(kernel: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of `(n, n)` kernel values over pairs of different images.

    Args:
        kernel: `(n, n)`; its diagonal is ignored.
        weights: `(r, n)`: how often each image counts, in each of r resamples.

    Returns:
        float64 `(r,)`.
    """
    apart = kernel - np.diag(np.diagonal(kernel))
    pairs = weights.sum(1) ** 2 - (weights**2).sum(1)
    return np.einsum("rn,rn->r", weights @ apart, weights) / pairs


@dataclass(frozen=True, eq=False)
class Kernels:
    """Kernel values from which the distance of resampled images to a reference follows.

    Attributes:
        within: `(n, n)`, of the images.
        across: `(n, m)`, to the reference; 0 where a pair does not count.
        included: `(n, m)`, 1 for a pair that counts.
    """

    within: np.ndarray
    across: np.ndarray
    included: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, reference: np.ndarray, counterparts: np.ndarray) -> "Kernels":
        """Kernel values of features; arguments as in `kernel_distance`."""
        included = np.ones((len(features), len(reference)))
        known = np.flatnonzero(counterparts >= 0)
        included[known, counterparts[known]] = 0.0
        across = polynomial_kernel(features, reference) * included
        return cls(polynomial_kernel(features, features), across, included)

    def distance(
        self, weights: np.ndarray, reference_weights: np.ndarray, within_reference: np.ndarray
    ) -> np.ndarray:
        """The squared kernel distance for each resample, float64 `(r,)`.

        Args:
            weights: `(r, n)`: how often each image counts.
            reference_weights: `(r, m)`: how often each reference image counts.
            within_reference: `weighted_mean_of_pairs` of the reference, `(r,)`.
        """
        sums = np.einsum("rm,rm->r", weights @ self.across, reference_weights)
        counts = np.einsum("rm,rm->r", weights @ self.included, reference_weights)
        within = weighted_mean_of_pairs(self.within, weights)
        return within + within_reference - 2.0 * sums / counts
