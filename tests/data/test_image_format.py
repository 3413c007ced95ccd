"""How the settings `interpolation_a`, `interpolation_b` and `white_level` reach the images."""

from pathlib import Path
from shutil import copy

import numpy as np
import pytest

from tf_translate import images
from tf_translate.config.data import DataConfig
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.image_format import ImageFormat, image_formats
from tf_translate.data.packed.packing_input import find_to_pack
from tf_translate.data.packed.writer import PackingOptions, pack
from tf_translate.errors import ConfigError, DataError
from tf_translate.image_notices import Notices, collect_notices

CASES = Path(__file__).parents[1] / "fixtures" / "cases"
LOCATIONS = ("memory", "disk", "none")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def labels(tmp_path):
    """Pairs: a is a label map of four colours, b a photograph."""
    photograph = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    for split in ("train", "test"):
        for index in range(2):
            (tmp_path / "labels" / split / "a").mkdir(parents=True, exist_ok=True)
            copy(CASES / "lab.png", tmp_path / "labels" / split / "a" / f"{index}.png")
            images.write(tmp_path / "labels" / split / "b" / f"{index}.png", photograph)
    return tmp_path / "labels"


def colours(batch):
    return len(np.unique(batch.reshape(-1, batch.shape[-1]), axis=0))


@pytest.mark.parametrize("cache", LOCATIONS)
@pytest.mark.parametrize("load_size", [None, (72, 72)])
def test_label_maps_keep_their_colours_in_training_and_evaluation(labels, cache, load_size):
    config = DataConfig(
        path=str(labels),
        size=(64, 64),
        load_size=load_size,
        interpolation_a="nearest",
        validation_share=0,
        cache=cache,
    )
    data = open_domain_dataset(config, paired=True)
    batch = next(iter(data.training(batch_size=2, seed=0)))
    assert colours(batch["a"].numpy()) == 4
    assert colours(batch["b"].numpy()) > 1000
    for split in ("train", "test"):
        a, b = data.arrays(split)
        assert colours(a) == 4
        assert colours(b) > 1000
        assert colours(next(iter(data.side(split, "a", batch_size=2))).numpy()) == 4


def test_by_default_label_maps_are_resized_bicubic(labels):
    data = open_domain_dataset(DataConfig(path=str(labels), size=(64, 64)), paired=True)
    assert colours(data.arrays("test")[0]) > 4


def test_the_interpolation_of_a_is_that_of_the_models_a(labels):
    config = DataConfig(
        path=str(labels), size=(64, 64), direction="b_to_a", interpolation_b="nearest"
    )
    a, b = open_domain_dataset(config, paired=True).arrays("test")
    assert colours(b) == 4
    assert colours(a) > 1000


@pytest.mark.parametrize("cache", LOCATIONS)
def test_one_set_of_images_is_resized_alike(labels, cache):
    folder = str(labels / "test" / "a")
    config = DataConfig(
        path=folder, size=(64, 64), interpolation_a="nearest", validation_share=0, cache=cache
    )
    assert colours(open_image_dataset(config).images("train", at=[0, 1])) == 4


def test_images_with_attributes_are_resized_alike(labels):
    table = labels / "table.csv"
    table.write_text("image,glasses,split\ntest/a/0.png,0,train\ntest/a/1.png,1,train\n")
    config = DataConfig(
        path=str(table),
        size=(64, 64),
        interpolation_a="nearest",
        validation_share=0,
        attributes={"glasses": ["0", "1"]},
    )
    assert colours(open_attribute_dataset(config).images("train", at=[0, 1])) == 4


@pytest.fixture
def deep(tmp_path):
    """Three images of 12 bits in 16, in three splits."""
    for split in ("train", "validation", "test"):
        (tmp_path / "deep" / split).mkdir(parents=True)
        copy(CASES / "u12in16.png", tmp_path / "deep" / split / "x.png")
    return tmp_path / "deep"


@pytest.mark.parametrize("cache", LOCATIONS)
def test_dark_images_are_said_once_for_a_data_set_and_also_from_the_cache(deep, cache):
    config = DataConfig(path=str(deep), size=(64, 64), channels_a=1, cache=cache)
    for _ in range(2):
        lines = open_image_dataset(config).found_lines()
        (dark,) = [line for line in lines if "65,535" in line]
        assert dark.startswith("the highest level of 3 images, such as ")
        assert "is 4,032 of 65,535, so they are dark" in dark


@pytest.mark.parametrize("cache", LOCATIONS)
def test_the_white_level_brightens_a_data_set_and_changes_the_key_of_the_cache(deep, cache):
    means = []
    for white_level in (None, 4095):
        config = DataConfig(
            path=str(deep), size=(64, 64), channels_a=1, cache=cache, white_level=white_level
        )
        data = open_image_dataset(config)
        means.append((data.images("test", at=[0]).mean() + 1) * 127.5)
    assert means == pytest.approx([7.84, 125.54], abs=0.25)  # 2016 / 257, 2016 / 4095 * 255
    assert not [line for line in data.found_lines() if "65,535" in line]


def test_every_setting_that_changes_pixels_changes_key_and_fingerprint(labels):
    settings = [{}, {"interpolation_a": "nearest"}, {"interpolation_b": "nearest"}]
    settings += [{"white_level": 4095}]
    configs = [DataConfig(path=str(labels), size=(64, 64), **each) for each in settings]
    assert len({tuple(each.key() for each in image_formats(c, "train")) for c in configs}) == 4
    assert len({open_domain_dataset(config).fingerprint for config in configs}) == 4


def test_colour_profiles_and_floats_are_counted_for_a_data_set(tmp_path):
    for index in range(3):
        (tmp_path / "set").mkdir(exist_ok=True)
        copy(CASES / "adobe.jpg", tmp_path / "set" / f"{index}.jpg")
    copy(CASES / "float01.tif", tmp_path / "set" / "f.tif")
    data = open_image_dataset(DataConfig(path=str(tmp_path / "set"), size=(64, 64)))
    said = " / ".join(data.found_lines())
    assert "3 images, such as " in said
    assert "have a colour profile and were converted to sRGB" in said
    assert "f.tif holds floats in [0, 1], which are scaled to 0 to 255" in said


@pytest.mark.parametrize("value", [0, 65536, 1.5])
def test_an_impossible_white_level_is_refused(value):
    with pytest.raises(ConfigError, match="white_level"):
        DataConfig(path="x", white_level=value)


@pytest.mark.parametrize(
    ("height", "width", "aspect", "said"),
    [
        (8, 10, "stretch", ()),
        (800, 1009, "stretch", ()),  # by less than 1 %
        (8, 3, "stretch", ("x has other proportions than the model's and is stretched",)),
        (7, 12, "stretch", ("x has other proportions than the model's and is stretched",)),
        (8, 20, "letterbox", ("x has other proportions than the model's and is given mirrored",)),
        (8, 20, "crop", ("x has other proportions than the model's and is cut to the centre",)),
        (2, 3, "stretch", ("x has other", "x is smaller than the model's images and is enlarged")),
        (2, 9, "letterbox", ("x has other proportions than the model's and is given mirrored",)),
    ],
)
def test_a_format_fits_images_of_any_size_and_says_what_changes(height, width, aspect, said):
    notices = Notices()
    with collect_notices(notices):
        fitted = ImageFormat((4, 5), 3, aspect).fit(np.zeros((height, width, 3), np.uint8), "x")
    assert fitted.shape == (4, 5, 3)
    found = notices.sentences()
    assert all(a.startswith(b) for a, b in zip(found, said, strict=True))


@pytest.mark.parametrize("location", LOCATIONS)
def test_images_of_other_proportions_are_said_however_they_are_kept(tmp_path, location):
    for side in "ab":
        images.write(tmp_path / f"train{side.upper()}" / "0.png", np.zeros((8, 12, 3), np.uint8))
    config = DataConfig(path=str(tmp_path), size=(4, 4), cache=location)
    assert open_domain_dataset(config).found_lines()[1:] == [
        f"2 images, such as {tmp_path}/trainA/0.png, have other proportions than the model's and "
        "are stretched (data.aspect)"
    ]


@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_a_packed_set_was_resized_by_the_interpolation_of_each_domain(labels, tmp_path, direction):
    options = PackingOptions(
        sizes=((64, 64),), channels=(3,), interpolation_a="nearest", white_level=4095
    )
    packed = pack(
        *find_to_pack(str(labels))[:1], tmp_path / "packed", options, layout="named_pairs"
    )
    assert (packed.interpolation_a, packed.interpolation_b) == ("nearest", "bicubic")
    of_labels = "interpolation_a" if direction == "a_to_b" else "interpolation_b"
    settings = {"size": (64, 64), "direction": direction, "white_level": 4095}
    same = {of_labels: "nearest", **settings}
    for path in (tmp_path / "packed", labels):
        config = DataConfig(path=str(path), **same)
        a, b = open_domain_dataset(config).arrays("test")
        assert colours(a if direction == "a_to_b" else b) == 4
    others = ({**same, of_labels: "bicubic"}, {**same, "white_level": None})
    for other in others:
        config = DataConfig(path=str(tmp_path / "packed"), **other)
        with pytest.raises(DataError, match=r"were resized with (interpolation|white_level)"):
            open_domain_dataset(config)


def test_packing_says_what_decoding_changed(deep, tmp_path):
    said = []
    table = find_to_pack(str(deep), "images")[0]
    pack(table, tmp_path / "packed", PackingOptions(), layout="images", report=said.append)
    assert "3 images, such as " in said[0]
    assert "set data.white_level" in said[0]
