"""How well an output is told from all other sources: continuous, and against the hardest one.

retrieval@1 says only whether the own source is the nearest; a method that tints its input always
has 1. These say by how much.
"""

import numpy as np


def similarities(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Cosine similarity of every pair of unit vectors, float64 `(n, n)`; the own pair is on the
    diagonal."""
    return np.asarray(queries, np.float64) @ np.asarray(gallery, np.float64).T


def margins(similarity: np.ndarray) -> np.ndarray:
    """For each row the similarity to the own source minus that to the most similar other one.

    Args:
        similarity: `(n, n)`, n at least 2.

    Returns:
        float64 `(n,)` in [-2, 2]; above 0 where the own source is the nearest.
    """
    others = similarity - np.diag(np.full(len(similarity), np.inf))
    return np.diagonal(similarity) - others.max(axis=1)


def reciprocal_ranks(similarity: np.ndarray) -> np.ndarray:
    """For each row 1 / rank of the own source; equally similar sources share their mean rank.

    Args:
        similarity: `(n, n)`.

    Returns:
        float64 `(n,)` in (0, 1]; 1 where the own source is the nearest.
    """
    own = np.diagonal(similarity)[:, None]
    above = (similarity > own + 1e-9).sum(axis=1)
    ties = (np.abs(similarity - own) <= 1e-9).sum(axis=1)  # the own one among them
    return 1.0 / (above + (ties + 1) / 2)
