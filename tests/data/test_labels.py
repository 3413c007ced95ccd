"""Labels from tables and class folders, and their match with the images of a batch."""

from itertools import islice

import numpy as np
import pytest
import tensorflow as tf

from tests.data.image_files import ab_folders, config, plain, values
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.layouts.detect import find_domains
from tf_translate.data.splits import DomainSource, ImageFile, ImageFileList, Split
from tf_translate.errors import DataError


def message(path, **settings) -> str:
    with pytest.raises(DataError) as raised:
        open_domain_dataset(config(path, **settings))
    return str(raised.value)


def labelled_table(folder, *, train=6, test=4):
    """Images of a of value v with label v % 3; images of b of value 100 + v, label v % 2."""
    lines = ["split,a,b,label_a,label_b"]
    for split, count in (("train", train), ("test", test)):
        for v in range(count):
            plain(folder / split / f"a{v}.png", v)
            plain(folder / split / f"b{v}.png", 100 + v)
            lines += [f"{split},{split}/a{v}.png,,{v % 3},", f"{split},,{split}/b{v}.png,,{v % 2}"]
    path = folder / "digits.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def class_folders(root, *, classes=("2", "10"), count=3):
    """trainA/<class>/ of value 10 * class position + i, testA the same; trainB, testB plain."""
    for split in ("train", "test"):
        for c, name in enumerate(classes):
            for i in range(count):
                plain(root / f"{split}A" / name / f"{i}.png", 10 * c + i)
        for i in range(4):
            plain(root / f"{split}B" / f"{i}.png", 100 + i)
    return root


def test_a_batch_holds_the_labels_of_its_own_images(tmp_path):
    data = open_domain_dataset(config(labelled_table(tmp_path)))
    assert data.classes == ("0", "1", "2")
    dataset = data.training(batch_size=4, seed=3)
    assert dataset.element_spec["label_a"] == tf.TensorSpec((4,), tf.int32)
    used = set()
    for batch in islice(dataset, 9):
        assert batch["label_a"].numpy().tolist() == [v % 3 for v in values(batch["a"])]
        assert batch["label_b"].numpy().tolist() == [v % 2 for v in values(batch["b"])]
        used |= set(values(batch["a"]))
    assert used == set(range(6))


def test_labels_have_the_order_and_limit_of_arrays(tmp_path):
    data = open_domain_dataset(config(labelled_table(tmp_path, train=7)))
    for limit in (None, 3):
        a, b = data.arrays("train", limit=limit)
        assert data.labels("train", "a", limit=limit).tolist() == [v % 3 for v in values(a)]
        assert data.labels("train", "b", limit=limit).tolist() == [v % 2 for v in values(b)]
    assert data.labels("test", "a").dtype == np.int32


def test_labels_follow_their_images_when_validation_is_held_out_and_domains_are_swapped(tmp_path):
    path = labelled_table(tmp_path, train=10)
    data = open_domain_dataset(config(path, validation_share=0.3, direction="b_to_a"))
    for split in ("train", "validation"):
        a, b = data.arrays(split)  # the data's b and a
        assert data.labels(split, "a").tolist() == [v % 2 for v in values(a)]
        assert data.labels(split, "b").tolist() == [v % 3 for v in values(b)]


def test_skipping_a_damaged_image_skips_its_label(tmp_path):
    path = labelled_table(tmp_path)
    (tmp_path / "train" / "a1.png").write_bytes(b"broken")
    data = open_domain_dataset(config(path, on_error="skip"))
    assert values(data.arrays("train")[0]) == [0, 2, 3, 4, 5]
    assert data.labels("train", "a").tolist() == [0, 2, 0, 1, 2]


def test_pairs_of_a_table_may_have_labels_of_one_domain_only(tmp_path):
    for name in ("x", "y"):
        plain(tmp_path / f"{name}.png", 1)
    path = tmp_path / "pairs.csv"
    path.write_text("split,a,b,label_a\ntrain,x.png,y.png,left\ntrain,y.png,x.png,right\n")
    data = open_domain_dataset(config(path), paired=True)
    assert data.classes == ("left", "right")
    assert data.labels("train", "a").tolist() == [0, 1]
    assert data.labels("train", "b") is None
    assert "label_b" not in data.training(batch_size=1, seed=0).element_spec


def test_batches_of_unlabelled_data_hold_images_alone(tmp_path):
    data = open_domain_dataset(config(ab_folders(tmp_path)))
    assert data.classes == ()
    assert data.labels("train", "a") is None
    assert set(data.training(batch_size=1, seed=0).element_spec) == {"a", "b"}


def test_labels_change_the_fingerprint_but_not_the_batches(tmp_path):
    path = labelled_table(tmp_path)
    with_labels = open_domain_dataset(config(path))
    path.write_text("\n".join(",".join(x.split(",")[:3]) for x in path.read_text().split()) + "\n")
    without = open_domain_dataset(config(path))
    assert with_labels.fingerprint != without.fingerprint
    batches = [next(iter(data.training(batch_size=3, seed=1))) for data in (with_labels, without)]
    np.testing.assert_array_equal(batches[0]["a"], batches[1]["a"])
    np.testing.assert_array_equal(batches[0]["b"], batches[1]["b"])


def test_classes_are_sorted_with_numbers_by_value(tmp_path):
    names = ["10", "b", "2", "-1", "0.5", "a"]
    files = [ImageFile(str(tmp_path / name), name) for name in names]
    train = Split(ImageFileList(files, names), ImageFileList(files), aligned=False)
    assert DomainSource("x", {"train": train}).classes == ("-1", "0.5", "2", "10", "a", "b")
    with pytest.raises(ValueError, match="one name for each of the 6 files, got 1"):
        ImageFileList(files, ["x"])


# Folders


def test_folders_inside_a_domain_are_its_classes_and_the_other_domain_may_have_none(tmp_path):
    data = open_domain_dataset(config(class_folders(tmp_path)))
    assert data.classes == ("2", "10")
    assert data.names("train", "a")[:2] == ("10/0", "10/1")
    for split in ("train", "test"):
        image_values = values(data.arrays(split)[0])
        assert data.labels(split, "a").tolist() == [v // 10 for v in image_values]
        assert data.labels(split, "b") is None


def test_domains_and_splits_share_classes_by_name(tmp_path):
    class_folders(tmp_path, classes=("cat", "dog"))
    for split in ("train", "test"):
        for path in (tmp_path / f"{split}B").iterdir():
            path.unlink()
        plain(tmp_path / f"{split}B" / "dog" / "x.png", 200)
    plain(tmp_path / "testB" / "ant" / "x.png", 201)
    data = open_domain_dataset(config(tmp_path))
    assert data.classes == ("ant", "cat", "dog")
    assert data.labels("train", "b").tolist() == [2]
    assert data.labels("test", "b").tolist() == [0, 2]


def test_images_outside_class_folders_are_refused_by_name(tmp_path):
    class_folders(tmp_path)
    plain(tmp_path / "trainA" / "loose.png", 1)
    error = message(tmp_path)
    assert f"{tmp_path / 'trainA'} holds both class folders (10, 2) and images outside" in error
    assert "(loose.png)" in error


def test_labels_in_some_splits_only_are_refused(tmp_path):
    class_folders(tmp_path)
    for name in ("2", "10"):
        for path in (tmp_path / "testA" / name).iterdir():
            path.rename(tmp_path / "testA" / f"{name}{path.name}")
    assert "labels for the images of a in train, but not in test" in message(tmp_path)


# Tables


def test_a_table_with_labels_in_only_some_rows_is_refused_with_line_numbers(tmp_path):
    path = labelled_table(tmp_path)
    lines = path.read_text().split()
    lines[3] = lines[3].removesuffix("1,") + ","
    path.write_text("\n".join(lines))
    assert "label_a for only some images of a; give every image of a domain" in message(path)
    assert "line 4" in message(path)
    lines[3] = "train,train/a1.png,,1,7"
    path.write_text("\n".join(lines))
    assert "line 4: label_b is '7', but b is empty" in message(path)


def test_empty_label_columns_give_no_labels(tmp_path):
    for name in ("x", "y"):
        plain(tmp_path / f"{name}.png", 1)
    path = tmp_path / "t.csv"
    path.write_text("split,a,b,label_a,label_b\ntrain,x.png,y.png,,\n")
    assert find_domains(config(path)).classes == ()
