"""Images adapted to another network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.resize_images import FitImages


def _images(count, *shape):
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype(np.float32)


@pytest.mark.parametrize("size", [(4, 6), (8, 8), (13, 5), (20, 24)])
def test_resized_images_equal_those_of_tensorflows_bilinear_resize(size):
    images = _images(2, 8, 12, 3)
    expected = tf.image.resize(images, size, antialias=True)
    np.testing.assert_allclose(FitImages((*size, 3))(images), expected, atol=1e-5)


def test_two_pixels_are_resized_as_by_hand():
    # Halved: triangles of half-width 2 around 1, distances .5, .5, 1.5, ... cropped at the border.
    column = np.array([[0.0], [1.0]], np.float32)[None, :, :, None]
    assert float(FitImages((1, 1, 1))(column)[0, 0, 0, 0]) == pytest.approx(0.5)
    # Doubled: centres at 1/4 and 3/4 of a pixel.
    doubled = FitImages((4, 1, 1))(column)
    np.testing.assert_allclose(np.ravel(doubled), [0.0, 0.25, 0.75, 1.0], atol=1e-6)


def test_channels_are_repeated_or_averaged_and_values_rescaled():
    grey = FitImages((8, 8, 1), (0, 255))(_images(1, 8, 8, 3))
    expected = (_images(1, 8, 8, 3).mean(-1, keepdims=True) + 1) * 127.5
    np.testing.assert_allclose(grey, expected, atol=1e-4)
    colour = FitImages((8, 8, 3))(_images(1, 8, 8, 1)).numpy()
    assert (colour == _images(1, 8, 8, 1)).all()


def test_impossible_shapes_ranges_and_channels_are_refused():
    with pytest.raises(ValueError, match=r"`shape` must be .* all known, got \(None, 8, 3\)"):
        FitImages((None, 8, 3))
    with pytest.raises(ValueError, match="`value_range` must be ascending"):
        FitImages((8, 8, 3), (1, 0))
    with pytest.raises(ValueError, match="`images` must have 1 or 3 channels, got 4"):
        FitImages((8, 8, 3))(_images(1, 8, 8, 4))


def test_fit_images_is_restored_from_its_config():
    layer = FitImages((4, 4, 1), (0.0, 1.0))
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert np.array_equal(copy(_images(1, 8, 8, 3)), layer(_images(1, 8, 8, 3)))
