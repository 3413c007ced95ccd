import math

import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from exporters.bundle.manifest import TensorRecord
from exporters.verification.image_metrics import compare, is_image, ssim

IMAGE = TensorRecord(name="image", shape=(1, 20, 24, 3), dtype="float32", value_range=(-1, 1))
PIXELS = TensorRecord(name="image", shape=(1, 20, 24, 3), dtype="uint8", value_range=(0, 255))
ROW = TensorRecord(name="row", shape=(1, 2), dtype="float32", value_range=(-1, 1))
LEVELS = TensorRecord(name="row", shape=(1, 2), dtype="uint8", value_range=(0, 255))


def _errors_and_psnr(*values):
    found = compare(*values)
    return found.max_abs, found.mean_abs, found.psnr


def test_output_differences_worked_by_hand():
    # |0.5 - 0.25| = 0.25 and 0: mean 0.125, squared mean 0.03125, peak 2: 10 log10(4/0.03125)
    values = _errors_and_psnr(np.float32([[[0.5, 1.0]]]), np.float32([[[0.25, 1.0]]]), ROW)
    assert values == pytest.approx((0.25, 0.125, 10 * math.log10(128)))
    # 3 levels and 1 level: no wrap-around below zero; squared mean 5, peak 255
    values = _errors_and_psnr(np.uint8([[[0, 10]]]), np.uint8([[[3, 9]]]), LEVELS)
    assert values == pytest.approx((3, 2, 10 * math.log10(65025 / 5)))


def test_differences_in_other_ranges_are_scaled_to_a_width_of_two():
    unit = ROW.model_copy(update={"value_range": (0.0, 1.0)})
    assert _errors_and_psnr(np.float32([0.0]), np.float32([0.1]), unit)[0] == pytest.approx(0.2)
    free = ROW.model_copy(update={"value_range": None})
    assert _errors_and_psnr(np.float32([50.0]), np.float32([51.0]), free)[0] == pytest.approx(
        1 / 50
    )
    assert _errors_and_psnr(np.float32([0.1]), np.float32([0.2]), free)[0] == pytest.approx(0.1)


def test_equal_outputs_have_infinite_psnr_and_nan_has_none():
    assert _errors_and_psnr(np.float32([1.0]), np.float32([1.0]), ROW) == (0, 0, math.inf)
    broken = compare(np.float32([1.0]), np.float32([math.nan]), ROW)
    assert math.isnan(broken.max_abs)
    assert broken.as_dict() == {
        **{"cases": 1, "max_abs": None, "mean_abs": None, "psnr": None},
        **{"ssim": None, "colour_shift": None},
    }


@pytest.fixture(scope="module")
def images():
    """Two cases each of smooth uint8 images and of noisy ones near them."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (2, 1, 5, 6, 3))
    one = coarse.repeat(4, 2).repeat(4, 3)
    two = one + random.normal(0, 20, one.shape)
    return one.round().astype(np.uint8), two.round().clip(0, 255).astype(np.uint8)


def _scikit_images(one, two, data_range):
    """Wang et al.'s settings, as in the documentation of scikit-image."""
    return structural_similarity(
        one.astype(np.float64), two.astype(np.float64), data_range=data_range, channel_axis=-1,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip


def test_psnr_equals_scikit_images(images):
    one, two = images
    assert compare(one, two, PIXELS).psnr == pytest.approx(peak_signal_noise_ratio(one, two))
    floats = (one / 127.5 - 1).astype(np.float32), (two / 127.5 - 1).astype(np.float32)
    expected = peak_signal_noise_ratio(*floats, data_range=2)
    assert compare(*floats, IMAGE).psnr == pytest.approx(expected)


def test_structural_similarity_equals_scikit_images_and_tensorflows(images):
    one, two = images
    expected = [_scikit_images(a, b, 255) for a, b in zip(one[:, 0], two[:, 0], strict=True)]
    found = compare(one, two, PIXELS).ssim
    assert 0.3 < found < 0.95
    assert found == pytest.approx(np.mean(expected), abs=1e-9)
    tensorflows = tf.image.ssim(one[:, 0], two[:, 0], 255).numpy()
    assert found == pytest.approx(tensorflows.mean(), abs=1e-4)


def test_structural_similarity_of_floats_is_that_of_their_pixels(images):
    floats = [(each / 127.5 - 1).astype(np.float32) for each in images]
    assert compare(*floats, IMAGE).ssim == pytest.approx(compare(*images, PIXELS).ssim, abs=1e-6)


def test_structural_similarity_of_flat_images_worked_by_hand():
    # No variance: only the luminance term is left, (2ab + c1) / (a² + b² + c1), c1 = 0.01².
    one, two = np.full((11, 13, 1), 0.25), np.full((11, 13, 1), 0.75)
    expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    assert ssim(one, two, data_range=1.0) == pytest.approx(expected)
    assert ssim(one, one, data_range=1.0) == pytest.approx(1.0)


def test_tensors_smaller_than_the_window_or_not_images_have_no_ssim():
    small = IMAGE.model_copy(update={"shape": (1, 10, 24, 3)})
    zeros = np.zeros((2, 1, 10, 24, 3), np.float32)
    assert compare(zeros, zeros, small).ssim is None
    assert compare(zeros, zeros, small).colour_shift == (0.0, 0.0, 0.0)
    assert compare(np.float32([[[1, 1]]]), np.float32([[[1, 0]]]), ROW).colour_shift is None
    assert not is_image(IMAGE.model_copy(update={"shape": (1, 4, 4, 64)}))
    assert not is_image(IMAGE.model_copy(update={"value_range": None}))
    with pytest.raises(ValueError, match="sides of at least 11 pixels, got"):
        ssim(zeros[0, 0], zeros[0, 0], data_range=2.0)


def test_colour_shift_is_signed_and_by_channel():
    one = np.full((2, 1, 20, 24, 3), 100, np.uint8)
    two = one.copy()
    two[..., 0] += 4  # brighter red in all cases
    two[0, ..., 2] -= 10  # darker blue in one of two
    assert compare(one, two, PIXELS).colour_shift == pytest.approx((4.0, 0.0, -5.0))
    floats = [(each / 127.5 - 1).astype(np.float32) for each in (one, two)]
    expected = (4 / 127.5, 0.0, -5 / 127.5)
    assert compare(*floats, IMAGE).colour_shift == pytest.approx(expected, abs=1e-6)
