"""Fréchet distance (FID) between two sets of images, computed on features."""

import numpy as np

from tf_translate.evaluation.metrics.kernel_distance import check_sets


def frechet_distance(features: np.ndarray, reference: np.ndarray) -> float:
    """Computes the squared Fréchet distance of two normal distributions fitted to features.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), with means m and unbiased covariances C. With
    A and B the centred features over the square root of their number minus 1, C1 = A'A and
    C2 = B'B, and the trace of the root is the sum of the singular values of A B', which needs no
    root of a matrix and no more images than features.

    The fewer images, the larger the value, also for two samples of one distribution: compare
    values of equal numbers of images only.

    Args:
        features: `(n, d)`, n at least 2.
        reference: `(m, d)`, m at least 2.

    Returns:
        The distance, 0 for equal sets.

    Raises:
        ValueError: If a set has fewer than 2 rows or the feature sizes differ.

    Source: Heusel et al. 2017, https://arxiv.org/abs/1706.08500, eq. 6.
    """
    check_sets(features, reference, least=2)
    means, roots = [], []
    for values in (features, reference):
        values = np.asarray(values, np.float64)
        means.append(values.mean(axis=0))
        roots.append((values - means[-1]) / np.sqrt(len(values) - 1))
    apart = float(((means[0] - means[1]) ** 2).sum())
    traces = sum(float((root**2).sum()) for root in roots)
    of_root = float(np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum())
    return max(0.0, apart + traces - 2.0 * of_root)
