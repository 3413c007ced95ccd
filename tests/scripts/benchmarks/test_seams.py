"""Seams of tiles: where they could be, and whether they are visible; values by hand."""

import numpy as np
import pytest

from scripts.benchmarks.seams import seam_positions, seam_ratio, tint_step

SEAMS = ((), (4,))


def _ramp(height=4, width=8):
    """Columns 0, 1, 2 ...: every jump along a row is 1, down a column 0."""
    return np.tile(np.arange(width, dtype=np.float64), (height, 1))[..., None]


@pytest.mark.parametrize(
    ("size", "overlap", "positions"), [(20, 2, [7, 13]), (12, 4, [5, 6, 7]), (24, 0, [8, 16])]
)
def test_seams_are_where_blend_weights_of_tiles_of_8_pixels_change(size, overlap, positions):
    # Overlap 2: tiles at 0, 6, 12; the ramp is 1 wide, so weights change at pixels 7 and 13.
    # Overlap 4: tiles at 0 and 4; weights 1, 0.75, 0.25, 0 around pixel 6 change three times.
    # Overlap 0: tiles at 0, 8, 16 meet at 8 and 16.
    assert seam_positions(size, 8, overlap) == positions


def test_a_known_seam_by_hand():
    # 4x8: 28 jumps of 1 along rows, 24 of 0 along columns. The seam before column 4 holds 4
    # jumps of 1; elsewhere 24 of 1 and 24 of 0 have mean 0.5: the quotient of the whole is 2.
    # With 3 added from column 4 on, the jumps at the seam are 4: quotient 8, ratio 4.
    whole = _ramp()
    tiled = whole.copy()
    tiled[:, 4:] += 3.0
    assert seam_ratio(tiled, whole, SEAMS) == pytest.approx(4.0)
    assert tint_step(tiled, whole, SEAMS) == pytest.approx(3.0)


def test_seams_in_rows_and_columns_are_weighted_by_their_pixels():
    # 2x3: a seam before row 1 (3 jumps along columns) and before column 2 (2 along rows). Jumps
    # along columns are 6; along both rows they are 1 and 2. Across: (3 * 6 + 2 * 2) / 5 = 4.4;
    # elsewhere: (1 + 1) / 2 = 1. In the whole image all are 1: the ratio is 4.4.
    tiled = np.array([[0.0, 1, 3], [6, 7, 9]])[..., None]
    whole = np.array([[0.0, 1, 2], [1, 2, 3]])[..., None]
    assert seam_ratio(tiled, whole, ((1,), (2,))) == pytest.approx(4.4)


def test_without_a_seam_the_ratio_is_1_and_the_step_0():
    image = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    assert seam_ratio(image, image, ((6,), (3, 6))) == 1.0
    assert tint_step(image, image, ((6,), (3, 6))) == 0.0


def test_an_edge_in_the_image_content_at_a_seam_does_not_count():
    whole = _ramp()
    whole[:, 4:] += 50.0
    assert seam_ratio(whole, whole, SEAMS) == 1.0


def test_noise_over_the_whole_image_does_not_count_as_a_seam():
    random = np.random.default_rng(1)
    whole = random.normal(size=(200, 200, 3))
    tiled = whole + random.normal(size=whole.shape)
    assert seam_ratio(tiled, whole, ((100,), (50, 100, 150))) == pytest.approx(1.0, abs=0.05)


def test_blending_lowers_the_jump_but_not_the_tint_step():
    # From column 3 to 5 the tint rises in two steps of 1.5 instead of one of 3.
    whole = _ramp()
    tiled = whole + np.array([0, 0, 0, 0, 1.5, 3, 3, 3])[:, None]
    assert seam_ratio(tiled, whole, ((), (4, 5))) == pytest.approx(2.5)
    assert tint_step(tiled, whole, ((), (4, 5))) == pytest.approx(3.0)


def test_differences_of_uint8_images_do_not_wrap_around():
    whole = np.full((2, 4, 1), 10, np.uint8) + np.arange(4, dtype=np.uint8)[:, None]
    tiled = whole.copy()
    tiled[:, 2:] -= 9
    assert tint_step(tiled, whole, ((), (2,))) == 9.0


@pytest.mark.parametrize("seams", [((), ()), ((1,), (1, 2))])
def test_no_seams_or_nothing_but_seams_are_refused(seams):
    with pytest.raises(ValueError, match="`seams` must be some rows and columns but not all"):
        seam_ratio(np.zeros((2, 3, 1)), np.zeros((2, 3, 1)), seams)


def test_images_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"one equal shape .* got \(2, 3, 1\) and \(2, 4, 1\)"):
        tint_step(np.zeros((2, 3, 1)), np.zeros((2, 4, 1)), SEAMS)
