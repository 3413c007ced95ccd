"""CelebA's lists as published and as on Kaggle: official splits, identities, places of images."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.data.image_files import config, plain, values
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.layouts.table_files import read_columns
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.errors import DataError

CASE = Path(__file__).parents[2] / "fixtures" / "cases" / "celeba"
GLASSES = {"attributes": {"Eyeglasses": ["-1", "1"]}}
NAMES = [f"{i:06d}.jpg" for i in range(1, 41)]
PARTITION = dict(
    line.split() for line in (CASE / "list_eval_partition.txt").read_text().splitlines()
)
SPLITS = {"0": "train", "1": "validation", "2": "test"}
OFFICIAL = Counter(SPLITS[number] for number in PARTITION.values())


def write_images(folder):
    for i, name in enumerate(NAMES, 1):
        plain(folder / name, 5 * i)


def copy(name, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(CASE / name, target))


@pytest.fixture
def folder(tmp_path):
    """The case with its images beside the lists."""
    for path in CASE.iterdir():
        copy(path.name, tmp_path / path.name)
    write_images(tmp_path / "img_align_celeba")
    return tmp_path


def test_the_case_names_forty_images_in_three_splits():
    assert sorted(PARTITION) == NAMES
    assert set(OFFICIAL) == {"train", "validation", "test"}


@pytest.mark.parametrize("name", ["list_attr_celeba.txt", "list_attr_celeba.csv"])
def test_the_official_partition_decides_the_splits(folder, name):
    data = open_attribute_dataset(config(folder / name, **GLASSES))
    assert data.splits == dict(OFFICIAL)
    for split, count in OFFICIAL.items():
        expected = [5 * i for i, image in enumerate(NAMES, 1) if SPLITS[PARTITION[image]] == split]
        found = values(data.images(split, at=range(count)))
        assert found == pytest.approx(expected, abs=2)  # JPEG


@pytest.mark.parametrize("name", ["list_attr_celeba.txt", "list_attr_celeba.csv"])
def test_the_partition_decides_the_splits_of_two_domains_and_of_a_pack(folder, tmp_path, name):
    chosen = {"domain_column": "Eyeglasses", "domain_a": "1", "domain_b": "-1"}
    data = open_domain_dataset(config(folder / name, **chosen))
    assert {split: sum(sizes) for split, sizes in data.splits.items()} == dict(OFFICIAL)
    found, layout = find_to_pack(str(folder / name))
    pack(found, tmp_path / "packed", PackingOptions(), layout=layout)
    packed = open_domain_dataset(config(tmp_path / "packed", **chosen))
    assert packed.splits == data.splits


def test_it_is_said_in_one_line_that_the_partition_decides(folder):
    path = folder / "list_attr_celeba.txt"
    counts = ", ".join(f"{OFFICIAL[name]} {name}" for name in SPLITS.values())
    line = f"{folder / 'list_eval_partition.txt'} decides the splits of {path}: {counts}"
    assert read_columns(path).split_notes == (line,)
    chosen = {"domain_column": "Eyeglasses", "domain_a": "1", "domain_b": "-1"}
    assert line in open_attribute_dataset(config(path, **GLASSES)).found_lines()
    assert line in open_domain_dataset(config(path, **chosen)).found_lines()
    lines = open_domain_dataset(config(path, holdout="none", **chosen)).found_lines()
    assert line not in lines
    assert f"the splits of the table {path} are ignored, as data.holdout is 'none'" in lines


@pytest.mark.parametrize(
    ("attributes", "partition", "images"),
    [
        ("Anno/list_attr_celeba.txt", "Eval/list_eval_partition.txt", "Img/img_align_celeba"),
        ("Anno/list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"),
        ("list_attr_celeba.txt", "Eval/list_eval_partition.txt", "img_align_celeba"),
        ("list_attr_celeba.csv", "list_eval_partition.csv", "img_align_celeba/img_align_celeba"),
    ],
)
def test_lists_and_images_are_found_in_their_usual_folders(tmp_path, attributes, partition, images):
    path = copy(Path(attributes).name, tmp_path / attributes)
    official = tmp_path / partition
    official.parent.mkdir(exist_ok=True)
    if official.suffix == ".csv":
        lines = ["image_id,partition", *(f"{name},{number}" for name, number in PARTITION.items())]
    else:
        lines = [f"{name} {number}" for name, number in PARTITION.items()]
    official.write_text("\r\n".join(lines) + "\r\n")
    write_images(tmp_path / images)
    assert open_attribute_dataset(config(path, **GLASSES)).splits == dict(OFFICIAL)


def test_images_missing_from_the_partition_are_refused_by_name(folder):
    path = folder / "list_eval_partition.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]) + "\n")
    with pytest.raises(DataError) as raised:
        read_columns(folder / "list_attr_celeba.csv")
    sentence = str(raised.value)
    assert f"{path} lacks 2 of the 40 images of {folder / 'list_attr_celeba.csv'}" in sentence
    assert sentence.endswith(":\n  000039.jpg\n  000040.jpg")


def test_a_table_of_some_images_takes_their_splits_from_the_partition(folder):
    path = folder / "list_attr_celeba.csv"
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([header, *lines[::2]]) + "\n")
    table = read_columns(path)
    assert [row["split"] for _, row in table.rows] == [SPLITS[PARTITION[n]] for n in NAMES[::2]]


def test_a_split_column_of_the_table_is_kept(folder):
    path = folder / "list_attr_celeba.csv"
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},split", *(f"{line},train" for line in lines)]) + "\n")
    assert read_columns(path).split_notes == ()
    assert open_attribute_dataset(config(path, **GLASSES)).splits == {"train": 40}


def test_without_a_partition_a_hash_decides(folder):
    (folder / "list_eval_partition.txt").unlink()
    table = read_columns(folder / "list_attr_celeba.txt")
    assert (table.columns, table.split_notes) == (("image", "Eyeglasses", "Male"), ())
    with pytest.raises(DataError, match="needs a test or validation split, but the table"):
        open_attribute_dataset(
            config(folder / "list_attr_celeba.txt", holdout="official", **GLASSES)
        )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("000001.jpg 3\n", "must give 0 (train), 1 (validation) or 2 (test)"),
        ("000001.jpg\n", "must have an image and its partition in each line"),
        ("000001.jpg 0 0\n", "must have an image and its partition in each line"),
        ("000001.jpg 0\n000001.jpg 1\n", "line 2 gives 000001.jpg the partition 1, an earlier"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_partition_of_another_form_is_refused(folder, text, reason):
    path = folder / "list_eval_partition.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as raised:
        read_columns(folder / "list_attr_celeba.txt")
    assert str(path) in str(raised.value)
    assert reason in str(raised.value)


def test_identities_are_a_column_that_groups_images_if_it_is_asked_for(folder):
    lines = [f"{name} {i % 10}" for i, name in enumerate(NAMES)]
    (folder / "identity_CelebA.txt").write_text("\n".join(lines) + "\n")
    (folder / "list_eval_partition.txt").unlink()
    path = folder / "list_attr_celeba.txt"
    assert read_columns(path).columns == ("image", "Eyeglasses", "Male", "identity")
    data = open_attribute_dataset(config(path, **GLASSES, group_column="identity"))
    groups = [{key.split("\n")[-1] for key in data.groups(split)} for split in data.splits]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 10


@pytest.mark.parametrize("name", ["list_attr_celeba.txt", "list_eval_partition.txt"])
def test_a_vast_list_is_refused_before_it_is_read(folder, name):
    os.truncate(folder / name, 2**40)  # a sparse file: it takes no space
    with pytest.raises(DataError, match=rf"line 4\d of the table .*{name} is longer than"):
        read_columns(folder / "list_attr_celeba.txt")


def test_a_list_with_a_byte_order_mark_and_windows_line_ends_is_read(folder):
    path = folder / "list_attr_celeba.txt"
    text = path.read_text()
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert len(read_columns(path).rows) == 40
