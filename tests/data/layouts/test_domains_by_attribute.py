"""Domains by the values of one column, in the three file formats of attribute tables."""

import sys
from collections import Counter

import pytest
from pyarrow import Table, parquet

from tests.data.image_files import config, plain, values
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.layouts.attribute_table import split_by_hash
from tf_translate.data.layouts.detect import find_domains
from tf_translate.errors import ConfigError, DataError

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
    """The same table in both formats."""
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
    """Writes a list_attr_celeba.txt: even images are blond, every third is male."""
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
        find_domains(config(path, **settings))
    return str(raised.value)


def test_the_values_of_a_column_make_the_domains(path):
    data = open_domain_dataset(config(path, **BY_HAIR))
    assert not data.paired
    image_values = {split: tuple(map(values, data.arrays(split))) for split in data.splits}
    assert image_values == {"train": ([0, 2], [1, 3]), "validation": ([4], [5]), "test": ([6], [7])}
    assert data.names("train", "a")[1] == "faces/2"
    assert data.labels("train", "a") is None


def test_where_selects_rows_and_label_column_gives_labels(path):
    data = open_domain_dataset(config(path, **BY_HAIR, where={"female": 1}, label_column="age"))
    assert values(data.arrays("train")[0]) == [0]
    assert data.classes == ("9", "30", "41")  # of the selected rows
    assert data.labels("train", "b").tolist() == [2, 1]


def test_counterparts_are_ground_truth_and_training_is_unpaired_unless_pairs_are_asked_for(
    tmp_path,
):
    rows = [
        f"{i}.png,{split},{person},{beard},{glasses}"
        for i, (split, person, beard, glasses) in enumerate(
            [
                *[("train", "x", 0, 0), ("train", "x", 0, 1)],
                *[("val", "y", 0, 0), ("val", "y", 1, 1)],  # another beard: no counterparts
                *[("test", "u", 0, 0), ("test", "v", 1, 0)],
                *[("test", "v", 1, 1), ("test", "u", 0, 1)],
            ]
        )
    ]
    for i in range(len(rows)):
        plain(tmp_path / f"{i}.png", i)
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["image,split,person,beard,glasses", *rows]) + "\n")
    by_glasses = {"domain_column": "glasses", "domain_a": "1", "domain_b": "0"}
    data = open_domain_dataset(config(path, **by_glasses, group_column="person"))
    assert not data.paired
    assert [data.has_truth(split) for split in ("train", "validation", "test")] == [1, 0, 1]
    assert tuple(map(values, data.arrays("test"))) == ([6, 7], [5, 4])
    assert not open_domain_dataset(config(path, **by_glasses)).has_truth("test")


def test_without_a_split_column_a_hash_of_the_path_decides(tmp_path):
    names = [f"faces/{i}.png" for i in range(600)]
    rows = [f"{name},{'black' if i % 2 else 'blond'}" for i, name in enumerate(names)]
    path = tmp_path / "unsplit.csv"
    path.write_text("image,hair\n" + "\n".join(rows) + "\n")
    source = find_domains(config(path, **BY_HAIR))
    for split, found in source.splits.items():
        for side in (found.a, found.b):
            assert {split_by_hash(f"{name}.png") for name in side.names} == {split}
    counts = Counter(map(split_by_hash, names))
    assert counts["train"] == pytest.approx(480, abs=40)  # sigma is 10
    assert counts["validation"] == pytest.approx(60, abs=30)
    # These must never change: metrics of old runs stay on the same images.
    assert [split_by_hash(f"{i:06d}.jpg") for i in range(3)] == ["validation", "test", "train"]


@pytest.mark.parametrize("folder", ["Anno/img_align_celeba", "Anno"])
def test_celeba_attributes_are_read_from_the_original_list(tmp_path, folder):
    path = celeba(tmp_path, count=30)
    for i in range(30):
        plain(tmp_path / folder / f"{i:06d}.jpg", 8 * i)
    chosen = {"domain_column": "Blond_Hair", "domain_a": "1", "domain_b": "-1"}
    data = open_domain_dataset(config(path, **chosen, where={"Male": -1}, label_column="Male"))
    a, b = ([v for s in data.splits for v in values(data.arrays(s)[d])] for d in (0, 1))
    selected = [i for i in range(30) if i % 3]
    in_splits = [i for i in selected if split_by_hash(f"{i:06d}.jpg") in data.splits]
    assert sorted(a) == [8 * i for i in in_splits if i % 2 == 0]
    assert sorted(b) == [8 * i for i in in_splits if i % 2]
    assert data.classes == ("-1",)


# Errors


def test_an_attribute_table_without_domain_settings_is_refused_with_its_columns(path):
    error = message(path)
    assert "set data.domain_column, data.domain_a and data.domain_b" in error
    assert "image, split, hair, female, age" in error


def test_unknown_columns_and_values_are_refused_with_the_existing_ones(path):
    assert "no column 'hiar' (domain_column); did you mean 'hair'?" in message(
        path, **{**BY_HAIR, "domain_column": "hiar"}
    )
    assert "no column 'sex' (where.sex); its columns are" in message(
        path, **BY_HAIR, where={"sex": 1}
    )
    error = message(path, **{**BY_HAIR, "domain_b": "red"}, where={"female": 1})
    assert (
        "no row with hair = 'red' (data.domain_b) among the 7 rows that match data.where" in error
    )
    assert "its values are blond, black" in error


def test_invalid_table_rows_are_listed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("image,split,hair,age\n,train,black,1\nx.png,trian,blond,\ny.png,test,blond,\n")
    error = message(path, **BY_HAIR)
    assert "line 2: image is empty" in error
    assert "line 3: split 'trian' is none of train" in error
    path.write_text("image,hair,age\nx.png,black,1\ny.png,blond,\n")
    error = message(path, **BY_HAIR, label_column="age")
    assert "empty 'age' (data.label_column)" in error
    assert "line 3: y.png" in error
    path.write_text("image,hair\n")
    assert "has no rows" in message(path, **BY_HAIR)
    assert "there is no table" in message(tmp_path / "no.parquet", **BY_HAIR)


def test_a_split_column_without_training_rows_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("image,split,hair\nx.png,test,black\ny.png,test,blond\n")
    assert "must have rows of the split train" in message(path, **BY_HAIR)


def test_invalid_celeba_lists_are_refused_with_line_numbers(tmp_path):
    by = {"domain_column": "Male", "domain_a": 1, "domain_b": -1}
    path = celeba(tmp_path, first=7)
    assert "says 7 images, but lists 6" in message(path, **by)
    path.write_text(
        path.read_text().replace("7\n", "6\n", 1).replace("000002.jpg  1", "000002.jpg")
    )
    assert "needs 2 values in every line:\n  line 5: 1 values" in message(path, **by)
    path.write_text("file Male\nx.png 1\n")
    assert "must have the form of list_attr_celeba.txt" in message(path, **by)


def test_a_missing_pyarrow_is_an_error_with_the_install_command(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"not parquet")
    assert "cannot be read as Parquet" in message(path, **BY_HAIR)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "needs the package pyarrow: pip install pyarrow" in message(path, **BY_HAIR)


def test_parquet_without_images_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(Table.from_pydict({"image": [7], "hair": ["black"]}), path)
    error = message(path, **BY_HAIR)
    assert "must have a column image of paths (text) or of images" in error
    assert "it has the columns image, hair" in error


def test_settings_of_attribute_tables_are_refused_elsewhere(tmp_path):
    plain(tmp_path / "x.png", 1)
    assert "data.domain_column is for tables with a column image" in message(tmp_path, **BY_HAIR)
    assert "label_column is for tables" in message(tmp_path, label_column="age")
    assert "group_column is for tables" in message(tmp_path, group_column="age")
    assert "where is for tables" in message("tfds:mnist", where={"a": 1})
    assert "data.layout = 'attributes' needs data.path to be" in message(
        tmp_path, layout="attributes"
    )


def test_domain_settings_need_a_column_and_two_different_values():
    for settings, error in (
        ({"domain_column": "hair", "domain_a": "black"}, "go together: set all three, or none"),
        ({"domain_a": "black"}, "go together"),
        ({**BY_HAIR, "domain_b": "black"}, "domain_b must be another value than domain_a"),
        ({**BY_HAIR, "domain_a": " "}, "domain_a"),
    ):
        with pytest.raises(ConfigError, match=error):
            config("x.csv", **settings)
    assert config("x.csv", domain_column="m", domain_a=1.0, domain_b=True).domain_a == "1"


def test_training_images_with_counterparts_are_pairs_to_learn_from(tmp_path):
    lines = ["image,split,person,glasses"]
    for person in range(5):  # images with glasses are listed the other way round
        for glasses, who in ((0, person), (1, 4 - person)):
            name = f"{who}-{glasses}.png"
            plain(tmp_path / name, 20 * who + 10 * glasses)
            lines.append(f"{name},train,{who},{glasses}")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    by_glasses = {"domain_column": "glasses", "domain_a": "0", "domain_b": "1"}
    data = open_domain_dataset(
        config(path, **by_glasses, group_column="person", validation_share=0.3), paired=True
    )
    assert data.splits["validation"][0] > 0
    for split in data.splits:
        a, b = map(values, data.arrays(split))
        assert [each + 10 for each in a] == b
    with pytest.raises(DataError, match="pairs are needed"):
        open_domain_dataset(config(path, **by_glasses), paired=True)
