"""Random augmentations of images."""

import numpy as np
import pytest
import tensorflow as tf

from tf_translate.core.random_augmentation import VALUES_PER_VIEW, random_views


def _random_values(changed=None):
    """Values that change nothing, except for some by their index."""
    values = np.full((1, VALUES_PER_VIEW), 0.5, np.float32)
    values[0, 11] = 0.0
    for index, value in (changed or {}).items():
        values[0, index] = value
    return values


def _images():
    return np.random.default_rng(0).uniform(-0.5, 0.5, (1, 16, 16, 3)).astype(np.float32)


def test_random_values_of_one_half_change_nothing():
    np.testing.assert_allclose(random_views(_images(), _random_values()), _images(), atol=1e-4)


def test_a_horizontal_shift_moves_the_image():
    # 0.78125 is 0.5625 of the greatest shift, 0.08 * 16 pixels: 0.72 of a pixel to the left.
    images = np.tile(
        np.linspace(-0.5, 0.5, 16, dtype=np.float32)[None, None, :, None], (1, 16, 1, 3)
    )
    moved = random_views(images, _random_values({0: 0.78125})).numpy()
    np.testing.assert_allclose((moved - images)[:, :, 2:13], 0.72 / 15, atol=1e-4)


def test_a_gain_scales_all_channels_and_an_offset_shifts_one():
    bright = random_views(_images(), _random_values({4: 0.999999})).numpy()
    np.testing.assert_allclose(bright, 1.3 * _images(), atol=1e-3)
    red = random_views(_images(), _random_values({8: 0.0})).numpy() - _images()
    np.testing.assert_allclose(red.mean((0, 1, 2)), [-0.2, 0, 0], atol=1e-3)


def test_blur_averages_neighbours():
    soft = random_views(_images(), _random_values({11: 0.999999})).numpy()
    assert soft[0, 8, 8, 0] == pytest.approx(_images()[0, 7:10, 7:10, 0].mean(), abs=1e-3)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_views_have_the_shape_and_the_range_of_images(channels):
    values = np.random.default_rng(1).uniform(size=(4, VALUES_PER_VIEW))
    images = tf.ones((4, 8, 8, channels))
    views = random_views(images, values).numpy()
    assert views.shape == images.shape
    assert np.abs(views).max() <= 1.0
