"""The mask blend of IAN's photo editor, against scipy and a computation by hand."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tf_translate.editing.mask_blend import blend, soft_mask


def _images(count=3, seed=0, shape=(2, 9, 12, 3)):
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, shape).astype(np.float32) for _ in range(count)]


def _mask(reconstruction, edited):
    size = np.minimum(np.abs(edited - reconstruction).mean(-1), 1.0)
    return np.stack([gaussian_filter(one, 0.7) for one in size])[..., None]


def test_the_blend_is_the_papers_formula_with_scipys_blur():
    image, reconstruction, edited = _images()
    mask = _mask(reconstruction, edited)
    error, delta = image - reconstruction, edited - reconstruction
    expected = reconstruction + mask * delta + (1 - mask) * error
    np.testing.assert_allclose(blend(image, reconstruction, edited), expected, atol=2e-6)


@pytest.mark.parametrize("shape", [(1, 3, 3, 1), (2, 16, 8, 4)])
def test_the_blur_is_scipys_also_at_borders_and_on_the_smallest_images(shape):
    _, reconstruction, edited = _images(shape=shape)
    found = soft_mask(reconstruction, edited)
    np.testing.assert_allclose(found, _mask(reconstruction, edited), atol=1e-6)


def test_the_mask_of_one_changed_pixel_equals_a_computation_by_hand():
    image, reconstruction, _ = _images(shape=(1, 11, 11, 3))
    edited = reconstruction.copy()
    edited[0, 5, 5, 0] += 0.6  # a mean of 0.2 over three channels
    # Weights exp(-d^2 / 0.98) are 1, .36044, .01687, .00010 and their sum with both sides 1.75484.
    middle, side = 0.2 / 1.75484**2, 0.2 * 0.36044 / 1.75484**2
    mask = soft_mask(reconstruction, edited).numpy()[0, ..., 0]
    assert mask[5, 5] == pytest.approx(middle, rel=1e-4)
    assert mask[5, 6] == mask[4, 5] == pytest.approx(side, rel=1e-4)
    assert (mask[:2] == 0).all()  # more than three pixels away
    assert (mask[:, 9:] == 0).all()
    blended = blend(image, reconstruction, edited).numpy()
    assert np.array_equal(blended[0, :2], image[0, :2])
    expected = (1 - middle) * image[0, 5, 5] + middle * edited[0, 5, 5]
    np.testing.assert_allclose(blended[0, 5, 5], expected, rtol=1e-4)


def test_without_an_edit_the_image_is_unchanged_however_bad_its_reconstruction_is():
    image, reconstruction, _ = _images()
    assert np.array_equal(blend(image, reconstruction, reconstruction), image)


def test_an_edit_from_black_to_white_replaces_the_image():
    image, reconstruction, _ = _images()
    black, white = np.full_like(image, -1), np.full_like(image, 1)
    np.testing.assert_allclose(blend(image, black, white), white, atol=1e-6)
    blended = blend(image, reconstruction, white).numpy()
    assert blended.min() >= -1
    assert blended.max() <= 1
