"""Random crops and mirrors: pure functions of a seed."""

import numpy as np
import tensorflow as tf

from tf_translate import images
from tf_translate.data import augmentation


def seeds(count):
    return [augmentation.sample_seed(7, tf.constant(i, tf.int64)) for i in range(count)]


def test_a_crop_is_the_numpy_slice_at_its_offset():
    pixels = np.arange(6 * 7 * 2, dtype=np.uint8).reshape(6, 7, 2)
    cut = augmentation.crop(tf.constant(pixels), tf.constant([1, 3]), (4, 2))
    np.testing.assert_array_equal(cut, pixels[1:5, 3:5])


def test_mirror_swaps_left_and_right_only_if_the_flag_is_true():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
    np.testing.assert_array_equal(augmentation.mirror(tf.constant(pixels), True), pixels[:, ::-1])
    np.testing.assert_array_equal(augmentation.mirror(tf.constant(pixels), False), pixels)


def test_every_crop_position_is_about_equally_likely_and_inside_the_image():
    offsets = [
        tuple(augmentation.sample_crop_offset(seed, (5, 6), (4, 4)).numpy()) for seed in seeds(600)
    ]
    positions, counts = np.unique(offsets, axis=0, return_counts=True)
    assert positions.tolist() == [[top, left] for top in (0, 1) for left in (0, 1, 2)]
    # 600 samples of 6 positions: 100 each, standard deviation sqrt(600 / 6 * 5 / 6) = 9.1
    assert counts.min() > 60
    assert counts.max() < 140


def test_half_of_the_images_are_mirrored():
    fraction = np.mean([augmentation.sample_mirror(seed).numpy() for seed in seeds(400)])
    assert 0.4 < fraction < 0.6  # standard deviation 0.025


def test_the_same_seed_gives_the_same_crop_and_the_two_domains_get_different_crops():
    seed = seeds(1)[0]
    first, again = (
        augmentation.sample_crop_offset(seed, (300, 300), (1, 1)).numpy() for _ in range(2)
    )
    assert first.tolist() == again.tolist()
    offsets = [
        augmentation.sample_crop_offset(s, (300, 300), (1, 1)).numpy().tolist()
        for s in tf.unstack(augmentation.split_seed(seed))
    ]
    assert offsets[0] != offsets[1]


def test_eager_mode_and_tf_data_give_the_same_crops_and_mirrors():
    def augment(sample):
        seed = augmentation.sample_seed(3, sample)
        return augmentation.sample_crop_offset(seed, (90, 80), (8, 8)), augmentation.sample_mirror(
            seed
        )

    for sample, (offset, mirrored) in enumerate(tf.data.Dataset.range(5).map(augment)):
        eager = augment(tf.constant(sample, tf.int64))
        np.testing.assert_array_equal(offset, eager[0])
        assert bool(mirrored) == bool(eager[1])


def test_to_float_equals_images_to_float():
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(augmentation.to_float(every), images.to_float(every), atol=1e-7)
