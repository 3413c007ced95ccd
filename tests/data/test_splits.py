"""Which images are held out for validation, and that others do not move them."""

import hashlib
import shutil

import pytest

from tests.data.image_files import ab_folders, config, named_pairs, plain
from tf_translate.data.layouts.detect import find_domains
from tf_translate.data.splits import choose_held_out

NAMES = [f"{i:04d}" for i in range(2000)]


def _held_out(names, fraction=0.1, salt="a"):
    return {names[i] for i in choose_held_out(names, fraction, salt)}


def _share(name):
    return int(hashlib.sha256(f"a\0{name}\0".encode()).hexdigest()[:13], 16) / 16**13


def test_a_name_is_held_out_if_its_hash_is_below_the_fraction():
    assert _held_out(NAMES) == {name for name in NAMES if _share(name) < 0.1}
    assert 150 < len(_held_out(NAMES)) < 250  # 200 expected, standard deviation 13.4
    assert _held_out(NAMES, 0.05) < _held_out(NAMES, 0.1)


def test_of_names_above_the_fraction_the_one_with_the_smallest_hash_is_held_out():
    names = [name for name in NAMES if _share(name) >= 0.1]
    assert _held_out(names) == {min(names, key=_share)}
    below = [name for name in NAMES if _share(name) < 0.1]
    assert _held_out(below) == {*below} - {max(below, key=_share)}


def test_images_that_are_added_or_removed_move_no_other_image():
    before = _held_out(NAMES[:1000])
    after = _held_out(NAMES)
    assert after & set(NAMES[:1000]) == before
    assert _held_out(NAMES[::3]) == after & set(NAMES[::3])


@pytest.mark.parametrize("fraction", [0.001, 0.5, 0.999])
def test_training_and_validation_have_an_image_each(fraction):
    for start in range(0, 200, 2):
        assert len(_held_out(NAMES[start : start + 2], fraction)) == 1
    assert _held_out(NAMES[:1], fraction) == set()
    assert _held_out([], fraction) == set()


def test_equal_names_stay_together():
    names = [name for name in NAMES[:5] for _ in range(3)]
    held = choose_held_out(names, 0.5, "a")
    assert {position // 3 for position in held} == {i for i in range(5) if 3 * i in held}
    assert len(held) % 3 == 0
    assert choose_held_out(["x", "x"], 0.5, "a") == set()


def test_adding_images_to_a_folder_keeps_every_image_in_its_split(tmp_path):
    def held_out():
        splits = find_domains(config(tmp_path, validation_share=0.3)).splits
        return splits["train"].a.names, splits["validation"].a.names

    named_pairs(tmp_path, train=10, test=0)
    train, validation = held_out()
    more = named_pairs(tmp_path / "more", train=40, test=0)
    for i in range(10, 40):
        for side, suffix in (("a", "png"), ("b", "jpg")):
            name = f"train/{side}/{i:03d}.{suffix}"
            shutil.copy(more / name, tmp_path / name)
    shutil.rmtree(more)
    new_train, new_validation = held_out()
    assert set(train) <= set(new_train)
    assert set(validation) <= set(new_validation)
    assert len(new_train) + len(new_validation) == 40


def test_a_domain_of_one_image_leaves_no_validation_split(tmp_path):
    ab_folders(tmp_path, train_a=1, train_b=20)
    assert list(find_domains(config(tmp_path, validation_share=0.5)).splits) == ["train", "test"]


def test_two_domains_of_a_table_are_held_out_by_group(tmp_path):
    lines = ["image,split,person,glasses"]
    for i in range(60):
        plain(tmp_path / f"{i}.png", i)
        lines.append(f"{i}.png,train,p{i // 4},{i % 2}")
    table = tmp_path / "faces.csv"
    table.write_text("\n".join(lines) + "\n")
    domains = {"domain_column": "glasses", "domain_a": "0", "domain_b": "1"}
    source = find_domains(config(table, group_column="person", validation_share=0.3, **domains))
    people = {
        split: {int(name) // 4 for side in (images.a, images.b) for name in side.names}
        for split, images in source.splits.items()
    }
    assert set(people) == {"train", "validation"}
    assert not people["train"] & people["validation"]
    assert people["train"] | people["validation"] == set(range(15))
