"""Image stores: equal images from memory, from disk and decoded at every read."""

import os

import numpy as np
import pytest

from tests.data.image_files import ab_folders, config, save
from tf_translate import images, packages
from tf_translate.data.cache import decoded_splits, image_store
from tf_translate.data.domain_dataset import open_domain_dataset
from tf_translate.data.splits import ImageFile, ImageFileList
from tf_translate.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(folder))
    return folder


def write_noise_images(folder, count=5):
    random = np.random.default_rng(0)
    files = [folder / f"{i}.png" for i in range(count)]
    for path in files:
        save(path, random.integers(0, 256, (9, 12, 3), np.uint8))
    return ImageFileList([ImageFile(str(path), path.stem) for path in files])


def open_store(images, location, image_format=None):
    return image_store.open_image_store(
        images, image_format or image_store.ImageFormat((6, 8), 3), location, progress=lambda: None
    )


@pytest.mark.parametrize("location", ["memory", "disk", "none"])
def test_every_cache_location_gives_the_resized_images(tmp_path, location):
    split = write_noise_images(tmp_path / "p")
    store = open_store(split, location)
    expected = [images.resize(images.read(file.path), (6, 8)) for file in split.files]
    np.testing.assert_array_equal(store.take(range(5)), expected)
    np.testing.assert_array_equal(store.take([3, 1]), [expected[3], expected[1]])
    np.testing.assert_array_equal(store.read(4), expected[4])


def test_opening_a_cached_store_again_decodes_nothing(tmp_path, cache, monkeypatch):
    split = write_noise_images(tmp_path / "p")
    first = open_store(split, "disk").take(range(5))
    monkeypatch.setattr(images, "decode", lambda *_, **__: pytest.fail("decoded again"))
    np.testing.assert_array_equal(open_store(split, "disk").take(range(5)), first)
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".npy"]


def test_a_changed_image_or_another_format_is_decoded_again(tmp_path, cache):
    images = write_noise_images(tmp_path / "p")
    open_store(images, "disk")
    open_store(images, "disk", image_store.ImageFormat((6, 8), 1))
    open_store(images, "disk", image_store.ImageFormat((8, 6), 3))
    open_store(images, "disk", image_store.ImageFormat((6, 8), 3, "crop"))
    save(images.files[2].path, np.zeros((9, 12, 3), np.uint8))
    assert open_store(images, "disk").read(2).max() == 0
    assert len(list(cache.glob("*.npy"))) == 5


def test_interrupted_decoding_leaves_no_files(tmp_path, cache):
    images = write_noise_images(tmp_path / "p")

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        image_store.open_image_store(
            images, image_store.ImageFormat((6, 8), 3), "disk", progress=stop
        )
    assert list(cache.iterdir()) == []


def test_cached_images_on_disk_are_memory_mapped(tmp_path):
    assert isinstance(
        open_store(write_noise_images(tmp_path / "p"), "disk").read(0).base, np.memmap
    )


def test_a_damaged_cache_is_an_error_and_a_deleted_cache_is_decoded_again(tmp_path, cache):
    images = write_noise_images(tmp_path / "p")
    open_store(images, "disk")
    (file,) = cache.glob("*.npy")
    contents = file.read_bytes()
    file.write_bytes(contents[:100])
    with pytest.raises(DataError, match=r"\.npy are damaged; delete the file"):
        open_store(images, "disk")
    file.unlink()
    open_store(images, "disk")
    assert file.read_bytes() == contents


def test_the_cache_stores_the_reasons_of_damaged_images(tmp_path):
    images = write_noise_images(tmp_path / "p")
    images.files[1].path.write_bytes(b"")
    for _ in range(2):
        problems = open_store(images, "disk").problems
        assert list(problems) == [1]
        assert "1.png is empty" in problems[1]


def test_auto_uses_memory_up_to_the_limit_and_then_disk(tmp_path, cache, monkeypatch):
    folder = ab_folders(tmp_path / "d", train_a=2, train_b=2, test=1)
    open_domain_dataset(config(folder))
    assert not cache.exists()
    monkeypatch.setattr(
        decoded_splits, "MEMORY_LIMIT", 6 * 8 * 8 * 3 - 1
    )  # six images minus one byte
    data = open_domain_dataset(config(folder))
    assert len(list(cache.glob("*.npy"))) == 4
    assert data.arrays("train")[0].shape == (2, 8, 8, 3)


def test_a_cache_that_cannot_be_written_is_an_error_with_a_suggestion(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TF_TRANSLATE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set TF_TRANSLATE_CACHE to a folder with enough space"):
        open_store(write_noise_images(tmp_path / "p"), "disk")


def test_progress_counts_every_image_once(tmp_path):
    folder = ab_folders(tmp_path / "d", train_a=3, train_b=2, test=1)
    calls = []
    open_domain_dataset(config(folder), progress=lambda done, total: calls.append((done, total)))
    assert sorted(calls) == [(i, 7) for i in range(1, 8)]


def test_the_cache_is_in_the_home_folder_by_default(monkeypatch):
    monkeypatch.delenv("TF_TRANSLATE_CACHE")
    assert str(packages.cache_folder()) == os.path.expanduser("~/.cache/tf_translate")
