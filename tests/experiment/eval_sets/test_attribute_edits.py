"""Edits of attributes as directions: who is edited, into what, and what would be right."""

import numpy as np
import pytest

from tests.data.drawn import config, plain
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


def test_each_value_is_a_direction_with_the_true_edit(data):
    asked = []

    def edit(images, values):
        asked.append(values)
        return images

    found = {d.name: d for d in edits(data, edit, split="test", limit=99, learn=99)}
    assert list(found) == [
        "remove_glasses", "add_glasses", "hair_to_black", "hair_to_blond", "hair_to_grey",
    ]  # fmt: skip
    add = found["add_glasses"]
    assert add.counterfactual
    # Images are numbered: with glasses stands three after without, person and hair equal.
    step = np.rint((add.truth - add.source).mean((1, 2, 3)) * 127.5)
    assert (step == 3).all()
    assert (asked[1][:, 0] == 1).all()
    grey = found["hair_to_grey"]
    assert len(grey.source) == 16
    assert len(grey.target) == 8
    assert len(grey.train_target) == 8


def test_what_is_not_edited_is_equal_in_the_truth(data, tmp_path):
    path = tmp_path / "t.csv"
    glasses = {"glasses": ATTRIBUTES["glasses"]}
    data = open_attribute_dataset(config(path, attributes=glasses, group_column="person"))
    add = list(edits(data, lambda i, v: i, split="test", limit=99, learn=99))[1]
    step = np.rint((add.truth - add.source).mean((1, 2, 3)) * 127.5)
    assert (step == 3).all()  # hair is the same


def test_without_twins_there_is_no_truth(data):
    data.twins = lambda split: None
    assert all(
        d.truth is None and not d.counterfactual
        for d in edits(data, lambda images, values: images, split="test", limit=5, learn=9)
    )


def test_the_shipped_tones_have_the_exact_truth_of_every_edit():
    tones = config(
        "samples:tones", size=(64, 64), attributes={"tone": list("012345")}, group_column="person"
    )
    found = list(
        edits(open_attribute_dataset(tones), lambda i, v: i, split="test", limit=999, learn=9)
    )
    assert [d.name for d in found] == [f"tone_to_{tone}" for tone in range(6)]
    for direction in found:
        assert direction.counterfactual
        assert (len(direction.source), len(direction.target)) == (100, 20)
        # Five other tones of a person have one truth, and it is a target.
        targets = {image.tobytes() for image in direction.target}
        truths = [image.tobytes() for image in direction.truth]
        assert all(truths.count(target) == 5 for target in targets)
