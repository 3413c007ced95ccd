"""Known damage: shapes, seeds, growth with strength, and each kind by hand."""

import numpy as np
import pytest

from scripts.benchmarks.metric_damage.damage import DAMAGES, STRENGTHS
from tests.evaluation.toys import blobs

IMAGES, SOURCES = blobs(8, seed=0, side=30)


def _at(name, strength, seed=0):
    return DAMAGES[name].at(strength, IMAGES, SOURCES, seed)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_grows_and_keeps_form_and_input(name):
    before = IMAGES.copy()
    distances = [np.abs(_at(name, strength) - IMAGES).mean() for strength in range(STRENGTHS + 1)]
    assert distances[0] == 0
    assert np.all(np.diff(distances) > -0.01)  # a wide warp may bring similar parts together
    assert distances[-1] > 1.5 * distances[1]
    damaged = _at(name, STRENGTHS)
    assert (damaged.shape, damaged.dtype) == (IMAGES.shape, np.float32)
    assert damaged.min() >= -1
    assert damaged.max() <= 1
    np.testing.assert_array_equal(IMAGES, before)
    np.testing.assert_array_equal(damaged, _at(name, STRENGTHS))


def test_a_hue_turns_red_to_another_hue_of_the_same_luminance():
    red = np.zeros((1, 2, 2, 3), np.float32)
    red[..., 0] = 0.2  # so small that nothing is clipped
    turned = DAMAGES["hue"].at(5, red, red, 0)  # by 120 degrees
    weights = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(turned @ weights, red @ weights, atol=2e-3)
    assert turned[0, 0, 0].argmax() != 0


def test_a_mosaic_has_the_mean_of_each_tile():
    mosaic = _at("mosaic", 4)  # tiles of 8 pixels; 30 is no multiple of 8
    np.testing.assert_allclose(mosaic[3, :8, 8:16], np.broadcast_to(
        IMAGES[3, :8, 8:16].mean((0, 1)), (8, 8, 3)), atol=1e-6)  # fmt: skip


def test_swapped_images_show_another_one_and_undone_ones_the_source():
    swapped = _at("swap", 5)
    for index, image in enumerate(swapped):
        (found,) = [i for i in range(len(IMAGES)) if np.array_equal(image, IMAGES[i])]
        assert found != index
    np.testing.assert_array_equal(_at("undo", 5), SOURCES)
    assert sum(np.array_equal(a, b) for a, b in zip(_at("undo", 3), SOURCES, strict=True)) == 4
    np.testing.assert_allclose(_at("fade", 3), (SOURCES + IMAGES) / 2, atol=1e-6)
