"""Folders of two domains: which images become classes and pairs, and what is left out."""

import pytest

from tests.data.image_files import config, named_pairs, plain
from tests.data.odd_folders import write_data_set
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.layouts.detect import find_domains
from tf_translate.errors import DataError


def test_odd_folders_are_opened_with_the_images_that_are_meant(odd_folder):
    root, line = odd_folder
    data = open_domain_dataset(config(root))
    assert data.found_lines()[:2] == [line, "test: a: 3 images, b: 2"]
    assert set(data.classes) <= {"cats", "dogs"}, "hidden folders are no classes"


def test_linked_class_folders_are_classes_and_hidden_ones_are_not(tmp_path):
    for name in ("cats/1", "cats/2", ".ipynb_checkpoints/1", "__MACOSX/1", "@eaDir/1"):
        plain(tmp_path / "data" / "trainA" / f"{name}.png", 1)
    plain(tmp_path / "store" / "1.png", 2)
    plain(tmp_path / "data" / "trainB" / "1.png", 3)
    (tmp_path / "data" / "trainA" / "dogs").symlink_to(tmp_path / "store")
    train = find_domains(config(tmp_path / "data")).splits["train"]
    assert train.a.names == ("cats/1", "cats/2", "dogs/1")
    assert train.a.labels == ("cats", "cats", "dogs")


def test_hidden_files_are_no_partners_of_pairs(tmp_path):
    named_pairs(tmp_path, train=2)
    plain(tmp_path / "train" / "a" / ".ipynb_checkpoints" / "000.png", 9)
    plain(tmp_path / "train" / "b" / "._000.png", 9)
    assert find_domains(config(tmp_path)).splits["train"].a.names == ("000", "001")


def test_pairs_with_two_files_of_one_name_are_refused_with_both_files(tmp_path):
    named_pairs(tmp_path, train=2)
    plain(tmp_path / "train" / "a" / "001.jfif.jpg", 9).rename(
        tmp_path / "train" / "a" / "001.jfif"
    )
    with pytest.raises(DataError, match=r"differ only in the suffix.*\n +001\.jfif\n +001\.png$"):
        find_domains(config(tmp_path))


def test_two_files_of_one_name_are_both_used_and_named(tmp_path):
    root = write_data_set(tmp_path)
    plain(root / "trainA" / "0.jpg", 1)
    assert open_domain_dataset(config(root)).found_lines() == [
        "train: a: 4 images, b: 2",
        "test: a: 3 images, b: 2",
        "2 images have names that differ in the ending only (trainA/0.jpg, trainA/0.png); each of "
        "them is used",
    ]


def test_the_dataset_keeps_what_was_left_out_of_each_split(tmp_path):
    root = write_data_set(tmp_path)
    (root / "testB" / "x.heic").touch()
    (root / "trainB" / "0.png").write_bytes(b"no image")
    data = open_domain_dataset(config(root, on_error="skip", direction="b_to_a"))
    assert data.left_out["test"].as_dict() == {".heic": 1}
    assert data.left_out["train"].groups["broken"].examples == ("a/0.png",)
    assert data.found_lines() == [
        "train: a: 1 image, b: 3; left out: 1 broken (a/0.png)",
        "test: a: 2 images, b: 3; left out: 1 .heic (testB/x.heic)",
    ]


def test_a_partner_of_a_damaged_image_is_counted_with_it(tmp_path):
    named_pairs(tmp_path, train=3)
    (tmp_path / "train" / "b" / "001.jpg").write_bytes(b"no image")
    data = open_domain_dataset(config(tmp_path, on_error="skip"))
    assert data.found_lines()[0] == (
        "train: a: 2 images, b: 2; left out: 1 broken (b/001.jpg), "
        "1 with a broken partner (a/001.png)"
    )


def test_a_damaged_side_by_side_image_is_counted_once(tmp_path):
    for index in range(3):
        plain(tmp_path / "train" / f"{index}.png", index, size=(4, 8))
    (tmp_path / "train" / "1.png").write_bytes(b"no image")
    data = open_domain_dataset(config(tmp_path, on_error="skip"))
    found, enlarged = data.found_lines()
    assert found == "train: a: 2 images, b: 2; left out: 1 broken (1.png)"
    assert enlarged.startswith(f"4 images, such as {tmp_path}/train/0.png, are smaller than")
