import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from exporters.inference.aspect import Box, centre_part, onto_canvas, place, place_on_tiles, resize

ASPECTS = ("stretch", "letterbox", "crop")
CANVAS = (8, 12)
SIZES = [(8, 12), (40, 20), (10, 60), (1, 5000), (301, 2), (7, 5), (37, 50), (1, 1)]


def _image(height, width, channels=3):
    """Soft waves, in which no level lies far from its neighbours'."""
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    planes = [np.cos(2 * rows + index) * np.sin(1 + columns) for index in range(channels)]
    return np.rint(127.5 + 127.5 * np.stack(planes, axis=-1)).astype(np.uint8)


# --- where images go, by hand ------------------------------------------------------------------


def test_stretching_takes_all_of_the_image_to_all_of_the_canvas():
    placement = place((40, 20), CANVAS, "stretch")
    assert (placement.part, placement.box) == (Box(0, 0, 40, 20), Box(0, 0, 8, 12))


def test_a_letterboxed_image_is_centred_as_large_as_its_aspect_allows():
    # 40x20 on 8x12: a fifth of it is 8x4, four columns free on each side
    assert place((40, 20), CANVAS, "letterbox").box == Box(top=0, left=4, height=8, width=4)
    assert place((10, 60), CANVAS, "letterbox").box == Box(top=3, left=0, height=2, width=12)
    assert place((1, 5000), CANVAS, "letterbox").box == Box(top=3, left=0, height=1, width=12)
    assert place((40, 20), CANVAS, "letterbox").part == Box(0, 0, 40, 20)


def test_cropping_takes_the_centre_part_with_the_aspect_ratio_of_the_canvas():
    # 20 * 8 / 12 = 13.3 rows, rounded up; of the 26 others 13 are above.
    assert place((40, 20), CANVAS, "crop").part == Box(top=13, left=0, height=14, width=20)
    assert place((10, 60), CANVAS, "crop").part == Box(top=0, left=22, height=10, width=15)
    assert place((40, 20), CANVAS, "crop").box == Box(0, 0, 8, 12)


@pytest.mark.parametrize("canvas", [CANVAS, (64, 64), (5, 3)])
def test_the_centre_part_of_a_centre_part_is_all_of_it(canvas):
    for height in range(1, 70):
        for width in range(1, 70):
            part = centre_part((height, width), canvas)
            assert centre_part(part.size, canvas) == Box(0, 0, *part.size)
            # The side that was not kept is at most a pixel too long.
            apart = part.height * canvas[1] - part.width * canvas[0]
            assert -canvas[0] < apart < canvas[1]


# --- and back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("times", [1, 2])
def test_the_identity_gives_the_size_back_and_with_crop_that_of_the_part(size, aspect, times):
    placement = place(size, CANVAS, aspect)
    output = placement.onto_canvas(_image(*size)).repeat(times, 0).repeat(times, 1)
    assert output.shape == (8 * times, 12 * times, 3)
    expected = centre_part(size, CANVAS).size if aspect == "crop" else size
    assert placement.off_canvas(output).shape == (*expected, 3)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(40, 20), (10, 60), (7, 5), (24, 36), (37, 50)])
@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_identity_gives_the_image_back_within_resampling(size, aspect, channels):
    pixels = _image(*size, channels)
    if channels == 4:
        pixels[..., 3] = pixels[..., 3] // 2 + 128
    placement = place(size, (32, 48), aspect)
    shown = placement.off_canvas(placement.onto_canvas(pixels))
    assert peak_signal_noise_ratio(placement.part.cut(pixels), shown) > 38


def test_an_image_of_the_size_of_the_canvas_is_not_touched():
    pixels = np.random.default_rng(0).integers(0, 256, (*CANVAS, 4), np.uint8)
    for aspect in ASPECTS:
        placement = place(CANVAS, CANVAS, aspect)
        np.testing.assert_array_equal(placement.onto_canvas(pixels), pixels)
        np.testing.assert_array_equal(placement.off_canvas(pixels), pixels)


def test_letterboxing_mirrors_the_image_at_its_borders():
    # 8x4 lies in columns 4..7 of 12; mirrored about columns 0 and 3 of the image.
    pixels = np.zeros((8, 4, 1), np.uint8)
    pixels[:, :, 0] = [10, 20, 30, 40]
    row = onto_canvas(pixels, CANVAS, "letterbox")[0, :, 0]
    assert row.tolist() == [30, 40, 30, 20, 10, 20, 30, 40, 30, 20, 10, 20]


# --- tiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("aspect", ASPECTS)
def test_no_image_as_large_as_a_tile_is_resampled_for_tiles(aspect):
    for size in (CANVAS, (9, 12), (8, 13), (100, 70)):
        placement = place_on_tiles(size, CANVAS, aspect)
        assert placement.canvas == size
        assert placement.part == placement.box == Box(0, 0, *size)


def test_smaller_images_are_brought_to_the_size_of_a_tile_by_the_aspect():
    canvas = {
        (size, aspect): place_on_tiles(size, CANVAS, aspect).canvas
        for size in ((4, 10), (4, 50), (30, 3))
        for aspect in ASPECTS
    }
    for size in ((4, 10), (4, 50), (30, 3)):
        longest = (max(size[0], 8), max(size[1], 12))
        assert canvas[size, "stretch"] == canvas[size, "letterbox"] == longest
    assert canvas[(4, 10), "crop"] == (8, 20)  # twice as large: two tiles side by side
    assert canvas[(4, 50), "crop"] == (8, 50)
    assert canvas[(30, 3), "crop"] == (30, 12)


def test_an_image_that_fits_in_a_tile_gets_what_it_gets_without_tiles():
    for aspect in ("stretch", "letterbox"):
        for size in ((4, 10), (8, 5), (1, 1)):
            assert place_on_tiles(size, CANVAS, aspect) == place(size, CANVAS, aspect)
    # Mirrored, not enlarged, where the other side is longer than a tile.
    for aspect in ("letterbox", "crop"):
        assert place_on_tiles((4, 50), CANVAS, aspect).box == Box(2, 0, 4, 50)
        long_and_thin = place_on_tiles((1, 10**6), CANVAS, aspect)
        assert long_and_thin.canvas == (8, 10**6)  # not 8 times as wide


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("aspect", ASPECTS)
def test_tiles_give_the_whole_image_back_with_every_aspect(size, aspect):
    placement = place_on_tiles(size, CANVAS, aspect)
    canvas = placement.onto_canvas(_image(*size))
    assert canvas.shape[0] >= 8
    assert canvas.shape[1] >= 12
    assert placement.off_canvas(canvas).shape == (*size, 3)


# --- resampling --------------------------------------------------------------------------------


def _bicubic(before, after):
    """Keys' cubic (a = -0.5), widened where a side shrinks, as a matrix `(after, before)`."""
    scale = before / after
    spread = max(1.0, scale)
    centres = (np.arange(after) + 0.5) * scale
    distance = np.abs(np.arange(before) + 0.5 - centres[:, None]) / spread
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [(60, 20), (20, 60), (30, 30)])
def test_rows_are_resized_before_columns_whatever_the_shape(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 1), np.uint8)
    canvas = (size[0] // 5, size[1] // 5)
    vertical, horizontal = _bicubic(size[0], canvas[0]), _bicubic(size[1], canvas[1])

    def levels(values):
        return np.rint(values).clip(0, 255)

    rows_first = levels(vertical @ levels(pixels[..., 0] @ horizontal.T))
    columns_first = levels(levels(vertical @ pixels[..., 0]) @ horizontal.T)
    found = resize(pixels, canvas)[..., 0]
    np.testing.assert_array_equal(found, rows_first)
    assert (found != columns_first).any()


def test_hidden_colours_do_not_bleed_into_visible_pixels():
    glass = np.zeros((8, 8, 4), np.uint8)
    glass[:, :4] = (255, 0, 0, 255)
    glass[:, 4:] = (0, 255, 0, 0)
    small = resize(glass, (3, 3))
    assert small[small[..., 3] > 0][:, 1].max() == 0


def test_nearest_takes_the_pixel_at_the_centre_of_each_new_one():
    # 5 pixels become 3: the centres 5/6, 15/6 and 25/6 lie in the pixels 0, 2 and 4.
    pixels = np.arange(5, dtype=np.uint8)[None, :, None].repeat(2, 0)
    assert resize(pixels, (1, 3), "nearest")[0, :, 0].tolist() == [0, 2, 4]
    assert resize(pixels, (2, 10), "nearest")[0, :, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
