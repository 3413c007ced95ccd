"""Metrics by a pretrained network, compared with values computed in NumPy."""

import keras
import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate.evaluation.metrics.pretrained_metrics import (
    PretrainedMetrics,
    pretrained_metric_definitions,
)
from tf_translate.evaluation.metrics.results import Direction
from tf_translate.pretrained.registry import PretrainedNetwork


def tiny_network(side):
    layers = [keras.layers.Conv2D(2, 3, 2, padding="same"), keras.layers.AveragePooling2D(2)]
    return keras.Sequential([keras.Input((side, side, 3)), *layers])


@pytest.fixture(scope="module")
def direction():
    source, target = blobs(24, seed=3)
    return Direction("a_to_b", source, target, outputs=target, truth=target)


def test_metrics_are_named_by_the_network_and_the_size_of_the_images_and_match_numpy(direction):
    networks = [PretrainedNetwork("toy", tiny_network(16))]
    metrics = PretrainedMetrics(direction, networks, seed=0)
    own = np.arange(24)
    same, moved = metrics.of(direction.source, own), metrics.of(direction.target, own)
    assert list(same) == ["content/identity/toy@32", "domain/kid/toy@32", "domain/fid/toy@32"]
    assert [
        each.name for each in pretrained_metric_definitions(direction, networks, "n = 24", seed=0)
    ] == list(same)
    assert same["content/identity/toy@32"].value == pytest.approx(1.0)
    assert moved["content/identity/toy@32"].value < 1.0
    # Cosine similarities computed one by one.
    a, b = (networks[0].embed(side) for side in (direction.source, direction.target))
    cosines = [x @ y / np.sqrt((x @ x) * (y @ y)) for x, y in zip(a, b, strict=True)]
    assert moved["content/identity/toy@32"].value == pytest.approx(np.mean(cosines), abs=1e-6)
    error = moved["content/identity/toy@32"].standard_error
    assert error == pytest.approx(np.std(cosines, ddof=1) / np.sqrt(24), abs=1e-6)
    far, near = same["domain/kid/toy@32"], moved["domain/kid/toy@32"]
    assert far.value > near.value + far.standard_error
    assert same["domain/fid/toy@32"].value > moved["domain/fid/toy@32"].value
    assert moved["domain/fid/toy@32"].value == pytest.approx(0.0, abs=1e-6)  # the targets
    kid, fid = metrics.reference_values().items()
    assert kid[0] == "kid/toy@32 floor (target vs target, halves)"
    assert abs(kid[1].value) < 4 * kid[1].standard_error
    assert fid[0] == "fid/toy@32 floor (target vs target, halves)"
    assert fid[1].value > 0
