"""Image datasets without labels: folders, tables, splits, batches."""

import numpy as np
import pytest

from tests.data.image_files import ab_folders, config, plain, values
from tf_translate.data.image_dataset import open_image_dataset
from tf_translate.errors import DataError


def message(path, **settings) -> str:
    with pytest.raises(DataError) as raised:
        open_image_dataset(config(path, **settings))
    return str(raised.value)


def _all_values(data):
    return sorted(
        value
        for split, count in data.splits.items()
        for value in values(data.images(split, at=range(count)))
    )


def test_a_folder_of_images_is_split_by_name_and_every_image_is_in_one_split(tmp_path):
    for i in range(60):
        plain(tmp_path / f"deep{i % 2}" / f"{i}.png", i)
    data = open_image_dataset(config(tmp_path))
    assert list(data.splits) == ["train", "validation", "test"]
    assert data.splits["train"] > 35
    assert _all_values(data) == list(range(60))
    again = open_image_dataset(config(tmp_path))
    assert again.fingerprint == data.fingerprint
    assert again.splits == data.splits


def test_folders_named_like_splits_define_the_splits(tmp_path):
    for split, first, count in (("train", 0, 5), ("val", 10, 2), ("test", 20, 3)):
        for i in range(count):
            plain(tmp_path / split / f"{i}.png", first + i)
    data = open_image_dataset(config(tmp_path))
    assert data.splits == {"train": 5, "validation": 2, "test": 3}
    assert values(data.images("test", at=[2, 0])) == [22, 20]
    plain(tmp_path / "more" / "x.png", 1)
    error = message(tmp_path)
    assert "has a folder train and images outside of train, validation" in error
    assert "more/x.png" in error


def test_a_missing_validation_split_is_held_out_of_training(tmp_path):
    for i in range(10):
        plain(tmp_path / "train" / f"{i}.png", i)
    data = open_image_dataset(config(tmp_path, validation_share=0.2))
    assert sum(data.splits.values()) == 10
    assert sorted(_all_values(data)) == list(range(10))
    assert 1 <= data.splits["validation"] <= 6  # 2 expected


def test_a_table_needs_no_attributes_and_where_selects_rows(tmp_path):
    lines = ["image,split,person,hat"]
    for i in range(8):
        plain(tmp_path / f"{i}.png", i)
        lines.append(f"{i}.png,{'train' if i < 6 else 'test'},p{i},{i % 2}")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    assert open_image_dataset(config(path)).splits == {"train": 6, "test": 2}
    data = open_image_dataset(config(path, where={"hat": "1"}))
    assert _all_values(data) == [1, 3, 5, 7]
    assert "leaves no row" in message(path, where={"hat": "2"})
    assert "no column 'hut' (where.hut); did you mean 'hat'?" in message(path, where={"hut": "1"})


def test_each_pass_uses_every_image_once_wherever_training_starts(tmp_path):
    for i in range(6):
        plain(tmp_path / "train" / f"{i}.png", i)
    data = open_image_dataset(config(tmp_path, flip="horizontal"))
    batches = list(data.training(batch_size=3, seed=0).take(4))
    assert list(batches[0]) == ["image"]
    assert batches[0]["image"].shape == (3, 8, 8, 3)
    assert sorted(values(np.concatenate([batch["image"] for batch in batches[:2]]))) == list(
        range(6)
    )
    late = list(data.training(batch_size=3, seed=0, start_step=2).take(2))
    for one, other in zip(batches[2:], late, strict=True):
        np.testing.assert_array_equal(one["image"], other["image"])


def test_damaged_images_are_named_or_skipped(tmp_path):
    for i in range(4):
        plain(tmp_path / "train" / f"{i}.png", i)
    (tmp_path / "train" / "2.png").write_bytes(b"no image")
    assert "2.png" in message(tmp_path)
    data = open_image_dataset(config(tmp_path, on_error="skip"))
    assert values(data.images("train", at=range(3))) == [0, 1, 3]
    assert len(data.skipped) == 1


@pytest.mark.thorough
def test_shipped_samples_are_read_without_their_labels():
    data = open_image_dataset(config("samples:avatars"))
    assert data.splits == {"train": 2400, "validation": 100, "test": 256}


def test_paths_and_settings_that_are_not_for_one_image_set_are_refused(tmp_path):
    error = message(ab_folders(tmp_path / "two"))
    assert "holds two sets of images (trainA, trainB)" in error
    assert "set data.path to one of them" in error
    (tmp_path / "empty").mkdir()
    assert "holds no images" in message(tmp_path / "empty")
    assert "data.path must be a folder of images, a table" in message(tmp_path / "faces.zip")
    plain(tmp_path / "one" / "0.png", 0)
    error = message(tmp_path / "one", attributes={"glasses": ["0", "1"]})
    assert "data.attributes is for methods that learn from it" in error
    error = message(tmp_path / "one", domain_column="x", domain_a="0", domain_b="1")
    assert "leave data.domain_column out" in error
