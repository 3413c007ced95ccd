"""TensorFlow Datasets, with mocked examples of the same features as the real ones."""

import importlib.resources
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests.data.image_files import config, values
from tf_translate import images
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.errors import DataError


class TwoImages(tfds.core.GeneratorBasedBuilder):
    """A paired data set with the splits train and test and the features photo, map and label."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image = tfds.features.Image(shape=(None, None, 3))
        features = {"photo": image, "map": image, "label": tfds.features.Text()}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, _):
        return {"train": self._generate_examples(3), "test": self._generate_examples(2)}

    def _generate_examples(self, count):
        for i in range(count):
            photo = np.full((6, 5, 3), i, np.uint8)
            yield i, {"photo": photo, "map": photo + 100, "label": str(i)}


def mock_examples(builder, split=None, **_):
    """Returns four examples of 10 x 12 pixels with values 0 to 3; B and map are 100 brighter."""

    def example(i):
        plain = tf.fill([10, 12, 3], tf.cast(i, tf.uint8))
        brighter = 100 if str(split).endswith("B") else 0
        features = {"image": plain + brighter, "photo": plain, "map": plain + 100}
        features["attributes"] = {"Eyeglasses": i % 2 == 0, "Male": i < 2}
        features["landmarks"] = {"nose_x": i}
        return {name: features.get(name, i) for name in builder.info.features}

    return tf.data.Dataset.range(4).map(example)


@pytest.fixture
def mocked(tmp_path):
    """Five data sets that look prepared, with four examples in every split."""
    for name, splits in {
        "cycle_gan/horse2zebra": ("trainA", "trainB", "testA", "testB"),
        "two_images": ("train", "test"),
        "mnist": ("train", "test"),
        "svhn_cropped": ("train", "test", "extra"),
        "celeb_a": ("train", "validation", "test"),
    }.items():
        info = tfds.builder(name, data_dir=tmp_path).info
        template = tfds.core.ShardedFileTemplate(
            data_dir=info.data_dir, dataset_name=name.split("/")[0], filetype_suffix="tfrecord"
        )
        info.set_splits(
            tfds.core.splits.SplitDict(
                tfds.core.SplitInfo(
                    name=split, shard_lengths=[4], num_bytes=1, filename_template=template
                )
                for split in splits
            )
        )
        Path(info.data_dir).mkdir(parents=True)
        info.write_to_directory(info.data_dir)
    files = tfds.testing.MockPolicy.USE_FILES
    with tfds.testing.mock_data(policy=files, as_dataset_fn=mock_examples, data_dir=str(tmp_path)):
        yield


def message(name, **settings) -> str:
    with pytest.raises(DataError) as raised:
        open_domain_dataset(config(f"tfds:{name}", **settings))
    return str(raised.value)


@pytest.mark.usefixtures("mocked")
def test_cycle_gan_data_sets_are_unpaired():
    data = open_domain_dataset(config("tfds:cycle_gan/horse2zebra", size=(10, 12)))
    assert data.splits == {"train": (4, 4), "test": (4, 4)}
    assert not data.paired
    a, b = data.arrays("train")
    assert (values(a), values(b)) == ([0, 1, 2, 3], [100, 101, 102, 103])
    assert data.names("train", "a")[2] == "trainA/000002"


@pytest.mark.usefixtures("mocked")
def test_two_image_features_are_pairs():
    data = open_domain_dataset(config("tfds:two_images"), paired=True)
    assert list(data.splits) == ["train", "test"]
    a, b = data.arrays("test")
    assert (values(a), values(b)) == ([0, 1, 2, 3], [100, 101, 102, 103])  # as declared


@pytest.mark.usefixtures("mocked")
def test_image_features_may_be_chosen_by_name():
    data = open_domain_dataset(
        config("tfds:two_images", tfds_a="photo", tfds_b="map", channels_a=1)
    )
    a, b = data.arrays("train")
    assert (a.shape[-1], values(a), values(b)[0]) == (1, [0, 1, 2, 3], 100)


@pytest.mark.usefixtures("mocked")
def test_held_out_validation_of_tfds_keeps_images_and_names_together():
    data = open_domain_dataset(config("tfds:two_images", validation_share=0.5))
    value_of = {}
    for split in ("train", "validation"):
        names = data.names(split, "b")
        value_of.update(zip(names, values(data.arrays(split)[1]), strict=True))
    assert value_of == {f"train/{i:06d}": 100 + i for i in range(4)}


@pytest.mark.usefixtures("mocked")
def test_all_splits_of_tfds_train_without_holdout_and_the_last_images_can_be_held_out():
    data = open_domain_dataset(config("tfds:svhn_cropped->mnist", holdout="none"))
    assert data.splits == {"train": (8, 8)}
    a, b = data.arrays("train")
    assert values(a) == values(b) == data.labels("train", "a").tolist() == [0, 1, 2, 3] * 2
    assert data.names("train", "a")[3:5] == ("train/000003", "test/000000")
    data = open_domain_dataset(config("tfds:two_images", holdout="last", test_images=5))
    assert data.splits == {"train": (3, 3), "test": (5, 5)}
    assert values(data.arrays("test")[1]) == [103, 100, 101, 102, 103]
    attributes = {"Eyeglasses": ["false", "true"]}
    one_set = open_attribute_dataset(
        config("tfds:celeb_a", attributes=attributes, holdout="last", test_images=5)
    )
    assert one_set.splits == {"train": 7, "test": 5}
    assert values(one_set.images("test", at=range(5))) == [3, 0, 1, 2, 3]


@pytest.mark.usefixtures("mocked")
def test_a_disk_cache_of_tfds_holds_the_same_images(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        data = open_domain_dataset(config("tfds:two_images", cache="disk"))
        assert values(data.arrays("train")[1]) == [100, 101, 102, 103]
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 4


@pytest.mark.usefixtures("mocked")
def test_tfds_without_a_cache_is_refused():
    assert "set cache to memory, disk or auto" in message("two_images", cache="none")


@pytest.mark.usefixtures("mocked")
def test_unknown_and_ambiguous_image_features_are_refused_by_name():
    error = message("two_images", tfds_a="image", tfds_b="map")
    assert (
        "image features photo, map; data.tfds_a and data.tfds_b must be of these, got 'image'"
        in error
    )
    assert "set data.tfds_a and data.tfds_b to two of them" in message("two_images", tfds_a="map")
    assert "set data.tfds_a and data.tfds_b to two of them" in message("mnist")


@pytest.mark.usefixtures("mocked")
def test_two_tfds_data_sets_become_a_and_b_and_share_classes():
    data = open_domain_dataset(config("tfds:svhn_cropped->mnist", size=(10, 12), channels_b=1))
    assert data.splits == {"train": (4, 4), "test": (4, 4)}
    assert not data.paired
    assert (data.shape_a, data.shape_b) == ((10, 12, 3), (10, 12, 1))
    assert data.classes == ("0", "1", "2", "3")  # the classes that occur
    for side in ("a", "b"):
        assert data.labels("train", side).tolist() == [0, 1, 2, 3]
    batch = next(iter(data.training(batch_size=4, seed=0)))
    assert batch["label_a"].numpy().tolist() == values(batch["a"])


@pytest.mark.usefixtures("mocked")
def test_the_split_to_train_on_may_be_named_and_changes_places_with_train():
    # DTN: all of SVHN's extra split to MNIST's test split.
    data = open_domain_dataset(config("tfds:svhn_cropped[extra] -> mnist[test]"))
    first = {split: (data.names(split, "a")[0], data.names(split, "b")[0]) for split in data.splits}
    assert first == {
        "train": ("extra/000000", "test/000000"),
        "test": ("test/000000", "train/000000"),
    }
    assert data.labels("train", "b").tolist() == [0, 1, 2, 3]


@pytest.mark.usefixtures("mocked")
def test_held_out_validation_of_two_tfds_data_sets_keeps_labels():
    data = open_domain_dataset(config("tfds:svhn_cropped->mnist", validation_share=0.5))
    for split in ("train", "validation"):
        assert data.labels(split, "a").tolist() == values(data.arrays(split)[0])


@pytest.mark.usefixtures("mocked")
def test_two_tfds_data_sets_need_no_classes_and_errors_name_what_is_missing():
    assert open_domain_dataset(config("tfds:cycle_gan/horse2zebra")).classes == ()
    error = message("svhn_cropped->mnist", label_column="digit")
    assert "the ClassLabel features label; data.label_column = 'digit' is none of them" in error
    assert "must name two data sets, as in tfds:svhn_cropped->mnist" in message("mnist->")
    error = message("cycle_gan/horse2zebra->mnist")
    assert "tfds:cycle_gan/horse2zebra has no split train, it has trainA" in error
    assert "tfds:mnist has no split extra, it has " in message("svhn_cropped->mnist[extra]")
    assert "features photo, map; set data.tfds_a and data.tfds_b" in message("two_images->mnist")


@pytest.mark.usefixtures("mocked")
def test_requiring_pairs_of_an_unpaired_tfds_data_set_is_refused():
    with pytest.raises(DataError, match="tfds:cycle_gan/horse2zebra has unpaired"):
        open_domain_dataset(config("tfds:cycle_gan/horse2zebra"), paired=True)


def test_a_really_prepared_data_set_is_read_in_order(tmp_path, monkeypatch):
    if importlib.util.find_spec("importlib_resources") is None:
        # TFDS 4.9.10 needs this backport of a Python 3.11 module but does not require it.
        monkeypatch.setitem(sys.modules, "importlib_resources", importlib.resources)
    real = tfds.builder
    monkeypatch.setattr(tfds, "builder", lambda name: real(name, data_dir=tmp_path))
    data = open_domain_dataset(config("tfds:two_images", tfds_a="photo", tfds_b="map", size=(6, 5)))
    assert data.splits == {"train": (3, 3), "test": (2, 2)}
    a, b = data.arrays("train")
    assert sorted(values(a)) == [0, 1, 2]
    np.testing.assert_array_equal(images.to_uint8(a) + 100, images.to_uint8(b))


def test_an_unknown_tfds_data_set_is_refused_with_the_nearest_name():
    error = message("cycle_gann/horse2zebra")
    assert "no data set 'cycle_gann/horse2zebra'" in error
    assert "did you mean tfds:cycle_gan?" in error


def test_a_failing_download_is_an_error_of_one_line(monkeypatch):
    def fail(*_, **__):
        raise OSError("the network is down\nand more lines")

    monkeypatch.setattr(tfds, "builder", fail)
    assert message("mnist") == "tfds:mnist cannot be prepared: the network is down"


def test_missing_tensorflow_datasets_is_an_error_with_the_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    assert "needs the package tensorflow-datasets: pip install tensorflow-datasets" in message(
        "mnist"
    )


def test_the_attributes_of_celeb_a_are_columns(mocked):
    attributes = {"Eyeglasses": ["false", "true"]}
    data = open_attribute_dataset(
        config("tfds:celeb_a", attributes=attributes, where={"Male": "true"})
    )
    assert data.splits == {"train": 2, "validation": 2, "test": 2}
    assert values(data.images("test", at=[0, 1])) == [0, 1]
    assert data.values("test").ravel().tolist() == [1.0, 0.0]


def test_an_unknown_attribute_of_celeb_a_is_refused_with_the_nearest_name(mocked):
    with pytest.raises(DataError, match=r"no column 'Eyeglass'.*did you mean 'Eyeglasses'"):
        open_attribute_dataset(config("tfds:celeb_a", attributes={"Eyeglass": ["false", "true"]}))


def _pack(name, output, layout="auto", how=None, **features):
    data, found_layout = find_to_pack(name, layout, **features)
    index = pack(data, output, how or PackingOptions(shard_bytes=500), layout=found_layout)
    return output, index


@pytest.mark.thorough
@pytest.mark.usefixtures("mocked")
@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("cycle_gan/horse2zebra", {}),
        ("two_images", {"tfds_a": "map", "tfds_b": "photo"}),
        ("two_images", {}),
        ("svhn_cropped[extra]->mnist[test]", {}),
    ],
)
@pytest.mark.parametrize(
    "sizes",
    [(), pytest.param(((8, 8),), marks=pytest.mark.slow)],
    ids=["original files", "resized"],
)
def test_two_tfds_domains_are_the_same_when_packed(tmp_path, name, features, sizes):
    how = PackingOptions(sizes=sizes, channels=(3,) if sizes else (), shard_bytes=500)
    output, _ = _pack(f"tfds:{name}", tmp_path / "packed", how=how, **features)
    one, other = (
        open_domain_dataset(config(f"tfds:{name}", validation_share=0.3, **features)),
        open_domain_dataset(config(output, validation_share=0.3, cache="none")),
    )
    assert (other.splits, other.classes) == (one.splits, one.classes)
    for split in one.splits:
        assert [*map(values, other.arrays(split))] == [*map(values, one.arrays(split))]
        for side in "ab":
            assert other.names(split, side) == one.names(split, side)
            np.testing.assert_array_equal(other.labels(split, side), one.labels(split, side))
    batches = [data.training(batch_size=3, seed=1).take(3) for data in (one, other)]
    for expected, got in zip(*map(list, batches), strict=True):
        for key, tensor in expected.items():
            np.testing.assert_array_equal(got[key], tensor, strict=True)


@pytest.mark.usefixtures("mocked")
def test_tfds_attributes_are_the_same_when_packed(tmp_path):
    output, index = _pack("tfds:celeb_a", tmp_path / "packed")
    assert index.rows == {"train": 4, "validation": 4, "test": 4}
    assert "Eyeglasses" in index.columns
    chosen = {"attributes": {"Eyeglasses": ["false", "true"]}, "where": {"Male": "true"}}
    one, other = (
        open_attribute_dataset(config(location, **chosen)) for location in ("tfds:celeb_a", output)
    )
    assert other.splits == one.splits
    for split in one.splits:
        np.testing.assert_array_equal(other.values(split), one.values(split), strict=True)
        at = range(one.splits[split])
        np.testing.assert_array_equal(other.images(split, at=at), one.images(split, at=at))
