import numpy as np
import pytest

from tf_translate.pretrained import network_inputs


def test_grey_is_repeated_and_alpha_is_laid_over_white():
    grey = np.full((1, 2, 2, 1), -0.5, np.float32)
    np.testing.assert_array_equal(network_inputs.as_colour(grey), np.full((1, 2, 2, 3), -0.5))
    # Black at alpha 0 (half transparent): half of black (-1) and half of white (1) is 0.
    half = np.full((1, 2, 2, 4), -1.0, np.float32)
    half[..., 3] = 0.0
    np.testing.assert_allclose(network_inputs.as_colour(half), np.zeros((1, 2, 2, 3)), atol=1e-7)
    # Fully transparent is white whatever the colour below.
    half[..., 3] = -1.0
    np.testing.assert_allclose(network_inputs.as_colour(half), np.ones((1, 2, 2, 3)))


def test_shrinking_a_fine_checkerboard_gives_its_mean_and_not_a_pattern():
    board = np.indices((32, 32)).sum(0) % 2 * 2.0 - 1.0
    shrunk = network_inputs.at_size(board[None, :, :, None].astype(np.float32), (8, 8))
    assert shrunk.shape == (1, 8, 8, 1)
    assert np.abs(shrunk[:, 2:-2, 2:-2]).max() < 0.05


def test_resizing_stays_in_range_and_leaves_the_right_size_alone():
    random = np.random.default_rng(0)
    images = np.sign(random.normal(size=(3, 10, 14, 3))).astype(np.float32)
    np.testing.assert_array_equal(network_inputs.at_size(images, (10, 14)), images)
    enlarged = network_inputs.for_judge(images, 32)
    assert enlarged.shape == (3, 32, 32, 3)
    assert np.abs(enlarged).max() <= 1.0


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels\), got \(1, 4, 4, 2\)"):
        network_inputs.as_colour(np.zeros((1, 4, 4, 2)))
