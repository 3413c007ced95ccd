"""Tables of image -> columns: domains made by an attribute, in three file forms."""

import sys
from collections import Counter

import pytest
from pyarrow import Table, parquet
from pydantic import ValidationError

from tests.data.drawn import config, plain, values
from tf_translate.data.domain_dataset import open_data
from tf_translate.data.layouts.attribute_table import drawn_split
from tf_translate.data.layouts.detect import find
from tf_translate.errors import DataError

BY_HAIR = {"domain_column": "hair", "domain_a": "black", "domain_b": "blond"}
COLUMNS = {  # image i is of value i
    "image": [f"faces/{i}.png" for i in range(8)],
    "split": ["train", "train", "train", "train", "val", "val", "test", "test"],
    "hair": ["black", "blond", "black", "blond", "black", "blond", "black", "blond"],
    "female": [1, 1, 0, 1, 1, 1, 1, 1],
    "age": [30, 41, 5, 30, 9, 41, 30, 30],
}


@pytest.fixture(params=["csv", "parquet"])
def path(request, tmp_path):
    """One table in both forms."""
    for i in range(8):
        plain(tmp_path / "faces" / f"{i}.png", i)
    path = tmp_path / f"faces.{request.param}"
    if request.param == "parquet":
        parquet.write_table(Table.from_pydict(COLUMNS), path)
    else:
        rows = [",".join(map(str, row)) for row in zip(*COLUMNS.values(), strict=True)]
        path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return path


def celeba(folder, count=6, first=None):
    """In the form of list_attr_celeba.txt: even images are blond, every third is male."""
    path = folder / "Anno" / "list_attr_celeba.txt"
    lines = [str(count if first is None else first), "Blond_Hair Male "]
    for i in range(count):
        blond, male = (1 if i % 2 == 0 else -1), (1 if i % 3 == 0 else -1)
        lines.append(f"{i:06d}.jpg {blond:2d} {male:2d}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def message(path, **settings) -> str:
    with pytest.raises(DataError) as raised:
        find(config(path, **settings))
    return str(raised.value)


def test_an_attribute_makes_the_domains(path):
    data = open_data(config(path, **BY_HAIR))
    assert not data.paired
    shown = {split: tuple(map(values, data.arrays(split))) for split in data.splits}
    assert shown == {"train": ([0, 2], [1, 3]), "validation": ([4], [5]), "test": ([6], [7])}
    assert data.names("train", "a")[1] == "faces/2"
    assert data.labels("train", "a") is None


def test_where_keeps_rows_and_a_column_makes_labels(path):
    data = open_data(config(path, **BY_HAIR, where={"female": 1}, label_column="age"))
    assert values(data.arrays("train")[0]) == [0]
    assert data.classes == ("9", "30", "41")  # of the rows that are left
    assert data.labels("train", "b").tolist() == [2, 1]


def test_twins_of_a_held_out_split_are_each_others_truth_those_of_train_are_not(tmp_path):
    rows = [
        f"{i}.png,{split},{person},{beard},{glasses}"
        for i, (split, person, beard, glasses) in enumerate(
            [
                *[("train", "x", 0, 0), ("train", "x", 0, 1)],
                *[("val", "y", 0, 0), ("val", "y", 1, 1)],  # another beard: no twins
                *[("test", "u", 0, 0), ("test", "v", 1, 0)],
                *[("test", "v", 1, 1), ("test", "u", 0, 1)],
            ]
        )
    ]
    for i in range(len(rows)):
        plain(tmp_path / f"{i}.png", i)
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["image,split,person,beard,glasses", *rows]) + "\n")
    worn = {"domain_column": "glasses", "domain_a": "1", "domain_b": "0"}
    data = open_data(config(path, **worn, group_column="person"))
    assert not data.paired
    assert [data.has_truth(split) for split in ("train", "validation", "test")] == [0, 0, 1]
    assert tuple(map(values, data.arrays("test"))) == ([6, 7], [5, 4])
    assert not open_data(config(path, **worn)).has_truth("test")


def test_without_a_split_column_the_name_decides(tmp_path):
    names = [f"faces/{i}.png" for i in range(600)]
    rows = [f"{name},{'black' if i % 2 else 'blond'}" for i, name in enumerate(names)]
    path = tmp_path / "unsplit.csv"
    path.write_text("image,hair\n" + "\n".join(rows) + "\n")
    source = find(config(path, **BY_HAIR))
    for split, found in source.splits.items():
        for side in (found.a, found.b):
            assert {drawn_split(f"{name}.png") for name in side.names} == {split}
    share = Counter(map(drawn_split, names))
    assert share["train"] == pytest.approx(480, abs=40)  # sigma is 10
    assert share["validation"] == pytest.approx(60, abs=30)
    # Fixed for all time: metrics of a run must not move to other images.
    assert [drawn_split(f"{i:06d}.jpg") for i in range(3)] == ["validation", "test", "train"]


@pytest.mark.parametrize("folder", ["Anno/img_align_celeba", "Anno"])
def test_celeba_attributes_are_read_as_they_come(tmp_path, folder):
    path = celeba(tmp_path, count=30)
    for i in range(30):
        plain(tmp_path / folder / f"{i:06d}.jpg", 8 * i)
    chosen = {"domain_column": "Blond_Hair", "domain_a": "1", "domain_b": "-1"}
    data = open_data(config(path, **chosen, where={"Male": -1}, label_column="Male"))
    a, b = ([v for s in data.splits for v in values(data.arrays(s)[d])] for d in (0, 1))
    taken = [i for i in range(30) if i % 3]
    drawn = [i for i in taken if drawn_split(f"{i:06d}.jpg") in data.splits]
    assert sorted(a) == [8 * i for i in drawn if i % 2 == 0]
    assert sorted(b) == [8 * i for i in drawn if i % 2]
    assert data.classes == ("-1",)


# The door


def test_a_table_of_images_asks_for_its_domains(path):
    told = message(path)
    assert "set domain_column, domain_a and domain_b" in told
    assert "image, split, hair, female, age" in told


def test_columns_and_values_that_are_not_there_are_named_with_what_is(path):
    assert "no column 'hiar' (domain_column); did you mean 'hair'?" in message(
        path, **{**BY_HAIR, "domain_column": "hiar"}
    )
    assert "no column 'sex' (where.sex); there are" in message(path, **BY_HAIR, where={"sex": 1})
    told = message(path, **{**BY_HAIR, "domain_b": "red"}, where={"female": 1})
    assert "no row with hair = 'red' (domain_b) among the 7 rows that where leaves" in told
    assert "its values are blond, black" in told


def test_rows_that_cannot_be_used_are_listed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("image,split,hair,age\n,train,black,1\nx.png,trian,blond,\ny.png,test,blond,\n")
    told = message(path, **BY_HAIR)
    assert "line 2: image is empty" in told
    assert "line 3: split 'trian' is none of train" in told
    path.write_text("image,hair,age\nx.png,black,1\ny.png,blond,\n")
    told = message(path, **BY_HAIR, label_column="age")
    assert "empty 'age' (label_column)" in told
    assert "line 3: y.png" in told
    path.write_text("image,hair\n")
    assert "has no rows" in message(path, **BY_HAIR)
    assert "there is no table" in message(tmp_path / "no.parquet", **BY_HAIR)


def test_splits_that_are_given_must_have_training_images(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("image,split,hair\nx.png,test,black\ny.png,test,blond\n")
    assert "no row of the split train" in message(path, **BY_HAIR)


def test_odd_celeba_files_are_told_by_line(tmp_path):
    by = {"domain_column": "Male", "domain_a": 1, "domain_b": -1}
    path = celeba(tmp_path, first=7)
    assert "says 7 images, but lists 6" in message(path, **by)
    path.write_text(
        path.read_text().replace("7\n", "6\n", 1).replace("000002.jpg  1", "000002.jpg")
    )
    assert "needs 2 values a line:\n  line 5: 1 values" in message(path, **by)
    path.write_text("file Male\nx.png 1\n")
    assert "must be as list_attr_celeba.txt" in message(path, **by)


def test_a_missing_pyarrow_names_the_command(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"not parquet")
    assert "cannot be read as Parquet" in message(path, **BY_HAIR)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "needs the package pyarrow: pip install 'tf-translate[parquet]'" in message(
        path, **BY_HAIR
    )


def test_parquet_without_paths_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(Table.from_pydict({"image": [b"\x89PNG"], "hair": ["black"]}), path)
    told = message(path, **BY_HAIR)
    assert "must have a column image of paths (text), it has the columns image, hair" in told


def test_settings_of_attribute_tables_are_refused_elsewhere(tmp_path):
    plain(tmp_path / "x.png", 1)
    assert "domain_column is for tables with a column image" in message(tmp_path, **BY_HAIR)
    assert "label_column is for tables" in message(tmp_path, label_column="age")
    assert "group_column is for tables" in message(tmp_path, group_column="age")
    assert "where is for tables" in message("tfds:mnist", where={"a": 1})
    assert "layout 'attributes' needs path to be" in message(tmp_path, layout="attributes")


def test_domains_need_a_column_and_two_values():
    for settings, told in (
        ({"domain_column": "hair", "domain_a": "black"}, "go together: set all three, or none"),
        ({"domain_a": "black"}, "go together"),
        ({**BY_HAIR, "domain_b": "black"}, "domain_b must be another value than domain_a"),
        ({**BY_HAIR, "domain_a": " "}, "domain_a"),
    ):
        with pytest.raises(ValidationError, match=told):
            config("x.csv", **settings)
    assert config("x.csv", domain_column="m", domain_a=1.0, domain_b=True).domain_a == "1"
