"""`data.holdout`: which images are held out of training, in every layout."""

import hashlib

import pytest

from tests.data.image_files import ab_folders, config, named_pairs, plain, values
from tf_translate.data.attribute_dataset import open_attribute_dataset
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.data.layouts.attribute_table import split_by_hash
from tf_translate.data.layouts.detect import find_domains
from tf_translate.errors import ConfigError, DataError

GLASSES = {"attributes": {"glasses": ["0", "1"]}}
DOMAINS = {"domain_column": "glasses", "domain_a": "1", "domain_b": "0"}
OWN = ["train"] * 6 + ["test"] * 2 + ["train"] * 2


def write_table(folder, splits=OWN):
    """Image i is of value i; every third person wears glasses."""
    lines = ["image,split,person,glasses" if splits else "image,person,glasses"]
    for i in range(len(splits or OWN)):
        plain(folder / f"{i}.png", i)
        split = f"{splits[i]}," if splits else ""
        lines.append(f"{i}.png,{split}p{i // 2},{int(i % 3 == 0)}")
    path = folder / "faces.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def in_splits(data):
    """The values of the images of each split of one set, in order."""
    return {
        split: values(data.images(split, at=range(count))) for split, count in data.splits.items()
    }


def of_domains(path, **settings):
    """The values of the images of each split of two domains, in order."""
    data = open_domain_dataset(config(path, **settings))
    return {split: tuple(map(values, data.arrays(split))) for split in data.splits}


def unit_hash(name):
    return int(hashlib.sha256(f"tf_translate split 0:{name}".encode()).hexdigest()[:16], 16) / 2**64


# official


def test_official_keeps_the_splits_of_a_table_and_holds_out_no_validation(tmp_path):
    path = write_table(tmp_path)
    settings = {**GLASSES, "validation_share": 0.3}
    expected = {"train": [0, 1, 2, 3, 4, 5, 8, 9], "test": [6, 7]}
    data = open_attribute_dataset(config(path, holdout="official", **settings))
    assert in_splits(data) == expected
    by_default = open_attribute_dataset(config(path, **settings)).splits
    assert by_default["test"] == 2
    assert by_default["train"] + by_default["validation"] == 8


def test_official_keeps_the_folders_of_two_domains_and_holds_out_no_validation(tmp_path):
    path = ab_folders(tmp_path, train_a=9, train_b=9)
    found = of_domains(path, holdout="official", validation_share=0.3)
    assert found == {
        "train": ([*range(9)], [*range(100, 109)]),
        "test": ([50, 51], [150, 151]),
    }
    assert list(of_domains(path, validation_share=0.3)) == ["train", "validation", "test"]


def test_official_is_refused_in_one_sentence_if_the_data_has_no_splits(tmp_path):
    table = write_table(tmp_path / "table", splits=None)
    with pytest.raises(DataError) as raised:
        open_attribute_dataset(config(table, holdout="official", **GLASSES))
    assert str(raised.value) == (
        "data.holdout = 'official' needs a test or validation split, but the table "
        f"{table} has none; add a column named 'split', or folders train/ and test/, or set "
        "data.holdout to 'hash', 'last' or 'none'"
    )
    folders = ab_folders(tmp_path / "folders", test=0)
    for path, settings in (
        (folders, {}),
        (table, DOMAINS),
        (write_table(tmp_path / "train", splits=["train"] * 10), DOMAINS),
    ):
        with pytest.raises(DataError, match="'official' needs a test or validation split"):
            find_domains(config(path, holdout="official", **settings))
    with pytest.raises(DataError, match="'official' needs a test or validation split"):
        open_image_dataset(config(folders / "trainA", holdout="official"))


# hash


@pytest.mark.parametrize(("validation", "test"), [(0.1, 0.1), (0.0, 0.25), (0.5, 0.0)])
def test_a_name_is_held_out_by_where_its_hash_lies(validation, test):
    names = [f"{i:06d}.jpg" for i in range(3000)]
    found = {name: split_by_hash(name, validation, test) for name in names}
    for name, split in found.items():
        position = unit_hash(name)
        assert (position >= 1 - test) == (split == "test")
        assert (position < 1 - test - validation) == (split == "train")
    count = sum(split == "train" for split in found.values())
    assert count == pytest.approx(3000 * (1 - validation - test), abs=140)  # 5 sigma


def test_hash_ignores_the_splits_of_the_data_and_keeps_groups_together(tmp_path):
    path = write_table(tmp_path, splits=["test"] * 39 + ["train"])
    settings = {"holdout": "hash", "validation_share": 0.2, "test_share": 0.3}
    data = open_attribute_dataset(config(path, group_column="person", **settings, **GLASSES))
    expected = {"train": [], "validation": [], "test": []}
    for i in range(40):
        position = unit_hash(f"p{i // 2}")
        name = "test" if position >= 0.7 else "validation" if position >= 0.5 else "train"
        expected[name].append(i)
    assert in_splits(data) == expected
    note = f"the splits of the table {path} are ignored, as data.holdout is 'hash'"
    assert note in data.found_lines()


def test_hash_decides_for_pairs_by_the_name_of_a_and_pools_their_splits(tmp_path):
    path = named_pairs(tmp_path, train=30, test=10)
    settings = {"holdout": "hash", "validation_share": 0.0, "test_share": 0.4}
    train, test = (of_domains(path, **settings)[split] for split in ("train", "test"))
    assert train[1] == pytest.approx([value + 100 for value in train[0]], abs=2)  # JPEG
    images = [(i, f"{i:03d}") for i in range(30)] + [(50 + i, f"{i:03d}") for i in range(10)]
    assert test[0] == [value for value, name in images if unit_hash(name) >= 0.6]
    assert sorted(train[0] + test[0]) == [value for value, _ in images]


# last and none


def test_the_last_images_of_each_domain_are_held_out(tmp_path):
    path = write_table(tmp_path)
    a, b = [0, 3, 6, 9], [1, 2, 4, 5, 7, 8]
    found = of_domains(path, holdout="last", test_images=2, **DOMAINS)
    assert found == {"train": (a[:-2], b[:-2]), "test": (a[-2:], b[-2:])}
    data = open_attribute_dataset(config(path, holdout="last", test_images=3, **GLASSES))
    assert in_splits(data) == {"train": [*range(7)], "test": [7, 8, 9]}
    folders = ab_folders(tmp_path / "folders")
    found = of_domains(folders, holdout="last", test_images=1)
    assert found["test"] == ([51], [151])
    assert found["train"] == ([0, 1, 2, 3, 4, 50], [100, 101, 102, 150])


def test_holding_out_every_image_or_parts_of_groups_is_refused(tmp_path):
    path = write_table(tmp_path)
    with pytest.raises(DataError, match=r"holds out 4 images, but the table .* has 4; set"):
        find_domains(config(path, holdout="last", test_images=4, **DOMAINS))
    with pytest.raises(DataError, match=r"holds out 5 images, but b of the .* has 5"):
        find_domains(config(ab_folders(tmp_path / "x"), holdout="last", test_images=5))
    with pytest.raises(ConfigError, match="keeps the rows of one person in one split"):
        config(path, holdout="last", group_column="person")
    with pytest.raises(ConfigError, match=r"must leave images to train, got 0\.5 and"):
        config(path, holdout="hash", validation_share=0.5, test_share=0.5)


def test_a_share_without_effect_is_reported_in_one_sentence(tmp_path):
    data = open_attribute_dataset(config(write_table(tmp_path), test_share=0.2, **GLASSES))
    (line,) = [line for line in data.found_lines() if "no effect" in line]
    assert line == (
        "data.test_share = 0.2 has no effect with data.holdout = 'auto'; "
        "set data.holdout = 'hash' to use it"
    )
    used = config(write_table(tmp_path / "x"), holdout="hash", test_share=0.2, **GLASSES)
    assert used.without_effect() == ()
    (line,) = config(write_table(tmp_path / "y"), test_share=0).without_effect()
    assert line.startswith("data.test_share = 0 has no effect")


def test_with_none_all_images_train_whatever_splits_the_data_has(tmp_path):
    path = write_table(tmp_path)
    for table in (path, write_table(tmp_path / "unsplit", splits=None)):
        data = open_attribute_dataset(config(table, holdout="none", **GLASSES))
        assert in_splits(data) == {"train": [*range(10)]}
    assert of_domains(path, holdout="none", **DOMAINS) == {
        "train": ([0, 3, 6, 9], [1, 2, 4, 5, 7, 8])
    }
    folders = ab_folders(tmp_path / "folders")
    swapped = of_domains(folders, holdout="none", direction="b_to_a")
    assert swapped == {"train": ([100, 101, 102, 150, 151], [0, 1, 2, 3, 4, 50, 51])}
    pairs = open_domain_dataset(config(named_pairs(tmp_path / "pairs"), holdout="none"))
    assert (pairs.paired, pairs.splits) == (True, {"train": (8, 8)})
    image_set = open_image_dataset(config(folders / "trainA", holdout="none"))
    assert in_splits(image_set) == {"train": [0, 1, 2, 3, 4]}
