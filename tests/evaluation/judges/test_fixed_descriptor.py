import numpy as np
import pytest

from tf_translate.evaluation.judges.fixed_descriptor import CoarseColour, OrientedEdges


def _waves(angle, side=32):
    """A sine wave whose gradient points along `angle` (degrees)."""
    rows, columns = np.mgrid[:side, :side]
    phase = columns * np.cos(np.deg2rad(angle)) + rows * np.sin(np.deg2rad(angle))
    wave = np.sin(phase * 2 * np.pi / 8).astype(np.float32)
    return np.repeat(wave[None, :, :, None], 3, axis=-1)


@pytest.mark.parametrize("direction", range(8))
def test_edges_of_a_wave_are_strongest_in_its_direction(direction):
    edges = OrientedEdges()(_waves(22.5 * direction)).numpy()[0]
    assert edges.shape == (8, 8, 8)
    assert (edges[1:-1, 1:-1].argmax(-1) == direction).all()


def test_an_inverted_image_has_the_same_edges():
    wave = _waves(30)
    np.testing.assert_allclose(OrientedEdges()(-wave), OrientedEdges()(wave), atol=1e-6)


def test_faint_edges_are_suppressed_and_high_contrast_saturates():
    layer = OrientedEdges()
    strengths = [np.abs(layer(_waves(0) * scale)).max() for scale in (0.01, 0.5, 1.0)]
    assert strengths[0] < 0.15 * strengths[2]
    assert strengths[1] > 0.8 * strengths[2]


def test_a_blank_image_has_no_edges_and_no_colour():
    blank = np.full((1, 16, 16, 3), 0.7, np.float32)
    np.testing.assert_allclose(OrientedEdges()(blank), 0.0, atol=1e-3)
    np.testing.assert_allclose(CoarseColour()(blank), 0.0, atol=1e-6)


def test_coarse_colour_is_the_mean_of_each_cell_minus_the_mean_of_all():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    cells = images.reshape(2, 8, 2, 8, 2, 3).mean((2, 4))
    expected = cells - images.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(CoarseColour()(images), expected, atol=1e-6)
