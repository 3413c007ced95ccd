"""Labels: from tables and class folders into batches, beside the very images they are of."""

from itertools import islice

import numpy as np
import pytest
import tensorflow as tf

from tests.data.drawn import ab_folders, config, plain, values
from tf_translate.data.domain_dataset import open_data
from tf_translate.data.layouts.detect import find
from tf_translate.data.splits import ImageFile, ImageFiles, Source, Split
from tf_translate.errors import DataError


def message(path, **settings) -> str:
    with pytest.raises(DataError) as raised:
        open_data(config(path, **settings))
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


def test_a_batch_holds_the_labels_of_its_very_images(tmp_path):
    data = open_data(config(labelled_table(tmp_path)))
    assert data.classes == ("0", "1", "2")
    dataset = data.training(batch_size=4, seed=3)
    assert dataset.element_spec["label_a"] == tf.TensorSpec((4,), tf.int32)
    seen = set()
    for batch in islice(dataset, 9):
        assert batch["label_a"].numpy().tolist() == [v % 3 for v in values(batch["a"])]
        assert batch["label_b"].numpy().tolist() == [v % 2 for v in values(batch["b"])]
        seen |= set(values(batch["a"]))
    assert seen == set(range(6))


def test_labels_come_in_the_order_of_arrays_under_the_same_limit(tmp_path):
    data = open_data(config(labelled_table(tmp_path, train=7)))
    for limit in (None, 3):
        a, b = data.arrays("train", limit=limit)
        assert data.labels("train", "a", limit=limit).tolist() == [v % 3 for v in values(a)]
        assert data.labels("train", "b", limit=limit).tolist() == [v % 2 for v in values(b)]
    assert data.labels("test", "a").dtype == np.int32


def test_carving_and_swapping_take_labels_along(tmp_path):
    path = labelled_table(tmp_path, train=10)
    data = open_data(config(path, validation_share=0.3, direction="b_to_a"))
    for split in ("train", "validation"):
        a, b = data.arrays(split)  # the data's b and a
        assert data.labels(split, "a").tolist() == [v % 2 for v in values(a)]
        assert data.labels(split, "b").tolist() == [v % 3 for v in values(b)]


def test_leaving_out_a_broken_image_leaves_out_its_label(tmp_path):
    path = labelled_table(tmp_path)
    (tmp_path / "train" / "a1.png").write_bytes(b"broken")
    data = open_data(config(path, on_error="skip"))
    assert values(data.arrays("train")[0]) == [0, 2, 3, 4, 5]
    assert data.labels("train", "a").tolist() == [0, 2, 0, 1, 2]


def test_pairs_of_a_table_may_have_one_label_each_side(tmp_path):
    for name in ("x", "y"):
        plain(tmp_path / f"{name}.png", 1)
    path = tmp_path / "pairs.csv"
    path.write_text("split,a,b,label_a\ntrain,x.png,y.png,left\ntrain,y.png,x.png,right\n")
    data = open_data(config(path), paired=True)
    assert data.classes == ("left", "right")
    assert data.labels("train", "a").tolist() == [0, 1]
    assert data.labels("train", "b") is None
    assert "label_b" not in data.training(batch_size=1, seed=0).element_spec


def test_without_labels_nothing_is_added(tmp_path):
    data = open_data(config(ab_folders(tmp_path)))
    assert data.classes == ()
    assert data.labels("train", "a") is None
    assert set(data.training(batch_size=1, seed=0).element_spec) == {"a", "b"}


def test_labels_change_the_fingerprint_and_nothing_else(tmp_path):
    path = labelled_table(tmp_path)
    with_labels = open_data(config(path))
    path.write_text("\n".join(",".join(x.split(",")[:3]) for x in path.read_text().split()) + "\n")
    without = open_data(config(path))
    assert with_labels.fingerprint != without.fingerprint
    batches = [next(iter(data.training(batch_size=3, seed=1))) for data in (with_labels, without)]
    np.testing.assert_array_equal(batches[0]["a"], batches[1]["a"])
    np.testing.assert_array_equal(batches[0]["b"], batches[1]["b"])


def test_classes_are_sorted_and_numbers_as_numbers(tmp_path):
    names = ["10", "b", "2", "-1", "0.5", "a"]
    files = [ImageFile(str(tmp_path / name), name) for name in names]
    train = Split(ImageFiles(files, names), ImageFiles(files), aligned=False)
    assert Source("x", {"train": train}).classes == ("-1", "0.5", "2", "10", "a", "b")
    with pytest.raises(ValueError, match="one name for each of the 6 files, got 1"):
        ImageFiles(files, ["x"])


# Folders


def test_folders_inside_a_domain_are_classes_and_the_other_may_be_plain(tmp_path):
    data = open_data(config(class_folders(tmp_path)))
    assert data.classes == ("2", "10")
    assert data.names("train", "a")[:2] == ("10/0", "10/1")
    for split in ("train", "test"):
        shown = values(data.arrays(split)[0])
        assert data.labels(split, "a").tolist() == [v // 10 for v in shown]
        assert data.labels(split, "b") is None


def test_classes_are_shared_by_name_over_domains_and_splits(tmp_path):
    class_folders(tmp_path, classes=("cat", "dog"))
    for split in ("train", "test"):
        for path in (tmp_path / f"{split}B").iterdir():
            path.unlink()
        plain(tmp_path / f"{split}B" / "dog" / "x.png", 200)
    plain(tmp_path / "testB" / "ant" / "x.png", 201)
    data = open_data(config(tmp_path))
    assert data.classes == ("ant", "cat", "dog")
    assert data.labels("train", "b").tolist() == [2]
    assert data.labels("test", "b").tolist() == [0, 2]


def test_images_beside_class_folders_are_refused_by_name(tmp_path):
    class_folders(tmp_path)
    plain(tmp_path / "trainA" / "loose.png", 1)
    told = message(tmp_path)
    assert f"{tmp_path / 'trainA'} holds both class folders (10, 2) and images beside" in told
    assert "(loose.png)" in told


def test_labels_in_some_splits_only_are_refused(tmp_path):
    class_folders(tmp_path)
    for name in ("2", "10"):
        for path in (tmp_path / "testA" / name).iterdir():
            path.rename(tmp_path / "testA" / f"{name}{path.name}")
    assert "labels for the images of a in train, but not in test" in message(tmp_path)


# Tables


def test_half_labelled_tables_are_refused_with_their_lines(tmp_path):
    path = labelled_table(tmp_path)
    lines = path.read_text().split()
    lines[3] = lines[3].removesuffix("1,") + ","
    path.write_text("\n".join(lines))
    assert "label_a for some images of a only; give every image of a domain" in message(path)
    assert "line 4" in message(path)
    lines[3] = "train,train/a1.png,,1,7"
    path.write_text("\n".join(lines))
    assert "line 4: label_b is '7', but b is empty" in message(path)


def test_label_columns_that_are_empty_are_no_labels(tmp_path):
    for name in ("x", "y"):
        plain(tmp_path / f"{name}.png", 1)
    path = tmp_path / "t.csv"
    path.write_text("split,a,b,label_a,label_b\ntrain,x.png,y.png,,\n")
    assert find(config(path)).classes == ()
