"""What changed between two states of a data set, from files that the tests add, move and change."""

import json
import shutil

import pytest

from tests.data.image_files import ab_folders, config, named_pairs, plain
from tests.data.packed.test_writer import pack_path
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.inventory import (
    describe_changes,
    inventory_from_json,
    inventory_to_json,
)

GLASSES = {"glasses": ["0", "1"]}


def _inventory(path, **settings):
    return open_domain_dataset(config(path, **settings)).inventory


def test_the_same_images_in_another_folder_are_no_change(tmp_path):
    before = _inventory(named_pairs(tmp_path / "one"))
    assert describe_changes(before, _inventory(named_pairs(tmp_path / "two"))) is None
    counts = {split: [len(ids.ids) for ids in sides.values()] for split, sides in before.items()}
    assert counts == {"train": [6, 6], "test": [2, 2]}


def test_added_and_removed_images_are_counted_by_split_and_domain(tmp_path):
    before = _inventory(ab_folders(tmp_path, train_a=5, train_b=3))
    for i in range(3):
        plain(tmp_path / "trainA" / f"new{i}.png", i)
    (tmp_path / "trainA" / "000.png").unlink()
    (tmp_path / "testB" / "001.png").unlink()
    assert describe_changes(before, _inventory(tmp_path)) == (
        "train: 3 images of a added, 1 of a removed; test: 1 image of b removed"
    )


def test_a_changed_and_a_moved_image_are_named_as_such(tmp_path):
    before = _inventory(ab_folders(tmp_path))
    plain(tmp_path / "trainA" / "001.png", 7, size=(40, 24))
    shutil.move(tmp_path / "trainB" / "002.png", tmp_path / "testB" / "002.png")
    assert describe_changes(before, _inventory(tmp_path)) == (
        "train: 1 image of a changed, 1 of b moved to test; test: 1 image of b moved from train"
    )


def test_a_new_split_is_reported(tmp_path):
    before = _inventory(ab_folders(tmp_path))
    for side in "AB":
        plain(tmp_path / f"val{side}" / "v.png", 1)
    assert describe_changes(before, _inventory(tmp_path)) == (
        "train: same; validation: 1 image of a added, 1 of b added; test: same"
    )


def test_pairs_in_another_order_are_a_change(tmp_path):
    rows = []
    for i in range(4):
        plain(tmp_path / f"a{i}.png", i)
        plain(tmp_path / f"b{i}.png", i)
        rows.append(f"train,a{i}.png,b{i}.png")

    def inventory(rows):
        (tmp_path / "t.csv").write_text("split,a,b\n" + "\n".join(rows) + "\n")
        return _inventory(tmp_path / "t.csv")

    before = inventory(rows)
    swapped = [*rows[:2], "train,a2.png,b3.png", "train,a3.png,b2.png"]
    assert describe_changes(before, inventory(swapped)) == "train: 4 images of b in another order"


def test_a_changed_label_or_attribute_is_a_changed_image(tmp_path):
    from tf_translate.data.attribute_dataset import open_attribute_dataset

    rows = [f"{i}.png,train,{i % 2}" for i in range(6)]
    for i in range(6):
        plain(tmp_path / f"{i}.png", i)

    def inventory(rows):
        (tmp_path / "t.csv").write_text("image,split,glasses\n" + "\n".join(rows) + "\n")
        return open_attribute_dataset(config(tmp_path / "t.csv", attributes=GLASSES)).inventory

    before = inventory(rows)
    relabelled = inventory([*rows[:5], "5.png,train,0"])
    assert describe_changes(before, relabelled) == "train: 1 image changed"


def test_an_image_that_can_no_longer_be_decoded_counts_as_removed(tmp_path):
    for i in range(4):
        plain(tmp_path / "train" / f"{i}.png", i)
    before = open_image_dataset(config(tmp_path)).inventory
    damaged = tmp_path / "train" / "2.png"
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    after = open_image_dataset(config(tmp_path, on_error="skip")).inventory
    assert describe_changes(before, after) == "train: 1 image removed"


def test_an_inventory_survives_json(tmp_path):
    inventory = _inventory(ab_folders(tmp_path))
    values = json.loads(json.dumps(inventory_to_json(inventory)))
    assert values["train"]["a"]["images"] == 5
    assert describe_changes(inventory_from_json(values), inventory) is None
    values["train"]["a"]["images"] = 4
    with pytest.raises(ValueError, match="5 hashes of 4 images"):
        inventory_from_json(values)


@pytest.mark.parametrize("write", [named_pairs, ab_folders])
def test_the_same_images_packed_are_no_change(tmp_path, write):
    before = _inventory(write(tmp_path / "files"), validation_share=0.3)
    packed = pack_path(tmp_path / "files", tmp_path / "packed")
    assert describe_changes(before, _inventory(packed, validation_share=0.3)) is None
