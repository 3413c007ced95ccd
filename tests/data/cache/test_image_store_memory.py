"""What large data sets cost in memory: bytes a image, counted by Python itself."""

import os
import sys
import tracemalloc
from dataclasses import dataclass

from tf_translate.data.cache import image_store
from tf_translate.data.layouts.folders import images_in
from tf_translate.data.splits import ImageFiles


def traced(act):
    """What `act` gives, and the bytes that stay and that were needed at most."""
    tracemalloc.start()
    try:
        result = act()
        return result, *tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


def test_a_image_file_costs_its_texts_and_a_hundred_bytes(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "0000.png").touch()
    for number in range(1, 3000):
        os.link(folder / "0000.png", folder / f"{number:04d}.png")
    files, kept, _ = traced(lambda: images_in(folder))
    assert [file.name for file in files] == [f"{number:04d}" for number in range(3000)]
    texts = sum(sys.getsizeof(file.file) + sys.getsizeof(file.name) for file in files)
    assert kept < texts + 100 * len(files)


@dataclass(frozen=True)
class Blank:
    """A image that takes no time; a few of them are broken."""

    name: str

    def check(self, channels):
        if self.name.endswith("777"):
            raise image_store.DataError(f"{self.name} is broken")


def test_decoding_needs_no_memory_for_images_that_wait(tmp_path):
    images = ImageFiles([Blank(str(number)) for number in range(20_000)])
    form = image_store.Form((8, 8), 3)
    done = []

    def check_all():
        return image_store.open_store(images, form, "none", progress=lambda: done.append(None))

    opened, _, most = traced(check_all)
    assert opened.problems == {n: f"{n} is broken" for n in range(777, 20_000, 1000)}
    assert len(done) == 20_000
    assert most < 200 * 20_000, "one that waits takes 1.5 KiB"
