from dataclasses import dataclass

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

import exporters
from exporters import ExportError, translate_image
from exporters.inference.aspect import resize
from exporters.inference.images import to_float, to_uint8
from tests.exporters.fakes import Signature, Tensor, negative


@pytest.fixture(scope="module")
def runner(small):
    return exporters.Runner(exporters.open_bundle(small))


def _export(tmp_path, *signatures, aspect="stretch"):
    path = exporters.export({s.name: s for s in signatures}, tmp_path / "bundle", aspect=aspect)
    return exporters.Runner(exporters.open_bundle(path))


def _negative(image):
    return {"image": -image}


def _smooth(height, width, channels=3):
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    planes = [np.cos(2 * rows + index) * np.sin(1 + columns) for index in range(channels)]
    return to_uint8(np.stack(planes, axis=-1))


@dataclass(frozen=True)
class LabelMap(Tensor):
    """A tensor of images whose colours must not be mixed."""

    interpolation: str = "nearest"


def _colours(pixels):
    return np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)


@pytest.mark.parametrize("aspect", ["stretch", "letterbox", "crop"])
def test_label_maps_keep_their_colours_on_the_way_in_and_back(tmp_path, aspect):
    tensors = (LabelMap(),)
    runner = _export(tmp_path, Signature("f", _negative, tensors, tensors), aspect=aspect)
    for tensor in ("inputs", "outputs"):
        assert getattr(runner.bundle.manifest.signatures["f"], tensor)[0].interpolation == "nearest"
    card = (runner.bundle.root / "card.md").read_text("utf-8")
    assert "a label map: resize it by the nearest pixel, not bicubic" in card
    labels = np.random.default_rng(0).choice([0, 80, 255], (31, 57, 1)).repeat(3, -1)
    translated = translate_image(runner, labels.astype(np.uint8))
    assert set(_colours(translated)[:, 0]) == {0, 175, 255}
    tiled = exporters.translate_tiles(runner, labels.astype(np.uint8)[:5, :7], overlap=0)
    assert set(_colours(tiled)[:, 0]) <= {0, 175, 255}


def test_without_a_word_of_it_images_are_resized_bicubic(tmp_path):
    runner = _export(tmp_path, negative())
    record = runner.bundle.manifest.signatures["a_to_b"].inputs[0]
    assert record.interpolation == "bicubic"
    assert "interpolation" not in record.model_dump()


def test_an_unknown_interpolation_is_refused(tmp_path):
    tensor = LabelMap(interpolation="cubic")
    with pytest.raises(ExportError, match="interpolation"):
        _export(tmp_path, Signature("f", _negative, (tensor,)))


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


def test_a_letterboxed_image_is_padded_by_reflection_not_with_a_flat_colour(tmp_path):
    corner = Signature("a_to_b", lambda image: {"image": 0 * image + image[:, :1, :1, :]})
    runner = _export(tmp_path, corner, aspect="letterbox")
    # 8x4 lies in columns 4..7 of 12; the canvas' column 0 is the image's column -4, and
    # reflection about columns 0 and 3 (period 6) makes that column 2.
    pixels = np.zeros((8, 4, 3), np.uint8)
    pixels[0, :, :] = np.array([10, 20, 30, 40])[:, None]
    assert np.unique(translate_image(runner, pixels)) == [30]


@pytest.mark.parametrize("aspect", ["stretch", "letterbox", "crop"])
def test_outputs_of_twice_the_size_make_the_image_twice_as_large(tmp_path, aspect):
    import tensorflow as tf

    double = Signature(
        "a_to_b",
        lambda image: {"image": tf.image.resize(image, (16, 24), method="nearest")},
        (Tensor(),),
        (Tensor(shape=(None, 16, 24, 3)),),
    )
    pixels = _smooth(40, 20)
    translated = translate_image(_export(tmp_path, double, aspect=aspect), pixels)
    shown = pixels[13:27] if aspect == "crop" else pixels
    shown = resize(shown, (2 * shown.shape[0], 2 * shown.shape[1]))
    assert translated.shape == shown.shape
    assert peak_signal_noise_ratio(shown, translated) > 28


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_alpha_images_keep_their_channels(tmp_path, channels):
    tensor = Tensor(shape=(None, 8, 12, channels))
    signs = np.float32([-1] if channels == 1 else [-1, -1, -1, 1])
    signature = Signature("a_to_b", lambda image: {"image": signs * image}, (tensor,), (tensor,))
    pixels = _smooth(16, 24, channels)
    pixels[..., 3:] = pixels[..., 3:] // 2 + 128  # colours are weighted by alpha
    translated = translate_image(_export(tmp_path, signature), pixels)
    assert translated.shape == (16, 24, channels)
    expected = np.where(signs < 0, 255 - pixels, pixels)
    assert peak_signal_noise_ratio(expected, translated) > 30


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


def test_a_model_gets_the_whole_image_stretched_or_letterboxed_or_its_centre(tmp_path):
    """The mean of what the model gets tells which: a bright middle between dark ends."""
    mean = Signature("a_to_b", lambda image: {"image": 0 * image + _mean(image)})
    pixels = np.zeros((8, 48, 3), np.uint8)
    pixels[:, 18:30] = 255
    levels = {}
    for aspect in ("stretch", "letterbox", "crop"):
        translated = translate_image(_export(tmp_path / aspect, mean, aspect=aspect), pixels)
        assert translated.shape == ((8, 12, 3) if aspect == "crop" else pixels.shape)
        levels[aspect] = np.unique(translated).tolist()
    assert levels["crop"] == [255]  # only the middle, a quarter of the image
    assert abs(levels["stretch"][0] - 64) <= 3
    assert abs(levels["letterbox"][0] - 64) <= 12  # mirrored borders repeat the ends or the middle


def _mean(image):
    import tensorflow as tf

    return tf.reduce_mean(image, (1, 2), keepdims=True)


def test_an_unknown_aspect_is_refused_at_export(tmp_path):
    with pytest.raises(
        ExportError, match="`aspect` must be one of stretch, letterbox, crop, got 'fit'"
    ):
        _export(tmp_path, negative(), aspect="fit")
    assert not (tmp_path / "bundle").exists()
