"""Bundles through tiles: exact where the model is local, refused where tiles make no sense."""

import keras
import numpy as np
import pytest

import exporters
from exporters import ExportError, translate_image, translate_tiles
from exporters.inference.images import to_float, to_uint8
from exporters.inference.tiling import map_tiles
from tests.exporters.fakes import Signature, Tensor, edit, negative, of_model, swap


def _export(folder, *signatures, aspect="stretch"):
    path = exporters.export({one.name: one for one in signatures}, folder / "bundle", aspect=aspect)
    return exporters.Runner(exporters.open_bundle(path))


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    return _export(tmp_path_factory.mktemp("tiles"), negative(), edit(), swap())


def _local(height, width):
    """Sees 2 pixels around: two 3x3 convolutions; zeros lie around the image."""
    keras.utils.set_random_seed(3)
    images = keras.Input((height, width, 3))
    hidden = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(images)
    return keras.Model(images, keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(hidden))


def _image(height, width):
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.thorough
@pytest.mark.parametrize("size", [(8, 12), (37, 50), (40, 48), (8, 90), (9, 12), (30, 12), (8, 13)])
def test_no_pixel_of_an_image_as_large_as_a_tile_is_resampled(runner, size):
    pixels = _image(*size)
    for overlap in (None, 0, 4):
        translated = translate_tiles(runner, pixels, signature="a_to_b", overlap=overlap)
        np.testing.assert_array_equal(translated, 255 - pixels)


@pytest.mark.parametrize("aspect", ["stretch", "letterbox", "crop"])
def test_images_smaller_than_a_tile_are_translated_whole_with_every_aspect(tmp_path, aspect):
    runner = _export(tmp_path, negative(), aspect=aspect)
    for size in ((5, 90), (3, 4), (30, 1), (1, 30), (1, 1), (6, 12)):
        pixels = np.full((*size, 3), 90, np.uint8)
        pixels[:, : size[1] // 2] = 110
        translated = translate_tiles(runner, pixels)
        assert translated.shape == pixels.shape
        assert np.abs(translated.astype(int) - (255 - pixels)).max() <= 8
    if aspect != "crop":  # which keeps all of the image in tiles
        pixels = _image(5, 7)
        np.testing.assert_array_equal(
            translate_tiles(runner, pixels), translate_image(runner, pixels)
        )


@pytest.mark.thorough
def test_a_local_network_gives_what_it_gives_of_the_whole_image(tmp_path):
    # Of an overlap of 8 the outer quarters, 2 pixels, are left out: as far as the network sees.
    tile = _local(16, 24)
    pixels = _image(45, 70)
    whole = np.asarray(_local(45, 70)(to_float(pixels)[None]))[0]
    floats = map_tiles(
        lambda part: np.asarray(tile(part[None]))[0], to_float(pixels), (16, 24), overlap=8
    )
    np.testing.assert_allclose(floats, whole, atol=1e-6)
    runner = _export(tmp_path, of_model("a_to_b", tile))
    blended = translate_tiles(runner, pixels, overlap=8)
    apart = np.abs(blended.astype(int) - to_uint8(whole))
    assert apart.max() <= 1  # rounded once a tile
    plain = translate_tiles(runner, pixels, overlap=0)
    assert np.abs(plain.astype(int) - to_uint8(whole)).max() > 5


def test_attributes_are_passed_with_every_tile(runner):
    attributes = {"glasses": 1, "hair=black": 0, "hair=blond": 1}
    translated = translate_tiles(runner, _image(20, 30), signature="edit", attributes=attributes)
    assert np.unique(translated.reshape(-1, 3), axis=0).tolist() == [[255, 0, 255]]


def test_signatures_that_tiles_cannot_use_are_refused(runner, tmp_path):
    pixels = _image(20, 30)
    with pytest.raises(ExportError, match="'swap' needs an exemplar"):
        translate_tiles(runner, pixels, signature="swap")
    for overlap in (-1, 5):
        with pytest.raises(ExportError, match=f"`overlap` must be 0 to 4 pixels.* got {overlap}"):
            translate_tiles(runner, pixels, signature="a_to_b", overlap=overlap)
    with pytest.raises(ExportError, match="takes images of 3 channels as 'image', got one of 1"):
        translate_tiles(runner, pixels[..., :1], signature="a_to_b")
    with pytest.raises(ValueError, match="`pixels` must be uint8 of shape"):
        translate_tiles(runner, to_float(pixels), signature="a_to_b")
    import tensorflow as tf

    wide = Signature(
        "a_to_b",
        lambda image: {"image": tf.image.resize(image, (8, 24), method="nearest")},
        (Tensor(),),
        (Tensor(shape=(None, 8, 24, 3)),),
    )
    with pytest.raises(ExportError, match=r"gives images of \(8, 24\) for \(8, 12\)"):
        translate_tiles(_export(tmp_path, wide), pixels)


@pytest.mark.parametrize("size", [(20, 30), (5, 40), (8, 12)])
def test_tiles_of_twice_the_size_are_blended_into_twice_the_image(tmp_path, size):
    import tensorflow as tf

    double = Signature(
        "a_to_b",
        lambda image: {"image": tf.repeat(tf.repeat(image, 2, axis=1), 2, axis=2)},
        (Tensor(),),
        (Tensor(shape=(None, 16, 24, 3)),),
    )
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    doubled = translate_tiles(_export(tmp_path, double), pixels)
    expected = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)
    assert doubled.shape == expected.shape
    if min(size) >= 8:  # a shorter side is stretched to that of a tile and back
        assert np.abs(doubled.astype(int) - expected).max() <= 1
