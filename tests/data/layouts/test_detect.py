"""Detection of layouts, and error messages for unsupported ones."""

import shutil
from pathlib import Path

import pytest

from tests.data.image_files import ab_folders, config, named_pairs, plain
from tf_translate.data.layouts.detect import find_domains
from tf_translate.data.splits import DomainSource
from tf_translate.errors import DataError


def names(source: DomainSource, split: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return source.splits[split].a.names, source.splits[split].b.names


def message(path, **settings) -> str:
    with pytest.raises(DataError) as raised:
        find_domains(config(path, **settings))
    return str(raised.value)


def test_train_a_and_train_b_are_unpaired(tmp_path):
    source = find_domains(config(ab_folders(tmp_path, train_a=3, train_b=2)))
    assert list(source.splits) == ["train", "test"]
    assert names(source, "train") == (("000", "001", "002"), ("000", "001"))
    assert not source.splits["train"].aligned
    assert not source.splits["test"].aligned


def test_folders_a_and_b_inside_train_are_pairs_of_equal_name(tmp_path):
    source = find_domains(config(named_pairs(tmp_path, train=3)))
    assert names(source, "train") == (("000", "001", "002"),) * 2
    assert source.splits["train"].aligned
    assert source.splits["test"].aligned


def test_images_inside_train_are_side_by_side_pairs(tmp_path):
    for split, count in (("train", 3), ("val", 1), ("test", 2)):
        for i in range(count):
            plain(tmp_path / split / f"{i}.png", i, size=(4, 8))
    source = find_domains(config(tmp_path))
    assert {name: len(split.a.names) for name, split in source.splits.items()} == {
        "train": 3,
        "validation": 1,
        "test": 2,
    }
    sides = (source.splits["train"].a, source.splits["train"].b)
    left, right = ((file.read(3) for file in side.files) for side in sides)
    assert next(left).shape == next(right).shape == (4, 4, 3)


def test_the_setting_layout_decides_whether_equal_names_are_pairs(tmp_path):
    ab_folders(tmp_path / "x", train_a=2, train_b=2)
    assert find_domains(config(tmp_path / "x", layout="named_pairs")).splits["train"].aligned
    named_pairs(tmp_path / "y")
    assert not find_domains(config(tmp_path / "y", layout="ab_folders")).splits["train"].aligned


@pytest.mark.parametrize("spelling", ["val", "valid", "validation"])
def test_every_spelling_of_validation_is_known(tmp_path, spelling):
    ab_folders(tmp_path)
    plain(tmp_path / f"{spelling}A" / "v.png", 1)
    plain(tmp_path / f"{spelling}B" / "v.png", 1)
    assert names(find_domains(config(tmp_path)), "validation") == (("v",), ("v",))


def test_images_in_subfolders_are_found_and_hidden_and_other_files_ignored(tmp_path):
    named_pairs(tmp_path, train=1)
    for side in "ab":
        plain(tmp_path / "train" / side / "aachen" / "000.png", 1)
        (tmp_path / "train" / side / ".hidden.png").touch()
        (tmp_path / "train" / side / "Thumbs.db").touch()
    assert names(find_domains(config(tmp_path)), "train")[0] == ("000", "aachen/000")


def test_direction_swaps_the_domains(tmp_path):
    ab_folders(tmp_path, train_a=3, train_b=2)
    assert names(find_domains(config(tmp_path, direction="b_to_a")), "train") == (
        ("000", "001"),
        ("000", "001", "002"),
    )


# Held-out validation


def test_a_missing_validation_split_is_held_out_of_training_by_name(tmp_path):
    named_pairs(tmp_path, train=10, test=3)
    source = find_domains(config(tmp_path, validation_share=0.3))
    train, held_out = names(source, "train")[0], names(source, "validation")[0]
    assert 1 <= len(held_out) <= 6  # 3 expected
    assert sorted(train + held_out) == [f"{i:03d}" for i in range(10)]
    assert names(source, "validation")[0] == names(source, "validation")[1]
    assert len(source.splits["test"].a.names) == 3
    moved = shutil.move(tmp_path, tmp_path.with_name("moved"))
    assert names(find_domains(config(moved, validation_share=0.3)), "validation")[0] == held_out


def test_validation_is_held_out_of_unpaired_domains_independently(tmp_path):
    ab_folders(tmp_path, train_a=20, train_b=20)
    source = find_domains(config(tmp_path, validation_share=0.3))
    held_out = names(source, "validation")
    assert all(1 <= len(side) <= 12 for side in held_out)  # 6 expected
    assert held_out[0] != held_out[1]  # of the same names
    for train, validation in zip(names(source, "train"), held_out, strict=True):
        assert sorted(train + validation) == [f"{i:03d}" for i in range(20)]


def test_an_existing_validation_split_is_kept(tmp_path):
    ab_folders(tmp_path, train_a=20, train_b=20)
    for side in "AB":
        plain(tmp_path / f"val{side}" / "v.png", 1)
    source = find_domains(config(tmp_path, validation_share=0.5))
    assert names(source, "validation") == (("v",), ("v",))
    assert len(names(source, "train")[0]) == 20


def test_the_last_training_image_is_never_held_out(tmp_path):
    source = find_domains(config(ab_folders(tmp_path, train_a=1, train_b=4), validation_share=0.5))
    assert list(source.splits) == ["train", "test"]


# Errors of folders


def test_a_missing_folder_is_an_error_with_the_nearest_name_or_the_layouts(tmp_path):
    ab_folders(tmp_path / "horses")
    assert f"did you mean {tmp_path / 'horses'}?" in message(tmp_path / "horse")
    error = message(tmp_path / "entirely" / "elsewhere")
    assert "there is no folder" in error
    assert "trainA/ trainB/" in error


def test_an_unknown_layout_is_an_error_with_expected_and_similar_folders(tmp_path):
    plain(tmp_path / "train_A" / "x.png", 1)
    error = message(tmp_path)
    assert "no trainA and trainB, no train/a and train/b" in error
    assert "train_A is similar" in error
    assert "side-by-side" in error


def test_a_split_with_only_one_domain_is_refused(tmp_path):
    ab_folders(tmp_path)
    shutil.rmtree(tmp_path / "testB")
    assert "has testA but no folder of domain b (testB or test/b)" in message(tmp_path)


def test_a_folder_without_images_is_named(tmp_path):
    ab_folders(tmp_path)
    for path in (tmp_path / "trainB").iterdir():
        path.rename(path.with_suffix(".heic"))
    error = message(tmp_path)
    assert f"{tmp_path / 'trainB'} holds no images" in error
    assert ".png" in error
    assert "left out: 3 .heic (000.heic, ...)" in error


def test_images_without_a_partner_are_named(tmp_path):
    named_pairs(tmp_path)
    (tmp_path / "train" / "a" / "001.png").unlink()
    (tmp_path / "train" / "b" / "003.jpg").rename(tmp_path / "train" / "b" / "003x.jpg")
    error = message(tmp_path)
    for unmatched in ("b/001.jpg", "a/003.png", "b/003x.jpg"):
        assert f"{unmatched} has no file of the same name" in error
    assert error.count("has no file of the same name") == 3


def test_more_than_twenty_images_without_a_partner_are_counted_instead_of_listed(tmp_path):
    named_pairs(tmp_path, train=1)
    for i in range(23):
        plain(tmp_path / "train" / "a" / f"more{i}.png", 1)
    error = message(tmp_path)
    assert error.count("has no file of the same name") == 20
    assert "and 3 more" in error


def test_images_whose_names_differ_only_in_the_suffix_cannot_be_paired(tmp_path):
    named_pairs(tmp_path)
    plain(tmp_path / "train" / "a" / "001.webp", 1)
    assert "differ only in the suffix" in message(tmp_path)


def test_two_folders_for_one_split_are_refused(tmp_path):
    ab_folders(tmp_path)
    for folder in ("valA", "valB", "validationA", "validationB"):
        plain(tmp_path / folder / "x.png", 1)
    assert "several folders for the split validation" in message(tmp_path)


def test_a_layout_that_does_not_fit_the_path_is_an_error(tmp_path):
    ab_folders(tmp_path)
    assert "no folder train with side-by-side" in message(tmp_path, layout="side_by_side")
    assert "needs data.path to be a file NAME.csv" in message(tmp_path, layout="table")
    assert "needs data.path to be tfds:NAME" in message(tmp_path, layout="tfds")
    (tmp_path / "empty").mkdir()
    assert "no folders trainA and trainB" in message(tmp_path / "empty", layout="ab_folders")


def test_a_file_that_is_not_a_table_is_an_error(tmp_path):
    path = plain(tmp_path / "one.png", 1)
    assert "data.path must be a folder or a table, got the file" in message(path)


# Tables


def table(folder: Path, text: str) -> Path:
    for name in ("x", "y", "z"):
        plain(folder / "images" / f"{name}.png", 1)
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_table_rows_with_both_domains_are_pairs_and_rows_with_one_are_not(tmp_path):
    path = table(
        tmp_path,
        "split,a,b\n"
        "train,images/x.png,\n"
        "train,images/y.png,\n"
        "train,,images/z.png\n"
        "val,images/x.png,images/z.png\n",
    )
    source = find_domains(config(path))
    assert names(source, "train") == (("images/x", "images/y"), ("images/z",))
    assert not source.splits["train"].aligned
    assert source.splits["validation"].aligned


def test_a_table_may_have_more_columns_in_any_order_and_a_byte_order_mark(tmp_path):
    path = table(tmp_path, "\ufeffb,note,split,a\nimages/x.png,!,train,images/y.png\n")
    assert names(find_domains(config(path)), "train") == (("images/y",), ("images/x",))


def test_invalid_tables_are_refused_with_file_and_line(tmp_path):
    missing = message(tmp_path / "no.csv")
    assert "there is no table" in missing
    assert "no column a, b; its first line must name split, a, b" in message(
        table(tmp_path, "split,left,right\n")
    )
    error = message(table(tmp_path, "split,a,b\ntrain,x,y\ntrian,x,y\ntrain, ,\n"))
    assert "line 3: split 'trian' is none of train" in error
    assert "line 4: both a and b are empty" in error
    assert "must have rows of the split train" in message(table(tmp_path, "split,a,b\ntest,x,y\n"))
    (tmp_path / "table.csv").write_bytes(b"split,a,b\ntrain,\xff\xfe,\n")
    assert "cannot be read as UTF-8" in message(tmp_path / "table.csv")


def test_a_table_read_with_a_folder_layout_is_refused(tmp_path):
    path = table(tmp_path, "split,a,b\ntrain,images/x.png,images/y.png\n")
    assert "has layout 'table', but data.layout is 'ab_folders'" in message(
        path, layout="ab_folders"
    )
