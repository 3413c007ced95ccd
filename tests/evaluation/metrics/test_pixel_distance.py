import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tf_translate.evaluation.metrics import pixel_distance


def _pair(channels=3, sides=(20, 17), count=3):
    random = np.random.default_rng(channels)
    truth = random.uniform(-1, 1, (count, *sides, channels)).astype(np.float32)
    noise = random.normal(0, 0.3, truth.shape)
    return np.clip(truth * 0.7 + noise, -1, 1).astype(np.float32), truth


def test_l1_and_psnr_of_a_constant_difference():
    truth = np.zeros((2, 4, 4, 3), np.float32)
    images = truth + np.array([0.5, 0.2], np.float32).reshape(2, 1, 1, 1)
    np.testing.assert_allclose(pixel_distance.l1(images, truth), [0.5, 0.2], rtol=1e-6)
    # 10 log10(2^2 / 0.5^2) = 10 log10(16) = 12.0412; 10 log10(4 / 0.04) = 20
    np.testing.assert_allclose(pixel_distance.psnr(images, truth), [12.0412, 20.0], atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_psnr_and_ssim_equal_those_of_scikit_image(channels):
    images, truth = _pair(channels)
    for i, (psnr, ssim) in enumerate(
        zip(pixel_distance.psnr(images, truth), pixel_distance.ssim(images, truth), strict=True)
    ):
        assert psnr == pytest.approx(
            peak_signal_noise_ratio(truth[i], images[i], data_range=2), abs=1e-4
        )
        reference = structural_similarity(
            (truth[i] + 1) * 127.5,  # as pixels in [0, 255]
            (images[i] + 1) * 127.5,
            data_range=255,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert ssim == pytest.approx(reference, abs=1e-4)


def test_a_copy_has_the_best_value_of_every_pixel_distance():
    _, truth = _pair()
    assert (pixel_distance.l1(truth, truth) == 0).all()
    assert (pixel_distance.psnr(truth, truth) == 100).all()
    np.testing.assert_allclose(pixel_distance.ssim(truth, truth), 1.0, atol=1e-6)


def test_skill_score_is_the_fraction_of_the_l1_distance_removed():
    truth, inputs = np.ones((2, 4, 4, 1)), np.zeros((2, 4, 4, 1))
    # L1 of the input is 1, of the output 0.25: three quarters are removed.
    assert pixel_distance.skill_score(np.full_like(truth, 0.75), inputs, truth) == pytest.approx(
        0.75
    )
    assert pixel_distance.skill_score(inputs, inputs, truth) == 0
    assert pixel_distance.skill_score(truth, inputs, truth) == 1
    assert pixel_distance.skill_score(np.full_like(truth, -1.0), inputs, truth) == pytest.approx(
        -1.0
    )
    assert np.isnan(pixel_distance.skill_score(truth, truth, truth))


def test_pixel_distances_refuse_unequal_shapes_and_small_images():
    with pytest.raises(ValueError, match="equal shapes"):
        pixel_distance.l1(np.zeros((1, 4, 4, 1)), np.zeros((1, 4, 4, 3)))
    with pytest.raises(ValueError, match="at least 11 pixels for SSIM"):
        pixel_distance.ssim(np.zeros((1, 10, 12, 1)), np.zeros((1, 10, 12, 1)))


def test_l1_outside_edit_counts_only_pixels_that_the_true_edit_does_not_change():
    random = np.random.default_rng(3)
    sources = random.uniform(-1, 1, (2, 6, 6, 3)).astype(np.float32)
    truth = sources.copy()
    truth[:, :3] = -truth[:, :3] + 0.5  # the edit: the upper half
    truth[:, 4, 4] += 1.5 / 127.5  # rounding is no edit
    images = sources + np.float32(0.1)
    images[:, :3] = 9.0
    expected = np.abs(images - sources)[:, 3:].mean((1, 2, 3))
    np.testing.assert_allclose(
        pixel_distance.l1_outside_edit(images, sources, truth), expected, rtol=1e-5
    )
    assert np.isnan(pixel_distance.l1_outside_edit(images, sources, -sources + 3.0)).all()
