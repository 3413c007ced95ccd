import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

import exporters
from exporters import ExportError, translate_image
from exporters.inference.images import to_float, to_uint8
from tests.exporters.fakes import Signature, Tensor, negative


@pytest.fixture(scope="module")
def runner(small):
    return exporters.Runner(exporters.open_bundle(small))


def _export(tmp_path, *signatures):
    path = exporters.export({s.name: s for s in signatures}, tmp_path / "bundle")
    return exporters.Runner(exporters.open_bundle(path))


def _smooth(height, width, channels=3):
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    planes = [np.cos(2 * rows + index) * np.sin(1 + columns) for index in range(channels)]
    return to_uint8(np.stack(planes, axis=-1))


def test_pixels_to_floats_and_back_is_the_identity():
    levels = np.arange(256, dtype=np.uint8)
    assert to_float(levels)[[0, 255]].tolist() == [-1, 1]
    np.testing.assert_array_equal(to_uint8(to_float(levels)), levels)


@pytest.mark.parametrize(
    "size", [(8, 12), (16, 24), (37, 11), (5, 90), (1, 1), (1, 300), (301, 2), (4, 6)]
)
def test_any_size_comes_back_in_its_own_size(runner, size):
    pixels = _smooth(*size)
    assert translate_image(runner, pixels).shape == pixels.shape


def test_an_image_of_the_models_size_is_not_resampled(runner):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    np.testing.assert_array_equal(translate_image(runner, pixels), 255 - pixels)


@pytest.mark.parametrize("size", [(40, 20), (24, 36), (20, 40)])
def test_a_smooth_image_of_another_size_is_translated_in_place(runner, size):
    pixels = _smooth(*size)
    translated = translate_image(runner, pixels)
    assert translated.dtype == np.uint8
    assert peak_signal_noise_ratio(255 - pixels, translated) > 30
    assert peak_signal_noise_ratio(255 - pixels[::-1], translated) < 20  # not upside down


def test_the_canvas_is_padded_by_reflection_not_with_a_flat_colour(tmp_path):
    corner = Signature("a_to_b", lambda image: {"image": 0 * image + image[:, :1, :1, :]})
    runner = _export(tmp_path, corner)
    # 8x4 lies in columns 4..7 of 12; the canvas' column 0 is the image's column -4, and
    # reflection about columns 0 and 3 (period 6) makes that column 2.
    pixels = np.zeros((8, 4, 3), np.uint8)
    pixels[0, :, :] = np.array([10, 20, 30, 40])[:, None]
    assert np.unique(translate_image(runner, pixels)) == [30]


def test_larger_outputs_keep_the_position_of_the_image(tmp_path):
    import tensorflow as tf

    double = Signature(
        "a_to_b",
        lambda image: {"image": tf.image.resize(image, (16, 24), method="nearest")},
        (Tensor(),),
        (Tensor(shape=(None, 16, 24, 3)),),
    )
    pixels = _smooth(40, 20)
    translated = translate_image(_export(tmp_path, double), pixels)
    assert translated.shape == pixels.shape
    assert peak_signal_noise_ratio(pixels, translated) > 28


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_alpha_images_keep_their_channels(tmp_path, channels):
    tensor = Tensor(shape=(None, 8, 12, channels))
    signature = Signature("a_to_b", lambda image: {"image": -image}, (tensor,), (tensor,))
    pixels = _smooth(16, 24, channels)
    translated = translate_image(_export(tmp_path, signature), pixels)
    assert translated.shape == (16, 24, channels)
    assert peak_signal_noise_ratio(255 - pixels, translated) > 30


def test_the_signature_is_chosen_by_its_float_or_its_uint8_name(tmp_path):
    same = Signature("b_to_a", lambda image: {"image": image * 1.0})
    runner = _export(tmp_path, negative(), same)
    pixels = np.full((8, 12, 3), 10, np.uint8)
    for name, level in (("a_to_b", 245), ("b_to_a", 10), ("b_to_a_uint8", 10)):
        assert np.unique(translate_image(runner, pixels, signature=name)) == [level]
    with pytest.raises(ExportError, match=r"`signature` must be given.*fit a_to_b or b_to_a"):
        translate_image(runner, pixels)
    with pytest.raises(ExportError, match="there is no signature 'c'"):
        translate_image(runner, pixels, signature="c")


def test_signatures_that_do_not_turn_images_into_images_are_refused(tmp_path):
    score = Tensor("score", (None, 1), "float32", None)
    signature = Signature(
        "judge", lambda image: {"score": image[:, 0, 0, :1]}, (Tensor(),), (score,)
    )
    runner = _export(tmp_path, signature)
    with pytest.raises(ExportError, match="'judge' does not turn images into images"):
        translate_image(runner, np.zeros((8, 12, 3), np.uint8), signature="judge")


def test_images_of_other_channels_and_shapes_are_refused(runner):
    with pytest.raises(ExportError, match="takes images of 3 channels as 'image', got one of 4"):
        translate_image(runner, np.zeros((8, 12, 4), np.uint8))
    for wrong in (np.zeros((8, 12, 3)), np.zeros((8, 12), np.uint8), np.zeros((0, 5, 3), np.uint8)):
        with pytest.raises(ValueError, match="`pixels` must be uint8 of shape"):
            translate_image(runner, wrong)
