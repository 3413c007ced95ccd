"""Positions and blend weights of tiles, and results for identity and local functions."""

import numpy as np
import pytest
from scipy import ndimage

from exporters.inference.tiling import blend_weights, default_overlap, map_tiles, tile_starts

SIZES = [(1, 1), (1, 40), (37, 1), (5, 7), (8, 12), (9, 13), (16, 24), (31, 50), (64, 65)]
TILE = (8, 12)


def _random(height, width, channels=3):
    return np.random.default_rng(height * 100 + width).integers(
        0, 256, (height, width, channels), np.uint8
    )


def test_tiles_of_8_over_20_pixels_by_hand():
    # Overlap 2: (20 - 2) / (8 - 2) = 3 tiles; 12 pixels are left to move in 2 steps of 6.
    assert tile_starts(20, 8, 2) == [0, 6, 12]
    # Neighbours share pixels 6 and 7; the ramp is 1 wide around 7: pixel 6 is the first's, 7 the
    # second's. So with 14 and 13.
    assert [weight.tolist() for weight in blend_weights(20, 8, 2)] == [
        [1, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 1, 1],
    ]


def test_blend_weights_with_a_ramp_of_2_pixels_by_hand():
    # Overlap 4 of 8: tiles at 0 and 4; the ramp is 2 wide around 6, and the middles of pixels 5
    # and 6 are a quarter and three quarters along it.
    assert [weight.tolist() for weight in blend_weights(12, 8, 4)] == [
        [1, 1, 1, 1, 1, 0.75, 0.25, 0],
        [0, 0.25, 0.75, 1, 1, 1, 1, 1],
    ]


def test_without_overlap_tiles_are_laid_edge_to_edge():
    assert tile_starts(24, 8, 0) == [0, 8, 16]
    assert all((weight == 1).all() for weight in blend_weights(24, 8, 0))


@pytest.mark.parametrize("tile", [1, 2, 5, 8, 12])
def test_tiles_cover_every_length_overlap_enough_and_have_weights_that_sum_to_1(tile):
    for overlap in range(tile // 2 + 1):
        for size in range(1, 6 * tile):
            begins, sums = tile_starts(size, tile, overlap), np.zeros(max(size, tile))
            for begin, weight in zip(begins, blend_weights(size, tile, overlap), strict=True):
                assert ((weight >= 0) & (weight <= 1)).all()
                sums[begin : begin + tile] += weight
            np.testing.assert_allclose(sums, 1.0, atol=1e-6)
            assert begins[0] == 0
            assert begins[-1] + tile == max(size, tile)
            assert all(tile - np.diff(begins) >= overlap)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("overlap", [0, 1, 3, 4])
def test_tiling_the_identity_returns_the_image_bit_for_bit(size, overlap):
    image = _random(*size)
    shapes = set()

    def identity(part):
        shapes.add(part.shape)
        return part

    result = map_tiles(identity, image, TILE, overlap=overlap)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, image)
    assert shapes == {(*TILE, 3)}


@pytest.mark.parametrize("size", SIZES[4:])
def test_a_local_function_gives_what_it_gives_of_the_whole(size):
    # A 3x3 mean sees 1 pixel around; of an overlap of 4 the outer quarters, 1 pixel, are left out.
    # "mirror" is the reflection that short sides are filled with, and what the function does at
    # the border of a tile is wrong on purpose.
    image = np.random.default_rng(1).uniform(-1, 1, (*size, 2)).astype(np.float32)
    whole = ndimage.uniform_filter(image, (3, 3, 1), mode="mirror")
    outer = ndimage.uniform_filter(image, (3, 3, 1), mode="constant", cval=9.0)
    rim = np.ones(size, bool)
    rim[1:-1, 1:-1] = False

    def local(part):
        return ndimage.uniform_filter(part, (3, 3, 1), mode="constant", cval=9.0)

    result = map_tiles(local, image, TILE, overlap=4)
    expected = np.where(rim[..., None], outer, whole)
    np.testing.assert_allclose(result, expected, atol=1e-6 * 9)
    np.testing.assert_allclose(result[~rim], whole[~rim], atol=1e-6)


def test_too_little_overlap_shows_the_padding_of_tiles():
    image = np.zeros((8, 24, 1), np.float32)

    def local(part):
        return ndimage.uniform_filter(part, (3, 3, 1), mode="constant", cval=9.0)

    plain = map_tiles(local, image, TILE, overlap=0)
    assert np.flatnonzero(plain[4, :, 0] > 0.1).tolist() == [0, 11, 12, 23]
    blended = map_tiles(local, image, TILE, overlap=4)
    assert np.flatnonzero(blended[4, :, 0] > 0.1).tolist() == [0, 23]


def test_flat_tiles_fade_into_each_other_by_hand():
    # Two tiles of 8 over 12 pixels, 0 and 100: the weights above times 100, 25 and 75 in the ramp.
    counted = iter([0, 100])
    image = np.zeros((8, 12, 1), np.uint8)
    result = map_tiles(lambda part: np.full_like(part, next(counted)), image, (8, 8), overlap=4)
    assert result[3, :, 0].tolist() == [0, 0, 0, 0, 0, 25, 75, 100, 100, 100, 100, 100]


def test_progress_counts_every_tile_once():
    calls = []
    image = _random(20, 30)
    map_tiles(
        lambda part: part, image, TILE, overlap=2, progress=lambda *counts: calls.append(counts)
    )
    # (20 - 2) / 6 = 3 rows, (30 - 2) / 10 = 2.8 columns.
    assert calls == [(index + 1, 9) for index in range(9)]


def test_a_function_of_tiles_may_change_the_number_of_channels():
    result = map_tiles(lambda part: part[..., :1], _random(20, 30), TILE, overlap=2)
    assert result.shape == (20, 30, 1)


@pytest.mark.parametrize(("size", "tile", "overlap"), [(8, 8, 5), (8, 8, -1), (0, 8, 0), (8, 0, 0)])
def test_tile_lengths_and_overlaps_out_of_range_are_refused(size, tile, overlap):
    with pytest.raises(ValueError, match="`overlap` must be 0 to half of a tile"):
        tile_starts(size, tile, overlap)


@pytest.mark.parametrize(
    ("tile", "overlap"), [((256, 512), 64), ((128, 128), 32), ((64, 96), 32), ((8, 12), 4)]
)
def test_the_default_overlap_is_a_quarter_or_32_pixels_and_half_at_most(tile, overlap):
    assert default_overlap(tile) == overlap
