"""Attribute datasets: tables, ages in file names, and the attributes in a training batch."""

from collections import Counter

import numpy as np
import pytest

from tests.data.image_files import config, plain, values
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.errors import DataError

GLASSES = {"glasses": ["0", "1"]}
BOTH = {**GLASSES, "hair": ["black", "blond", "grey"]}
ROWS = [  # image i is of value i
    ("train", "p0", 0, "black"), ("train", "p1", 1, "black"), ("train", "p2", 0, "blond"),
    ("train", "p3", 1, "grey"), ("train", "p4", 0, "black"), ("validation", "p5", 1, "blond"),
    ("test", "p6", 0, "black"), ("test", "p6", 1, "black"), ("test", "p7", 0, "grey"),
]  # fmt: skip


@pytest.fixture
def table(tmp_path):
    lines = ["image,split,person,glasses,hair"]
    for i, (split, person, glasses, hair) in enumerate(ROWS):
        plain(tmp_path / "faces" / f"{i}.png", i)
        lines.append(f"faces/{i}.png,{split},{person},{glasses},{hair}")
    path = tmp_path / "faces.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def message(path, **settings) -> str:
    with pytest.raises(DataError) as raised:
        open_attribute_dataset(config(path, **settings))
    return str(raised.value)


def test_every_image_has_its_attributes_in_order(table):
    data = open_attribute_dataset(config(table, attributes=BOTH, group_column="person"))
    assert data.attributes.columns == ("glasses", "hair=black", "hair=blond", "hair=grey")
    assert data.splits == {"train": 5, "validation": 1, "test": 3}
    assert values(data.images("test", at=range(3))) == [6, 7, 8]
    np.testing.assert_array_equal(data.values("test"), [[0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]])
    assert data.groups("test") == ("p6", "p6", "p7")


def test_images_of_one_group_agree_in_all_columns_except_edited_attributes(table):
    """Fails if images of a person are one group although their hair differs too."""
    data = open_attribute_dataset(config(table, attributes=GLASSES, group_column="person"))
    assert data.groups("test") == ("p6\nblack", "p6\nblack", "p7\ngrey")


@pytest.mark.slow
def test_a_batch_holds_the_images_own_other_and_sampled_attributes(table):
    data = open_attribute_dataset(config(table, attributes=BOTH))
    known = dict(enumerate(data.values("train")))
    others = Counter()
    for batch in data.training(batch_size=5, seed=3).take(200):
        assert sorted(values(batch["image"])) == [0, 1, 2, 3, 4]  # a pass uses each image once
        for value, own, other in zip(
            values(batch["image"]), batch["attributes"], batch["other_attributes"], strict=True
        ):
            np.testing.assert_array_equal(own, known[value])
            assert not np.array_equal(own, other)
            if value == 1:
                others[tuple(other.numpy().astype(int))] += 1
        sampled = {tuple(row) for row in batch["sampled_attributes"].numpy()}
        assert sampled <= {tuple(row) for row in known.values()}
    # Two of the four images that differ from image 1 have equal attributes: probability 2/4.
    assert others[(0, 1, 0, 0)] / others.total() == pytest.approx(0.5, abs=0.1)
    assert len(others) == 3


def test_the_batch_of_a_step_does_not_depend_on_where_training_starts(table):
    data = open_attribute_dataset(config(table, attributes=GLASSES, flip="horizontal"))
    batches = list(data.training(batch_size=2, seed=0).take(4))
    late = list(data.training(batch_size=2, seed=0, start_step=2).take(2))
    for one, other in zip(batches[2:], late, strict=True):
        for key, tensor in one.items():
            np.testing.assert_array_equal(tensor, other[key])


def test_rows_of_one_group_stay_in_one_split_when_a_hash_splits_them(tmp_path):
    lines = ["image,person,glasses"]
    for i in range(60):
        plain(tmp_path / f"{i}.png", i)
        lines.append(f"{i}.png,p{i // 2},{i % 2}")
    path = tmp_path / "faces.csv"
    path.write_text("\n".join(lines) + "\n")
    data = open_attribute_dataset(config(path, attributes=GLASSES, group_column="person"))
    groups = [set(data.groups(split)) for split in data.splits]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 30
    assert sum(data.splits.values()) == 60


def test_validation_is_held_out_of_training_by_person(table):
    data = open_attribute_dataset(
        config(
            table, attributes=GLASSES, group_column="person", validation_share=0.001,
            where={"split": "train"},
        )
    )  # fmt: skip
    assert data.splits == {"train": 4, "validation": 1}  # the person of the smallest hash
    assert not set(data.groups("train")) & set(data.groups("validation"))


def test_ages_are_read_from_file_names_and_encoded_as_ranges(tmp_path):
    for value in range(40):
        age = (1, 18, 19, 60)[value % 4]
        plain(tmp_path / f"{age}_0_2_2017{value:04d}.jpg", value)
    plain(tmp_path / "readme_me.jpg", 9)  # no age in the name
    ranges = {"age": ["0-18", "19-59", "60+"]}
    data = open_attribute_dataset(config(tmp_path, attributes=ranges, validation_share=0.0))
    found = np.concatenate([data.values(split) for split in data.splits])
    assert data.attributes.columns == ("age=0-18", "age=19-59", "age=60+")
    assert found.sum(0).tolist() == [20, 10, 10]


def test_imdb_wiki_names_give_the_age_in_the_year_of_the_photograph(tmp_path):
    from tf_translate.data.layouts.age_filenames import read_ages

    plain(tmp_path / "00" / "nm0000100_rm46373120_1955-1-6_2003.jpg", 1)
    plain(tmp_path / "00" / "10000217_1981-05-00_2009.jpg", 2)
    plain(tmp_path / "00" / "10000218_1981-05-05_1909.jpg", 3)  # not born yet
    rows = [row for _, row in read_ages(tmp_path).rows]
    assert [(row["person"], row["age"]) for row in rows] == [
        ("10000217", "28"),
        ("nm0000100", "48"),
    ]


def test_the_attribute_list_of_celeba_is_read(tmp_path):
    for i in range(30):
        plain(tmp_path / f"{i:06d}.jpg", i)
    lines = ["30", "Eyeglasses Male", *(f"{i:06d}.jpg {(-1) ** i:2d}  1" for i in range(30))]
    path = tmp_path / "list_attr_celeba.txt"
    path.write_text("\n".join(lines) + "\n")
    data = open_attribute_dataset(config(path, attributes={"Eyeglasses": ["-1", "1"]}))
    everyone = np.concatenate([data.values(split) for split in data.splits])
    assert everyone.mean() == 0.5


def test_damaged_images_are_skipped_with_their_attributes(table):
    (table.parent / "faces" / "1.png").write_bytes(b"no image")
    assert "1.png" in message(table, attributes=GLASSES)
    data = open_attribute_dataset(config(table, attributes=GLASSES, on_error="skip"))
    assert data.values("train").ravel().tolist() == [0, 0, 1, 0]
    assert len(data.skipped) == 1


def test_errors_name_the_setting_the_value_and_a_fix(table, tmp_path):
    assert "data.attributes must name the attributes" in message(table)
    assert "no column 'glases' (attributes.glases); did you mean 'glasses'?" in message(
        table, attributes={"glases": ["0", "1"]}
    )
    error = message(table, attributes={"hair": ["black", "blond"]})
    assert "line 5: hair must be one of black, blond, got 'grey'" in error
    assert "group_column" in message(table, attributes=GLASSES, group_column="who")
    assert "there is nothing to learn" in message(
        table, attributes=GLASSES, where={"hair": "grey"}, validation_share=0.0
    )
    assert "leaves no row" in message(table, attributes=GLASSES, where={"hair": "green"})
    (tmp_path / "empty").mkdir()
    assert "holds no images" in message(tmp_path / "empty", attributes=GLASSES)
    assert "data.path must be a table" in message(tmp_path / "faces.zip", attributes=GLASSES)
