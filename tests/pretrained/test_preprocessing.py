import numpy as np
import pytest

from tf_translate.pretrained import preprocessing


def test_grey_is_repeated_and_alpha_is_composited_over_white():
    grey = np.full((1, 2, 2, 1), -0.5, np.float32)
    np.testing.assert_array_equal(preprocessing.to_rgb(grey), np.full((1, 2, 2, 3), -0.5))
    # Black at alpha 0 (half transparent): half of black (-1) and half of white (1) is 0.
    half = np.full((1, 2, 2, 4), -1.0, np.float32)
    half[..., 3] = 0.0
    np.testing.assert_allclose(preprocessing.to_rgb(half), np.zeros((1, 2, 2, 3)), atol=1e-7)
    # Fully transparent is white whatever the colour below.
    half[..., 3] = -1.0
    np.testing.assert_allclose(preprocessing.to_rgb(half), np.ones((1, 2, 2, 3)))


def test_downsampling_a_fine_checkerboard_gives_its_mean_without_aliasing():
    board = np.indices((32, 32)).sum(0) % 2 * 2.0 - 1.0
    shrunk = preprocessing.resize(board[None, :, :, None].astype(np.float32), (8, 8))
    assert shrunk.shape == (1, 8, 8, 1)
    assert np.abs(shrunk[:, 2:-2, 2:-2]).max() < 0.05


def test_resizing_stays_in_range_and_returns_images_of_that_size_unchanged():
    random = np.random.default_rng(0)
    images = np.sign(random.normal(size=(3, 10, 14, 3))).astype(np.float32)
    np.testing.assert_array_equal(preprocessing.resize(images, (10, 14)), images)
    enlarged = preprocessing.to_square_rgb(images, 32)
    assert enlarged.shape == (3, 32, 32, 3)
    assert np.abs(enlarged).max() <= 1.0


def test_images_of_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"1, 3 or 4 channels\), got \(1, 4, 4, 2\)"):
        preprocessing.to_rgb(np.zeros((1, 4, 4, 2)))
