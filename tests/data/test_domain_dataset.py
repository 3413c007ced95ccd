"""Domain datasets: training batches are a function of the step, other images are in order."""

from itertools import islice

import numpy as np
import pytest
import tensorflow as tf

from tests.data.image_files import ab_folders, config, named_pairs, plain, save, values
from tf_translate import images
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.sampling import BatchShard
from tf_translate.errors import DataError


def steps(data, count, **settings):
    """Returns the first training batches as NumPy arrays."""
    dataset = data.training(**{"batch_size": 2, "seed": 3, **settings})
    return [
        {name: side.numpy() for name, side in batch.items()} for batch in islice(dataset, count)
    ]


def message(*arguments, **settings) -> str:
    with pytest.raises(DataError) as raised:
        open_domain_dataset(*arguments, **settings)
    return str(raised.value)


def distinct_pixels(height, width, channels=3):
    """An image in which every pixel differs: value = 3 * row + 5 * column + 7 * channel."""
    row, column, channel = np.ogrid[:height, :width, :channels]
    return (3 * row + 5 * column + 7 * channel).astype(np.uint8)


# Order of training


def test_pairs_stay_together_in_training(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path)), paired=True)
    for batch in steps(data, 9):
        assert [a + 100 for a in values(batch["a"])] == values(batch["b"])


def test_every_pass_uses_every_image_once_in_a_new_order(tmp_path):
    data = open_domain_dataset(config(ab_folders(tmp_path, train_a=6, train_b=4)))
    batches = steps(data, 12)  # 24 images: a four times, b six times
    a = [value for batch in batches for value in values(batch["a"])]
    b = [value for batch in batches for value in values(batch["b"])]
    passes_a = [tuple(a[i : i + 6]) for i in range(0, 24, 6)]
    passes_b = [tuple(b[i : i + 4]) for i in range(0, 24, 4)]
    assert all(sorted(order) == [0, 1, 2, 3, 4, 5] for order in passes_a)
    assert all(sorted(order) == [100, 101, 102, 103] for order in passes_b)
    assert len(set(passes_a)) > 1
    assert len(set(passes_b)) > 1


def test_unpaired_domains_are_shuffled_independently(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path, train=16)), paired=False)
    together = [
        a + 100 == b
        for batch in steps(data, 32)
        for a, b in zip(values(batch["a"]), values(batch["b"]), strict=True)
    ]
    # 64 samples that agree with probability 1/16: 4 expected, 64 if they were shuffled together
    assert sum(together) < 16


def test_an_epoch_has_as_many_samples_as_the_larger_domain(tmp_path):
    assert open_domain_dataset(config(ab_folders(tmp_path, train_a=6, train_b=4))).epoch_size == 6


@pytest.mark.parametrize("paired", [True, False])
def test_starting_at_step_k_continues_an_unbroken_run_exactly(tmp_path, paired):
    folder = named_pairs(tmp_path, train=5, size=(9, 10))
    settings = {"size": (6, 6), "load_size": (8, 9), "flip": "horizontal"}
    data = open_domain_dataset(config(folder, **settings), paired=paired)
    unbroken = steps(data, 9, batch_size=3)
    for start in (1, 4, 7):
        again = open_domain_dataset(config(folder, **settings), paired=paired)
        for expected, batch in zip(
            unbroken[start:], steps(again, 9 - start, batch_size=3, start_step=start), strict=True
        ):
            np.testing.assert_array_equal(batch["a"], expected["a"])
            np.testing.assert_array_equal(batch["b"], expected["b"])


def test_another_seed_gives_another_order(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path, train=20)))
    first, second = (steps(data, 10, seed=seed) for seed in (1, 2))
    assert [values(b["a"]) for b in first] != [values(b["a"]) for b in second]


def test_a_single_image_is_repeated_endlessly(tmp_path):
    data = open_domain_dataset(config(ab_folders(tmp_path, train_a=1, train_b=1)))
    assert [values(batch["b"]) for batch in steps(data, 2)] == [[100, 100]] * 2


def test_training_batches_have_static_shapes_and_the_range_of_the_model(tmp_path):
    folder = ab_folders(tmp_path)
    save(folder / "trainA" / "000.png", np.array([[[0] * 3, [255] * 3]], np.uint8))
    data = open_domain_dataset(config(folder, size=(4, 8), channels_b=1, flip="horizontal"))
    dataset = data.training(batch_size=3, seed=0)
    assert dataset.element_spec["a"].shape == (3, 4, 8, 3)
    assert dataset.element_spec["b"].shape == (3, 4, 8, 1)
    assert dataset.element_spec["a"].dtype == tf.float32
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    everything = np.concatenate([batch["a"] for batch in steps(data, 5)])
    assert (everything.min(), everything.max()) == (-1.0, 1.0)


def test_two_replicas_get_the_halves_of_the_same_batch(tmp_path, two_replicas):
    data = open_domain_dataset(config(named_pairs(tmp_path, train=7)))
    expected = steps(data, 3, batch_size=4)
    spread = two_replicas.experimental_distribute_dataset(data.training(batch_size=4, seed=3))
    for batch, whole in zip(islice(spread, 3), expected, strict=True):
        halves = two_replicas.experimental_local_results(batch["a"])
        assert [len(half) for half in halves] == [2, 2]
        np.testing.assert_array_equal(np.concatenate(halves), whole["a"])


def test_workers_get_their_own_parts_of_the_same_batches(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path, train=7)))
    expected = steps(data, 3, batch_size=6, start_step=5)
    # Three devices: the first worker has two of them, so two parts of a step; the second has one.
    first = steps(data, 6, batch_size=6, start_step=5, shard=BatchShard(0, 2, 3))
    second = steps(data, 3, batch_size=6, start_step=5, shard=BatchShard(2, 1, 3))
    for number, whole in enumerate(expected):
        pieces = [first[2 * number], first[2 * number + 1], second[number]]
        assert [len(piece["a"]) for piece in pieces] == [2, 2, 2]
        for side in "ab":
            joined = np.concatenate([piece[side] for piece in pieces])
            np.testing.assert_array_equal(joined, whole[side])


def test_a_batch_size_not_divisible_by_the_devices_is_refused(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path)))
    with pytest.raises(ValueError, match="`batch_size` must be divisible by 3 devices, got 4"):
        data.training(batch_size=4, seed=0, shard=BatchShard(0, 1, 3))


# Augmentation of training


def find_crops(image, whole, size):
    """Lists all (top, left, mirrored) at which `image` is a crop of `whole`."""
    return [
        (top, left, mirrored)
        for top in range(whole.shape[0] - size[0] + 1)
        for left in range(whole.shape[1] - size[1] + 1)
        for mirrored in (False, True)
        if np.array_equal(
            image, whole[top : top + size[0], left : left + size[1]][:, :: -1 if mirrored else 1]
        )
    ]


def test_both_images_of_a_pair_get_the_same_crop_and_mirror(tmp_path):
    whole = distinct_pixels(10, 9)
    for side in "ab":
        save(tmp_path / "train" / side / "x.png", whole if side == "a" else whole + 100)
    settings = {"size": (6, 6), "load_size": (10, 9), "flip": "horizontal"}
    data = open_domain_dataset(config(tmp_path, **settings), paired=True)
    crops = set()
    for batch in steps(data, 20):
        a, b = images.to_uint8(batch["a"]), images.to_uint8(batch["b"])
        for image_a, image_b in zip(a, b, strict=True):
            (crop,) = find_crops(image_a, whole, (6, 6))
            assert find_crops(image_b, whole + 100, (6, 6)) == [crop]
            crops.add(crop)
    assert {top for top, _, _ in crops} == {0, 1, 2, 3, 4}
    assert {left for _, left, _ in crops} == {0, 1, 2, 3}
    assert {mirrored for _, _, mirrored in crops} == {False, True}


def test_unpaired_images_are_cropped_and_mirrored_independently(tmp_path):
    whole = distinct_pixels(10, 9)
    for side in "AB":
        save(tmp_path / f"train{side}" / "x.png", whole)
    settings = {"size": (6, 6), "load_size": (10, 9), "flip": "horizontal"}
    data = open_domain_dataset(config(tmp_path, **settings))
    same = [np.array_equal(a, b) for s in steps(data, 20) for a, b in zip(*s.values(), strict=True)]
    assert len(same) == 40
    assert sum(same) < 10  # 40 / (5 * 4 * 2) = 1 expected by chance


def test_without_augmentation_training_images_are_unchanged(tmp_path):
    whole = distinct_pixels(8, 8)
    for side in "AB":
        save(tmp_path / f"train{side}" / "x.png", whole)
    for batch in steps(open_domain_dataset(config(tmp_path)), 4):
        np.testing.assert_array_equal(images.to_uint8(batch["a"]), [whole, whole])


# Ordered images


def test_ordered_gives_the_pairs_once_in_order_with_a_smaller_last_batch(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path, train=5), flip="horizontal"))
    batches = list(data.ordered("train", batch_size=2))
    assert [values(batch["a"]) for batch in batches] == [[0, 1], [2, 3], [4]]
    assert [values(batch["b"]) for batch in batches] == [[100, 101], [102, 103], [104]]
    assert data.ordered("train", batch_size=2).element_spec["a"].shape == (None, 8, 8, 3)


def test_side_gives_one_domain_of_unpaired_images(tmp_path):
    data = open_domain_dataset(config(ab_folders(tmp_path, train_a=3, train_b=2)))
    assert [values(batch) for batch in data.side("train", "a", batch_size=2)] == [[0, 1], [2]]
    assert [values(batch) for batch in data.side("test", "b", batch_size=2)] == [[150, 151]]
    assert data.names("train", "a") == ("000", "001", "002")
    with pytest.raises(DataError, match="the test images are unpaired: use side"):
        data.ordered("test", batch_size=1)


def test_arrays_are_the_images_in_order_and_a_limit_spreads_evenly(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path, train=7)))
    a, b = data.arrays("train")
    assert a.dtype == np.float32
    assert values(a) == [0, 1, 2, 3, 4, 5, 6]
    a, b = data.arrays("train", limit=3)
    assert (values(a), values(b)) == ([0, 3, 6], [100, 103, 106])


def test_evaluation_images_are_resized_directly_to_the_model_size(tmp_path):
    folder = named_pairs(tmp_path)
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    path = save(folder / "test" / "a" / "000.png", image)
    data = open_domain_dataset(config(folder, size=(6, 8), load_size=(8, 10), flip="horizontal"))
    expected = images.resize(images.read(path), (6, 8))
    np.testing.assert_array_equal(images.to_uint8(data.arrays("test")[0][0]), expected)
    (batch,) = data.ordered("test", batch_size=2)
    np.testing.assert_array_equal(images.to_uint8(batch["a"][0].numpy()), expected)


def test_held_out_pairs_remain_ground_truth_when_pairs_are_opened_unpaired(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path)), paired=False)
    assert not data.paired
    assert data.has_truth("test")
    assert not open_domain_dataset(config(ab_folders(tmp_path / "other"))).has_truth("test")


def test_sizes_may_differ_in_height_and_width_and_domains_in_channels(tmp_path):
    folder = ab_folders(tmp_path)
    save(folder / "trainA" / "000.png", np.full((5, 7, 4), (10, 20, 30, 0), np.uint8))
    data = open_domain_dataset(config(folder, size=(4, 12), channels_a=4, channels_b=1))
    assert (data.shape_a, data.shape_b) == ((4, 12, 4), (4, 12, 1))
    a, b = data.arrays("train")
    assert (a.shape, b.shape) == ((5, 4, 12, 4), (3, 4, 12, 1))
    assert a[0, ..., 3].max() == -1.0  # alpha 0 stays alpha 0
    assert a[1, ..., 3].min() == 1.0  # a file without alpha is opaque


def test_channels_apply_to_the_models_domains_when_the_direction_is_swapped(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path), channels_a=1, direction="b_to_a"))
    a, b = data.arrays("train")
    assert (a.shape[-1], b.shape[-1]) == (1, 3)
    assert (values(a)[0], values(b)[0]) == (100, 0)


def test_side_by_side_images_are_split_in_the_middle(tmp_path):
    whole = np.concatenate([np.full((4, 6, 3), 10, np.uint8), np.full((4, 6, 3), 200, np.uint8)], 1)
    save(tmp_path / "train" / "x.png", whole)
    data = open_domain_dataset(config(tmp_path, size=(4, 6)), paired=True)
    a, b = data.arrays("train")
    assert np.unique(images.to_uint8(a)).tolist() == [10]
    assert np.unique(images.to_uint8(b)).tolist() == [200]


def test_without_a_cache_images_are_decoded_at_every_read(tmp_path):
    folder = named_pairs(tmp_path, train=1)
    data = open_domain_dataset(config(folder, cache="none"))
    assert values(data.arrays("train")[0]) == [0]
    plain(folder / "train" / "a" / "000.png", 33)
    assert values(data.arrays("train")[0]) == [33]
    assert values(steps(data, 1)[0]["a"]) == [33, 33]


# Damaged images


def break_three(folder):
    (folder / "train" / "a" / "001.png").write_bytes(b"")
    (folder / "train" / "b" / "003.jpg").write_text("text")
    broken = folder / "test" / "a" / "000.png"
    broken.write_bytes(broken.read_bytes()[:50])
    return ("a/001.png", "b/003.jpg", "a/000.png")


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_every_damaged_image_is_named(tmp_path, cache):
    folder = named_pairs(tmp_path)
    broken = break_three(folder)
    error = message(config(folder, cache=cache))
    assert error.startswith("3 images of")
    assert all(name in error for name in broken)
    assert 'set on_error to "skip"' in error


def test_a_damaged_image_is_skipped_with_its_partner_and_listed(tmp_path):
    folder = named_pairs(tmp_path)
    broken = break_three(folder)
    data = open_domain_dataset(config(folder, on_error="skip"))
    assert data.splits == {"train": (4, 4), "test": (1, 1)}
    assert data.names("train", "b") == ("000", "002", "004", "005")
    a, b = data.arrays("train")
    assert (values(a), values(b)) == ([0, 2, 4, 5], [100, 102, 104, 105])
    assert len(data.skipped) == 3
    assert all(name in listed for name, listed in zip(broken, data.skipped, strict=True))


def test_a_damaged_unpaired_image_leaves_the_other_domain_unchanged(tmp_path):
    folder = ab_folders(tmp_path, train_a=3, train_b=3)
    (folder / "trainA" / "001.png").write_bytes(b"")
    data = open_domain_dataset(config(folder, on_error="skip"))
    assert data.splits["train"] == (2, 3)


def test_more_than_twenty_damaged_images_are_counted_instead_of_listed(tmp_path):
    folder = ab_folders(tmp_path, train_a=22)
    for path in (folder / "trainA").iterdir():
        path.write_bytes(b"")
    error = message(config(folder))
    assert error.startswith("22 images")
    assert "and 2 more" in error


def test_one_damaged_image_gives_a_message_of_one_line(tmp_path):
    folder = ab_folders(tmp_path)
    (folder / "trainB" / "002.png").write_bytes(b"")
    error = message(config(folder))
    assert error.count("\n") == 0
    assert "002.png is empty (0 bytes); repair or remove it" in error


def test_a_split_without_any_usable_image_is_an_error(tmp_path):
    folder = ab_folders(tmp_path, train_a=1)
    (folder / "trainA" / "000.png").write_bytes(b"")
    error = message(config(folder, on_error="skip"))
    assert "no usable image of a is left in the train split" in error


def test_an_odd_side_by_side_image_is_named_once(tmp_path):
    plain(tmp_path / "train" / "odd.png", 1, size=(4, 9))
    error = message(config(tmp_path))
    assert "odd.png cannot be split into equal halves" in error
    assert "9 pixels wide" in error
    assert error.count("odd.png") == 1


def test_a_table_that_names_missing_images_names_them(tmp_path):
    (tmp_path / "t.csv").write_text("split,a,b\ntrain,x.png,y.png\n")
    error = message(config(tmp_path / "t.csv"))
    assert error.count("there is no image file") == 2


def test_requiring_pairs_of_unpaired_images_is_refused_with_a_suggestion(tmp_path):
    error = message(config(ab_folders(tmp_path)), paired=True)
    assert "unpaired training images, but pairs are needed" in error
    assert "named_pairs" in error


def test_invalid_arguments_are_refused(tmp_path):
    data = open_domain_dataset(config(named_pairs(tmp_path)))
    with pytest.raises(DataError, match="no split 'dev', only train, test"):
        data.arrays("dev")
    with pytest.raises(ValueError, match="`limit` must be at least 1, got 0"):
        data.arrays("train", limit=0)
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        data.training(batch_size=0, seed=1)
    with pytest.raises(ValueError, match='`side` must be "a" or "b"'):
        data.names("train", "c")


# Fingerprint


def test_the_fingerprint_does_not_depend_on_the_folder(tmp_path):
    first = open_domain_dataset(config(named_pairs(tmp_path / "one"))).fingerprint
    assert open_domain_dataset(config(named_pairs(tmp_path / "two"))).fingerprint == first


def test_the_fingerprint_changes_with_images_format_and_direction(tmp_path):
    folder = named_pairs(tmp_path)
    first = open_domain_dataset(config(folder)).fingerprint
    others = [
        open_domain_dataset(config(folder, **settings)).fingerprint
        for settings in ({"size": (8, 9)}, {"channels_b": 1}, {"direction": "b_to_a"})
    ]
    plain(folder / "test" / "a" / "000.png", 9, size=(30, 30))
    others.append(open_domain_dataset(config(folder)).fingerprint)
    assert len({first, *others}) == 5
