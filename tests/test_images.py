import io
import os

import numpy as np
import pytest
from PIL import Image
from skimage import data as photographs
from skimage.transform import resize as skimage_resize

from tf_translate import images
from tf_translate.errors import DataError


@pytest.fixture(scope="module")
def cat():
    """A photograph, uint8 (100, 150, 3)."""
    return photographs.chelsea()[:100, 150:300]


def saved(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def test_black_is_minus_one_white_is_one_and_51_is_minus_three_fifths():
    floats = images.to_float(np.array([0, 51, 255], np.uint8))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, [-1.0, -0.6, 1.0], atol=1e-6)  # 51 / 127.5 = 0.4


def test_floats_are_rounded_to_the_nearest_pixel_and_clipped():
    # (0.001 + 1) * 127.5 = 127.63 -> 128; (-0.001 + 1) * 127.5 = 127.37 -> 127
    pixels = images.to_uint8(np.array([-3.0, -1.0, -0.001, 0.001, 1.0, 1.7]))
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [0, 0, 127, 128, 255, 255]


def test_every_pixel_value_survives_conversion_to_float_and_back():
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(images.to_uint8(images.to_float(every)), every)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp"])
def test_lossless_formats_are_read_exactly(tmp_path, cat, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"cat{suffix}", cat, **options)
    np.testing.assert_array_equal(images.read(path), cat)


def test_a_jpeg_is_read_nearly_unchanged_and_with_its_size(tmp_path, cat):
    read = images.read(saved(tmp_path / "cat.JPG", cat, quality=95))
    assert read.shape == cat.shape
    assert np.abs(read.astype(int) - cat).mean() < 3


@pytest.mark.parametrize(
    ("orientation", "stored_as"),
    [  # what a camera stores so that a viewer shows `upright` (EXIF 2.3, tag 0x0112)
        (1, lambda upright: upright),
        (2, lambda upright: upright[:, ::-1]),
        (3, lambda upright: upright[::-1, ::-1]),
        (4, lambda upright: upright[::-1]),
        (5, lambda upright: upright.transpose(1, 0, 2)),
        (6, lambda upright: np.rot90(upright, 1)),
        (7, lambda upright: np.rot90(upright, 2).transpose(1, 0, 2)),
        (8, lambda upright: np.rot90(upright, -1)),
    ],
)
def test_exif_rotation_is_undone(tmp_path, cat, orientation, stored_as):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(stored_as(cat))
    path = saved(tmp_path / "turned.png", stored, exif=exif)
    np.testing.assert_array_equal(images.read(path), cat)


def test_transparent_pixels_are_composited_over_white(tmp_path):
    # 200 * 128/255 + 255 * 127/255 = 100.4 + 127 = 227.4; 0 -> 127; 100 -> 50.2 + 127 = 177.2
    pixels = np.array([[[200, 0, 100, 128], [9, 9, 9, 0], [7, 8, 9, 255]]], np.uint8)
    read = images.read(saved(tmp_path / "glass.png", pixels))
    assert read.tolist() == [[[227, 127, 177], [255, 255, 255], [7, 8, 9]]]


def test_a_transparent_palette_colour_is_composited_over_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "palette.png", transparency=0)
    assert images.read(tmp_path / "palette.png").tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_reading_four_channels_keeps_alpha_or_adds_an_opaque_one(tmp_path):
    glass = np.array([[[200, 0, 100, 128], [9, 9, 9, 0]]], np.uint8)
    assert images.read(saved(tmp_path / "a.png", glass), channels=4).tolist() == glass.tolist()
    solid = images.read(saved(tmp_path / "b.png", glass[..., :3].copy()), channels=4)
    assert solid.tolist() == [[[200, 0, 100, 255], [9, 9, 9, 255]]]


def test_grey_becomes_three_equal_channels(tmp_path):
    path = saved(tmp_path / "grey.png", np.array([[3, 250]], np.uint8))
    assert images.read(path).tolist() == [[[3, 3, 3], [250, 250, 250]]]
    assert images.read(path, channels=1).tolist() == [[[3], [250]]]


def test_colour_becomes_luma_when_one_channel_is_requested(tmp_path):
    # ITU-R 601: 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 59.8 + 58.7 + 5.7 = 124.2
    path = saved(tmp_path / "colour.png", np.full((2, 2, 3), (200, 100, 50), np.uint8))
    assert images.read(path, channels=1).tolist() == [[[124], [124]], [[124], [124]]]


def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path):
    # 65535 / 257 = 255; 32768 / 257 = 127.502; 257 / 257 = 1
    path = saved(tmp_path / "deep.png", np.array([[0, 257, 32768, 65535]], np.uint16))
    assert images.read(path, channels=1)[..., 0].tolist() == [[0, 1, 128, 255]]
    assert images.read(path, channels=3)[0, 2].tolist() == [128, 128, 128]


def test_black_and_white_files_hold_0_and_255(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "bits.png")
    assert images.read(tmp_path / "bits.png", channels=1)[..., 0].tolist() == [[255, 0]]


def test_missing_empty_and_foreign_files_are_named(tmp_path):
    missing, empty, text = (tmp_path / name for name in ("no.png", "empty.png", "text.png"))
    empty.touch()
    text.write_text("not an image")
    for path, reason in ((missing, "there is no"), (empty, "0 bytes"), (text, "not an image")):
        with pytest.raises(DataError, match=reason) as raised:
            images.read(path)
        assert str(path) in str(raised.value)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP"])
def test_a_truncated_file_is_refused_by_name(tmp_path, cat, form):
    encoded = io.BytesIO()
    Image.fromarray(cat).save(encoded, form)
    path = tmp_path / "half.png"
    path.write_bytes(encoded.getvalue()[: len(encoded.getvalue()) // 2])
    with pytest.raises(DataError, match=r"half\.png"):
        images.read(path)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP"])
def test_damage_anywhere_gives_pixels_or_a_data_error_and_nothing_else(tmp_path, cat, form):
    encoded = io.BytesIO()
    Image.fromarray(cat[:24, :24]).save(encoded, form)
    clean = np.frombuffer(encoded.getvalue(), np.uint8)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        damaged = clean.copy()
        positions = random.integers(0, min(len(clean), 200), 6)
        damaged[positions] = random.integers(0, 256, 6)
        path = tmp_path / "damaged.png"
        path.write_bytes(damaged.tobytes())
        try:
            assert images.read(path).dtype == np.uint8
        except DataError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_writing_and_reading_give_the_same_pixels(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    path = tmp_path / "new" / "folder" / "image.png"
    images.write(path, pixels)
    np.testing.assert_array_equal(images.read(path, channels=channels), pixels)
    assert [file.name for file in path.parent.iterdir()] == ["image.png"]


def test_resizing_takes_height_first_and_agrees_with_scikit_image(cat):
    small = images.resize(cat, (25, 50))
    assert small.shape == (25, 50, 3)
    expected = skimage_resize(cat, (25, 50), order=3, anti_aliasing=True) * 255
    assert np.abs(small - expected).mean() < 3  # two good filters; upside down it is 40
    assert np.abs(small[::-1] - expected).mean() > 20


def test_resizing_keeps_a_plain_image_plain_and_the_same_size_untouched(cat):
    plain = np.full((9, 5, 1), 77, np.uint8)
    assert np.unique(images.resize(plain, (4, 12))).tolist() == [77]
    np.testing.assert_array_equal(images.resize(cat, cat.shape[:2]), cat)


def test_resizing_does_not_let_hidden_colours_bleed():
    # Left half red, right half fully transparent green: no green may appear in visible pixels.
    glass = np.zeros((8, 8, 4), np.uint8)
    glass[:, :4] = (255, 0, 0, 255)
    glass[:, 4:] = (0, 255, 0, 0)
    small = images.resize(glass, (3, 3))
    assert small[small[..., 3] > 0][:, 1].max() == 0


def test_to_rgb_composites_alpha_over_white_and_repeats_grey():
    grey, glass = np.array([[[5]]], np.uint8), np.array([[[0, 100, 255, 51]]], np.uint8)
    assert images.to_rgb(grey).tolist() == [[[5, 5, 5]]]
    assert images.to_rgb(glass).tolist() == [[[204, 224, 255]]]  # a fifth of it, 0.8 * 255 = 204


def test_a_grid_has_each_image_at_its_position():
    black, white = np.full((2, 4, 4, 3), -1.0), np.full((2, 4, 4, 1), 1.0)
    grid = images.grid([black, white], gap=3, scale=2)
    assert grid.shape == (2 * (8 + 3) + 3, 2 * (8 + 3) + 3, 3)
    assert grid[3:11, 3:11].max() == 0
    assert grid[14:22, 3:11].max() == 0
    assert (grid == 0).all(axis=-1).sum() == 2 * 8 * 8


def test_a_grid_has_one_title_for_each_column():
    column = np.zeros((1, 8, 8, 3))
    untitled, titled = images.grid([column, column]), images.grid([column] * 2, titles=["a", "b"])
    assert titled.shape[0] == untitled.shape[0] + 18
    assert titled[:18].min() < 255
    with pytest.raises(ValueError, match="all 2 columns, got 1"):
        images.grid([column, column], titles=["a"])


def test_a_vast_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "x.png"
    path.touch()
    os.truncate(path, 2**40)  # a sparse file: it takes no space
    with pytest.raises(
        DataError, match=r"x.png is too large: it has 1,024.0 GiB, the limit is 4 GiB"
    ):
        images.read(path)
