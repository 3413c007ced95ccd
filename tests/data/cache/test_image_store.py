"""Decoded images: the same from memory, from disk and decoded again."""

import os

import numpy as np
import pytest

from tests.data.drawn import ab_folders, config, save
from tf_translate import images, packages
from tf_translate.data.cache import decoded_splits, image_store
from tf_translate.data.domain_dataset import open_data
from tf_translate.data.splits import ImageFile, ImageFiles
from tf_translate.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(folder))
    return folder


def drawn(folder, count=5):
    random = np.random.default_rng(0)
    files = [folder / f"{i}.png" for i in range(count)]
    for path in files:
        save(path, random.integers(0, 256, (9, 12, 3), np.uint8))
    return ImageFiles([ImageFile(str(path), path.stem) for path in files])


def opened(images, place, form=None):
    return image_store.open_store(
        images, form or image_store.Form((6, 8), 3), place, progress=lambda: None
    )


@pytest.mark.parametrize("place", ["memory", "disk", "none"])
def test_every_place_gives_the_resized_image(tmp_path, place):
    split = drawn(tmp_path / "p")
    kept = opened(split, place)
    expected = [images.resize(images.read(file.path), (6, 8)) for file in split.files]
    np.testing.assert_array_equal(kept.take(range(5)), expected)
    np.testing.assert_array_equal(kept.take([3, 1]), [expected[3], expected[1]])
    np.testing.assert_array_equal(kept.read(4), expected[4])


def test_the_second_time_nothing_is_decoded(tmp_path, cache, monkeypatch):
    split = drawn(tmp_path / "p")
    first = opened(split, "disk").take(range(5))
    monkeypatch.setattr(images, "decode", lambda *_, **__: pytest.fail("decoded again"))
    np.testing.assert_array_equal(opened(split, "disk").take(range(5)), first)
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".npy"]


def test_a_changed_image_another_size_or_other_channels_are_decoded_anew(tmp_path, cache):
    images = drawn(tmp_path / "p")
    opened(images, "disk")
    opened(images, "disk", image_store.Form((6, 8), 1))
    opened(images, "disk", image_store.Form((8, 6), 3))
    save(images.files[2].path, np.zeros((9, 12, 3), np.uint8))
    assert opened(images, "disk").read(2).max() == 0
    assert len(list(cache.glob("*.npy"))) == 4


def test_a_pass_that_is_broken_off_leaves_nothing_behind(tmp_path, cache):
    images = drawn(tmp_path / "p")

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        image_store.open_store(images, image_store.Form((6, 8), 3), "disk", progress=stop)
    assert list(cache.iterdir()) == []


def test_images_on_disk_are_mapped_not_loaded(tmp_path):
    assert isinstance(opened(drawn(tmp_path / "p"), "disk").read(0).base, np.memmap)


def test_damaged_decoded_images_are_told_and_lost_ones_decoded_again(tmp_path, cache):
    images = drawn(tmp_path / "p")
    opened(images, "disk")
    (file,) = cache.glob("*.npy")
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    with pytest.raises(DataError, match=r"\.npy are damaged; delete the file"):
        opened(images, "disk")
    file.unlink()
    opened(images, "disk")
    assert file.read_bytes() == whole


def test_problems_are_remembered_by_the_cache(tmp_path):
    images = drawn(tmp_path / "p")
    images.files[1].path.write_bytes(b"")
    for _ in range(2):
        problems = opened(images, "disk").problems
        assert list(problems) == [1]
        assert "1.png is empty" in problems[1]


def test_auto_takes_memory_until_it_is_too_much(tmp_path, cache, monkeypatch):
    folder = ab_folders(tmp_path / "d", train_a=2, train_b=2, test=1)
    open_data(config(folder))
    assert not cache.exists()
    monkeypatch.setattr(decoded_splits, "MEMORY_LIMIT", 6 * 8 * 8 * 3 - 1)  # six images but a byte
    data = open_data(config(folder))
    assert len(list(cache.glob("*.npy"))) == 4
    assert data.arrays("train")[0].shape == (2, 8, 8, 3)


def test_a_cache_that_cannot_be_written_is_said_so(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set TF_TRANSLATE_CACHE to a folder with room"):
        opened(drawn(tmp_path / "p"), "disk")


def test_progress_counts_every_image_once(tmp_path):
    folder = ab_folders(tmp_path / "d", train_a=3, train_b=2, test=1)
    seen = []
    open_data(config(folder), progress=lambda done, total: seen.append((done, total)))
    assert sorted(seen) == [(i, 7) for i in range(1, 8)]


def test_the_cache_is_in_the_home_folder_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("TF_TRANSLATE_CACHE")
    assert str(packages.cache_folder()) == os.path.expanduser("~/.cache/tf_translate")
