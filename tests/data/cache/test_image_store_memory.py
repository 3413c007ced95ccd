"""Memory of large data sets: bytes for each image, measured by tracemalloc."""

import gc
import os
import sys
import tracemalloc
from dataclasses import dataclass

import pytest

from tf_translate.data.cache import image_store
from tf_translate.data.layouts.folders import files_of
from tf_translate.data.splits import ImageFileList
from tf_translate.image_files import find_images


def measure_memory(call):
    """Returns the result of `call`, the bytes that remain allocated, and the peak."""
    tracemalloc.start()
    try:
        result = call()
        gc.collect()  # also empties the interpreter's free lists, which count as allocated
        return result, *tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


def test_an_image_file_takes_its_texts_and_at_most_a_hundred_bytes(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "0000.png").touch()
    for number in range(1, 3000):
        os.link(folder / "0000.png", folder / f"{number:04d}.png")
    files, remaining, _ = measure_memory(lambda: files_of(find_images(folder)))
    assert [file.name for file in files] == [f"{number:04d}" for number in range(3000)]
    texts = sum(sys.getsizeof(file.file) + sys.getsizeof(file.name) for file in files)
    assert remaining < texts + 100 * len(files)


@dataclass(frozen=True)
class Blank:
    """An image without a file; a few of them are damaged."""

    name: str

    def check(self, channels):
        if self.name.endswith("777"):
            raise image_store.DataError(f"{self.name} is damaged")


@pytest.mark.slow
def test_decoding_needs_no_memory_for_images_in_the_queue(tmp_path):
    images = ImageFileList([Blank(str(number)) for number in range(20_000)])
    image_format = image_store.ImageFormat((8, 8), 3)
    done = []

    def check_all():
        return image_store.open_image_store(
            images, image_format, "none", progress=lambda: done.append(None)
        )

    store, _, peak = measure_memory(check_all)
    assert store.problems == {n: f"{n} is damaged" for n in range(777, 20_000, 1000)}
    assert len(done) == 20_000
    assert peak < 200 * 20_000, "a queued image would take 1.5 KiB"
