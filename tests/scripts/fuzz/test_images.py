"""The stress test of images, with few of them."""

import json

import pytest

from scripts.fuzz import images as fuzz_images
from scripts.fuzz.image_seeds import seed_files


def test_the_same_number_is_the_same_image_in_every_process():
    files = {"a": bytes(range(200)), "b": b"abc" * 50}
    numbers = range(200)
    one, two = ([fuzz_images.mutate(files, 0, number) for number in numbers] for _ in range(2))
    assert one == two
    assert one[:2] == [("a", files["a"]), ("b", files["b"])]  # each as it is, first
    assert one != [fuzz_images.mutate(files, 1, number) for number in numbers]
    assert len({contents for _, contents in one}) > 190


@pytest.mark.slow
def test_every_small_seed_file_gives_pixels_or_one_sentence(tmp_path):
    count = sum(".bomb." not in name for name in seed_files())  # these come first
    assert fuzz_images.main(["--count", str(count), "--folder", str(tmp_path / "fuzz")]) == 0
    result = json.loads((tmp_path / "fuzz" / "fuzz_images.json").read_text())
    counts = result["counts"]
    assert counts["tried"] == counts["read"] + counts["refused"] == count
    assert counts["read"] > 50
    assert not any(counts[name] for name in ("tracebacks", "signals", "hangs", "files_outside"))
    assert [path.name for path in (tmp_path / "fuzz").iterdir()] == ["fuzz_images.json"]
