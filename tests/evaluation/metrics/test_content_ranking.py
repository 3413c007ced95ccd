"""Ranks and margins of outputs among their sources, by hand."""

import numpy as np

from tf_translate.evaluation.metrics.content_ranking import (
    margins,
    reciprocal_ranks,
    similarities,
)

# Row 0: the own source is nearest. Row 1: second. Row 2: as near as one other, both behind a third.
SIMILARITY = np.array([[0.9, 0.2, 0.5], [0.8, 0.6, 0.1], [0.7, 0.3, 0.3]])


def test_margins_are_to_the_hardest_other_source():
    np.testing.assert_allclose(margins(SIMILARITY), [0.4, -0.2, -0.4])


def test_equally_similar_sources_share_their_mean_rank():
    np.testing.assert_allclose(reciprocal_ranks(SIMILARITY), [1, 1 / 2, 1 / 2.5])
    np.testing.assert_allclose(reciprocal_ranks(np.ones((4, 4))), 1 / 2.5)


def test_similarities_are_cosines_of_unit_vectors():
    queries, gallery = np.eye(2), np.array([[0.6, 0.8], [0.0, 1.0]])
    np.testing.assert_allclose(similarities(queries, gallery), [[0.6, 0.0], [0.8, 1.0]])
