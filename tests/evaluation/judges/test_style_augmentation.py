import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tests.evaluation.toys import blobs
from tf_translate.evaluation.judges import style_augmentation


@pytest.mark.parametrize(
    "augment", [style_augmentation.mild, style_augmentation.affine, style_augmentation.strong]
)
def test_augmentation_stays_in_range_depends_on_its_seed_and_differs_per_image(augment):
    images = tf.constant(np.repeat(blobs(1, seed=0)[0], 6, axis=0))
    first = augment(images, tf.constant([1, 2])).numpy()
    assert first.shape == images.shape
    assert np.abs(first).max() <= 1.0
    np.testing.assert_array_equal(first, augment(images, tf.constant([1, 2])))
    assert np.abs(first - augment(images, tf.constant([1, 3]))).max() > 0.1
    assert np.abs(first[0] - first[1]).max() > 0.1


def test_augmentation_is_equal_inside_tf_data():
    images = tf.constant(blobs(4, seed=1)[0])
    piped = tf.data.Dataset.range(1).map(
        lambda _: style_augmentation.strong(images, tf.constant([5, 6]))
    )
    np.testing.assert_allclose(
        next(iter(piped)), style_augmentation.strong(images, tf.constant([5, 6])), atol=1e-5
    )


def test_blur_is_the_binomial_filter():
    image = np.random.default_rng(0).uniform(-1, 1, (1, 9, 11, 3)).astype(np.float32)
    line = np.array([1, 4, 6, 4, 1]) / 16
    expected = ndimage.convolve1d(image[0], line, axis=0, mode="reflect")
    expected = ndimage.convolve1d(expected, line, axis=1, mode="reflect")
    np.testing.assert_allclose(style_augmentation._blur(tf.constant(image))[0], expected, atol=1e-6)


def test_mixing_channels_preserves_grey():
    grey = np.repeat(np.linspace(-1, 1, 16).reshape(1, 4, 4, 1), 3, axis=-1).astype(np.float32)
    np.testing.assert_allclose(
        style_augmentation._mix_channels(tf.constant(grey), tf.constant([3, 4])), grey, atol=1e-6
    )


def test_gamma_preserves_black_and_white():
    ends = tf.constant([-1.0, 1.0], shape=(1, 1, 2, 1)) * tf.ones((1, 1, 1, 3))
    np.testing.assert_allclose(
        style_augmentation._gamma(ends, tf.constant([1, 1])), ends, atol=0.05
    )


def test_the_identity_transform_changes_nothing():
    images = tf.constant(blobs(2, seed=2)[1])
    moved = style_augmentation._transform(
        images, tf.constant([0, 0]), rotation=0.0, scale=0.0, shift=0.0
    )
    np.testing.assert_allclose(moved, images, atol=1e-5)


def test_outlines_are_white_in_constant_regions_and_dark_at_an_edge():
    images = np.full((1, 8, 8, 3), -1.0, np.float32)
    images[:, :, 4:] = 1.0
    outlines = style_augmentation._outlines(tf.constant(images)).numpy()
    assert (outlines[:, :, [0, 1, 6, 7]] == 1.0).all()
    assert (outlines[:, :, 3:5] < -0.9).all()
