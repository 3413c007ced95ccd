"""The images that a run keeps for its export, from data sets that the tests write."""

import numpy as np

from tests.data.image_files import ab_folders, config, plain
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.experiment.kept_images import (
    choose_kept_images,
    read_kept_images,
    write_kept_images,
)
from tf_translate.training.run_dir import RunDir


def _round_trip(kept, folder):
    run = RunDir.create(folder, {})
    write_kept_images(run, kept)
    again = read_kept_images(run)
    for part, other in ((kept.held_out, again.held_out), (kept.calibration, again.calibration)):
        assert list(part) == list(other)
        for key, values in part.items():
            assert other[key].dtype == values.dtype
            np.testing.assert_array_equal(other[key], values)


def _levels(images):
    return np.round((images.mean((1, 2, 3)) + 1) * 127.5).astype(int).tolist()


def test_few_evenly_spaced_and_diverse_images_of_each_domain_are_kept(tmp_path):
    data = open_domain_dataset(config(ab_folders(tmp_path / "d", train_a=100, train_b=70, test=40)))
    kept = choose_kept_images(data, seed=0)
    assert {key: len(values) for key, values in kept.held_out.items()} == {"a": 32, "b": 32}
    assert _levels(kept.held_out["a"])[::31] == [50, 89]
    # Farthest-point sampling of 100 levels: the one nearest to the mean of a, 0 to 99, is first.
    levels = _levels(kept.calibration["a"])
    assert levels[0] in (49, 50)
    assert {0, 99} == set(levels[1:3])
    assert len(set(levels)) == len(kept.calibration["b"]) == 64
    _round_trip(kept, tmp_path / "r")


def test_attributes_are_those_of_the_kept_images(tmp_path):
    lines = ["image,split,bright"]
    for i in range(90):
        plain(tmp_path / f"{i}.png", 2 * i)
        lines.append(f"{i}.png,train,{int(i >= 45)}")
    table = tmp_path / "t.csv"
    table.write_text("\n".join(lines) + "\n")
    data = open_attribute_dataset(config(table, attributes={"bright": ["0", "1"]}))
    kept = choose_kept_images(data, seed=3)
    for batch in (kept.held_out, kept.calibration):
        bright = [level >= 90 for level in _levels(batch["image"])]
        assert (batch["attributes"][:, 0] > 0).tolist() == bright
    _round_trip(kept, tmp_path / "r")
