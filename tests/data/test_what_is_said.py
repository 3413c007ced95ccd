"""Whatever a data set leaves out, ignores or cannot use is said in one line, with counts."""

import pytest

from tests.data.image_files import ab_folders, config, plain
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.errors import DataError


def table(folder, header, *rows):
    """A table of images, which are the cells that end with .png."""
    for value, name in enumerate(sorted({c for r in rows for c in r.split(",") if ".png" in c})):
        plain(folder / name, value)
    path = folder / "table.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def test_rows_of_neither_domain_and_those_that_where_leaves_out_are_counted(tmp_path):
    path = table(
        tmp_path,
        "image,split,hair,sex",
        *(f"{i}.png,train,{'blond' if i % 2 else 'black'},f" for i in range(4)),
        *("4.png,train,Blond,f", "5.png,train,,f", "6.png,train,Blond,f", "7.png,train,black,m"),
    )
    chosen = {"domain_column": "hair", "domain_a": "blond", "domain_b": "black"}
    notes = open_domain_dataset(config(path, **chosen, where={"sex": "f"})).notes
    assert notes == (
        "data.where chooses 7 of 8 rows",
        "3 of 7 rows are in neither domain, by hair: 2 with 'Blond', 1 with ''",
    )


def test_a_split_by_hash_with_images_of_one_domain_is_said(tmp_path):
    rows = [f"{i}.png,{'b' if i > 4 else 'a'}" for i in range(30)]
    path = table(tmp_path, "image,side", *rows)
    chosen = {"domain_column": "side", "domain_a": "a", "domain_b": "b"}
    data = open_domain_dataset(config(path, **chosen))
    missing = {"validation", "test"} - set(data.splits)
    assert missing, "5 images of a are too few for all splits"
    for split in missing:
        assert any(note.startswith(f"the split {split} has ") for note in data.notes)


def test_counterparts_that_are_missing_are_said(tmp_path):
    path = table(
        tmp_path,
        "image,split,person,glasses",
        *("0.png,train,x,0", "1.png,train,x,1", "2.png,test,y,0", "3.png,test,y,1"),
        *("4.png,test,z,1", "5.png,validation,v,0", "6.png,validation,w,1"),
    )
    chosen = {"domain_column": "glasses", "domain_a": "0", "domain_b": "1"}
    (note,) = open_domain_dataset(config(path, **chosen, group_column="person")).notes
    assert note == (
        "test: no ground truth, as 1 of 1 and 2 images have exactly one counterpart in the other "
        "domain, a row that is equal in all columns but image and glasses, and all must have one"
    )


def test_a_pair_that_lacks_an_image_and_unused_columns_are_said(tmp_path):
    rows = ["train,0.png,1.png,x", "test,2.png,3.png,y", "test,4.png,,z"]
    path = table(tmp_path, "split,a,b,label", *rows)
    assert open_domain_dataset(config(path)).notes == (
        f"columns of the table {path} that are not used: label; those used are split, a, b, "
        "label_a, label_b",
        "test: 1 of 2 rows has no a or no b, such as line 4, so the whole split counts as "
        "unpaired and has no ground truth",
    )


def test_pairs_are_asked_of_a_table_by_its_rows(tmp_path):
    path = table(tmp_path, "split,a,b", "train,0.png,1.png", "train,2.png,")
    with pytest.raises(DataError, match="or give each row of the table an image of a and one of b"):
        open_domain_dataset(config(path), paired=True)


def test_folders_of_no_split_are_said(tmp_path):
    ab_folders(tmp_path)
    plain(tmp_path / "evalA" / "0.png", 1)
    assert open_domain_dataset(config(tmp_path)).notes == (
        "the folder evalA is not used: splits are called train, validation, valid, val, test",
    )


def test_folders_that_were_meant_as_splits_of_one_set_are_said(tmp_path):
    for folder in ("training", "testing"):
        for i in range(10):
            plain(tmp_path / folder / f"{i}.png", i)
    assert open_image_dataset(config(tmp_path)).notes[0] == (
        "there is no folder train, so the images in testing, training are split by their names; "
        "folders of splits are called train, validation and test"
    )


def test_ages_in_folders_called_like_splits_keep_them(tmp_path):
    for split, count in (("train", 6), ("test", 3)):
        for i in range(count):
            plain(tmp_path / split / f"{20 + i}_0_1_{i}.png", i)
    data = open_attribute_dataset(config(tmp_path, attributes={"age": ["20-22", "23-40"]}))
    assert data.splits == {"train": 6, "test": 3}


def test_images_that_are_listed_twice_are_said(tmp_path):
    rows = ("0.png,train,0", "1.png,train,1", "0.png,train,1")
    path = table(tmp_path, "image,split,glasses", *rows)
    data = open_attribute_dataset(config(path, attributes={"glasses": ["0", "1"]}))
    assert data.notes == ("1 image is listed more than once, such as 0.png (line 2, line 4)",)


def test_a_fraction_that_a_table_without_splits_does_not_use_is_said(tmp_path):
    path = table(tmp_path, "image,glasses", *(f"{i}.png,{i % 2}" for i in range(20)))
    chosen = {"attributes": {"glasses": ["0", "1"]}, "validation_share": 0.4}
    (note,) = open_attribute_dataset(config(path, **chosen)).notes
    assert note.startswith("data.validation_share = 0.4 has no effect on a table without a column")
    assert open_attribute_dataset(config(path, **chosen, holdout="hash")).notes == ()
