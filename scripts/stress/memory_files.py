"""Memory of training on few files and on many, by the cache of decoded images."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

FEW = 1000  # files of the small data set
CACHES = ("auto", "disk", "none")
SIDE = 16  # of an image, in pixels
DIFFERENT = 200  # different images per domain; all others are hard links


def write_files(folder: Path, count: int) -> Path:
    """Writes `count` files of noise for training, half of each domain, and two for testing."""
    noise = np.random.default_rng(0).integers(0, 256, (DIFFERENT, SIDE, SIDE, 3), np.uint8)
    for split, files in (("train", count), ("test", 2)):
        for first, side in enumerate("ab"):
            domain = folder / f"{split}{side.upper()}"
            domain.mkdir(parents=True)
            for index in range((files + 1 - first) // 2):
                path = domain / f"{side}{index:06d}.png"
                if index < DIFFERENT:
                    Image.fromarray(noise[index]).save(path)
                else:
                    os.link(domain / f"{side}{index % DIFFERENT:06d}.png", path)
    return folder


def by_files(
    count: int, folder: Path, train: Callable[[str, Path, str], list[tuple[int, int]]]
) -> tuple[dict, dict]:
    """Trains on few files and on many with each cache.

    Args:
        count: Number of files of the large data set.
        folder: Where they are written.
        train: Trains a run, from a name, a folder of images and a cache. Returns pairs of step and
            KiB of memory; the step is 0 while images are read.

    Returns:
        For each cache: MiB at the end with few files and with many, the largest MiB, and the bytes
        that each further file takes at the end. They include decoded pixels where memory holds
        these. The second dictionary holds the pairs themselves, by cache and number of files.
    """
    folders = {n: write_files(folder / f"files-{n}", n) for n in (FEW, count)}
    rows, runs = {}, {}
    for cache in CACHES:
        measured = {n: train(f"{cache}-{n}", path, cache) for n, path in folders.items()}
        runs[cache] = {str(n): pairs for n, pairs in measured.items()}
        last = {
            n: float(np.median([kib for _, kib in pairs[-3:]])) for n, pairs in measured.items()
        }
        rows[cache] = {
            **{f"MiB, {n} files": round(last[n] / 1024, 1) for n in folders},
            "MiB, maximum": round(max(kib for _, kib in measured[count]) / 1024, 1),
            "bytes per file": round((last[count] - last[FEW]) * 1024 / (count - FEW)),
            "bytes of pixels per file": SIDE * SIDE * 3 if cache == "auto" else 0,
        }
    return rows, runs
