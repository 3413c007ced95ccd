"""Attribute edits as directions: sources, targets and ground truth."""

import numpy as np
import pytest

from tests.data.image_files import config, plain
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.experiment.eval_sets.attribute_edits import edits

ATTRIBUTES = {"glasses": ["0", "1"], "hair": ["black", "blond", "grey"]}


@pytest.fixture
def data(tmp_path):
    lines, value = ["image,split,person,glasses,hair"], 0
    for split, people in (("train", 4), ("test", 4)):
        for person in range(people):
            for glasses in (0, 1):
                for hair in ATTRIBUTES["hair"]:
                    value += 1
                    plain(tmp_path / f"{value}.png", value)
                    lines.append(f"{value}.png,{split},{split}{person},{glasses},{hair}")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return open_attribute_dataset(config(path, attributes=ATTRIBUTES, group_column="person"))


def test_each_attribute_value_is_a_direction_with_ground_truth(data):
    edited_values = []

    def edit(images, present, values):
        assert len(images) == len(present) == len(values)
        assert ((present != values).any(1)).all()
        edited_values.append(values)
        return images

    found = {
        each.name: each for each in edits(data, edit, split="test", limit=99, training_limit=99)
    }
    assert list(found) == [
        "remove_glasses", "add_glasses", "hair_to_black", "hair_to_blond", "hair_to_grey",
    ]  # fmt: skip
    add = found["add_glasses"]
    assert add.counterfactual
    # Shades count up: the image with glasses is three after that without, of equal person and hair.
    step = np.rint((add.truth - add.source).mean((1, 2, 3)) * 127.5)
    assert (step == 3).all()
    assert (edited_values[1][:, 0] == 1).all()
    grey = found["hair_to_grey"]
    assert len(grey.source) == 16
    assert len(grey.target) == 8
    assert len(grey.train_target) == 8


def test_ground_truth_differs_in_the_edited_attribute_only(data, tmp_path):
    path = tmp_path / "t.csv"
    glasses = {"glasses": ATTRIBUTES["glasses"]}
    data = open_attribute_dataset(config(path, attributes=glasses, group_column="person"))
    add = list(edits(data, lambda i, p, v: i, split="test", limit=99, training_limit=99))[1]
    step = np.rint((add.truth - add.source).mean((1, 2, 3)) * 127.5)
    assert (step == 3).all()  # hair is the same


def test_without_groups_there_is_no_ground_truth(data):
    data.groups = lambda split: None
    assert all(
        each.truth is None and not each.counterfactual
        for each in edits(
            data, lambda images, present, values: images, split="test", limit=5, training_limit=9
        )
    )


def test_the_shipped_tones_have_ground_truth_for_every_edit():
    tones = config(
        "samples:tones", size=(64, 64), attributes={"tone": list("012345")}, group_column="person"
    )
    found = list(
        edits(
            open_attribute_dataset(tones),
            lambda i, p, v: i,
            split="test",
            limit=999,
            training_limit=9,
        )
    )
    assert [each.name for each in found] == [f"tone_to_{tone}" for tone in range(6)]
    for direction in found:
        assert direction.counterfactual
        assert (len(direction.source), len(direction.target)) == (100, 20)
        # The five other tones of a person have the same ground truth, which is a target.
        targets = {image.tobytes() for image in direction.target}
        truths = [image.tobytes() for image in direction.truth]
        assert all(truths.count(target) == 5 for target in targets)
