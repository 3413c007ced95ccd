import numpy as np
import pytest

from tf_translate.evaluation.metrics.seams import seam_ratio, tint_step

BORDERS = ((), (4,))


def _ramp(height=4, width=8):
    """Columns 0, 1, 2 ...: every jump along a row is 1, down a column 0."""
    return np.tile(np.arange(width, dtype=np.float64), (height, 1))[..., None]


def test_a_known_seam_by_hand():
    # 4x8: 28 jumps of 1 along rows, 24 of 0 down columns. The border ahead of column 4 holds 4
    # jumps of 1; inside 24 of 1 and 24 of 0 have the mean 0.5: the whole's quotient is 2.
    # With 3 added from column 4 on, the border's jumps are 4: the quotient is 8, the ratio 4.
    whole = _ramp()
    tiled = whole.copy()
    tiled[:, 4:] += 3.0
    assert seam_ratio(tiled, whole, BORDERS) == pytest.approx(4.0)
    assert tint_step(tiled, whole, BORDERS) == pytest.approx(3.0)


def test_rows_and_columns_count_by_their_pixels_by_hand():
    # 2x3: a border ahead of row 1 (3 jumps down) and of column 2 (2 jumps along). Jumps down are
    # 6, along row 0 are 1 and 2, along row 1 are 1 and 2. Across: (3 * 6 + 2 * 2) / 5 = 4.4;
    # inside: (1 + 1) / 2 = 1. In the whole all are 1: the ratio is 4.4.
    tiled = np.array([[0.0, 1, 3], [6, 7, 9]])[..., None]
    whole = np.array([[0.0, 1, 2], [1, 2, 3]])[..., None]
    assert seam_ratio(tiled, whole, ((1,), (2,))) == pytest.approx(4.4)


def test_without_a_seam_the_ratio_is_1_and_the_step_0():
    image = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    assert seam_ratio(image, image, ((6,), (3, 6))) == 1.0
    assert tint_step(image, image, ((6,), (3, 6))) == 0.0


def test_an_edge_of_the_image_on_a_border_is_no_seam():
    whole = _ramp()
    whole[:, 4:] += 50.0
    assert seam_ratio(whole, whole, BORDERS) == 1.0


def test_noise_everywhere_is_no_seam():
    random = np.random.default_rng(1)
    whole = random.normal(size=(200, 200, 3))
    tiled = whole + random.normal(size=whole.shape)
    assert seam_ratio(tiled, whole, ((100,), (50, 100, 150))) == pytest.approx(1.0, abs=0.05)


def test_blending_hides_the_jump_but_not_the_tint():
    # From column 3 to 5 the tint rises in two steps of 1.5 in place of one of 3.
    whole = _ramp()
    tiled = whole + np.array([0, 0, 0, 0, 1.5, 3, 3, 3])[:, None]
    assert seam_ratio(tiled, whole, ((), (4, 5))) == pytest.approx(2.5)
    assert tint_step(tiled, whole, ((), (4, 5))) == pytest.approx(3.0)


def test_levels_of_uint8_do_not_wrap():
    whole = np.full((2, 4, 1), 10, np.uint8) + np.arange(4, dtype=np.uint8)[:, None]
    tiled = whole.copy()
    tiled[:, 2:] -= 9
    assert tint_step(tiled, whole, ((), (2,))) == 9.0


@pytest.mark.parametrize("borders", [((), ()), ((1,), (1, 2))])
def test_no_borders_or_nothing_else_is_refused(borders):
    with pytest.raises(ValueError, match="`borders` must be some rows and columns and not all"):
        seam_ratio(np.zeros((2, 3, 1)), np.zeros((2, 3, 1)), borders)


def test_images_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"one equal shape .* got \(2, 3, 1\) and \(2, 4, 1\)"):
        tint_step(np.zeros((2, 3, 1)), np.zeros((2, 4, 1)), BORDERS)
