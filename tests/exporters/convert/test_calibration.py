import numpy as np
import pytest

from exporters import ExportError, pick_diverse_images


def flat(*levels):
    return np.stack([np.full((4, 4, 3), level, np.float32) for level in levels])


def test_the_image_nearest_to_the_mean_comes_first_then_the_farthest_ones():
    # The mean is 0.02: 0.0 is nearest, then 1.0, then -0.9; then 0.5 is 0.5 from 0 and 1.
    assert pick_diverse_images(flat(0.0, 0.5, 1.0, -0.9, -0.5), count=4)[:3] == [0, 2, 3]


def test_images_are_chosen_by_colour_and_contrast_not_by_brightness_alone():
    grey = np.zeros((8, 8, 3), np.float32)
    red, checks = grey.copy(), grey.copy()
    red[..., 0], red[..., 1] = 1.0, -1.0  # of equal mean
    checks[::2, ::2], checks[1::2, 1::2], checks[::2, 1::2], checks[1::2, ::2] = 1, 1, -1, -1
    chosen = pick_diverse_images([grey, grey, grey, red, grey, checks], count=3)
    assert {3, 5} <= set(chosen)


def test_equal_seeds_choose_equal_images_and_none_twice():
    images = np.random.default_rng(0).uniform(-1, 1, (40, 6, 6, 3)).astype(np.float32)
    assert pick_diverse_images(images, count=12, seed=3) == pick_diverse_images(
        images, count=12, seed=3
    )
    assert len(set(pick_diverse_images(flat(*[0.5] * 9), count=6))) == 6
    assert pick_diverse_images(flat(*[0.5] * 50), count=6, seed=1) != pick_diverse_images(
        flat(*[0.5] * 50), count=6, seed=2
    )


def test_all_images_are_chosen_if_there_are_few():
    assert sorted(pick_diverse_images(iter(flat(0.1, 0.2, 0.3)), count=64)) == [0, 1, 2]
    assert pick_diverse_images([np.zeros((1, 1, 1), np.float32)]) == [0]


def test_chosen_images_include_the_extremes():
    random = np.random.default_rng(1)
    images = flat(*np.clip(random.normal(0, 0.2, 300), -1, 1))
    chosen = images[pick_diverse_images(images, count=5)]
    assert chosen.min() == images.min()
    assert chosen.max() == images.max()


@pytest.mark.parametrize(
    ("images", "count", "message"),
    [([], 3, "`images` is empty"), (flat(0.0), 0, "`count` must be at least 1, got 0")],
)
def test_choosing_from_no_images_or_a_count_below_1_is_refused(images, count, message):
    with pytest.raises(ExportError, match=message):
        pick_diverse_images(images, count=count)
