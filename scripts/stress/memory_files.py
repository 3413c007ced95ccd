"""Memory of training on few files and on many, by where decoded images stay."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

FEW = 1000  # files, beside as many as were asked for
CACHES = ("auto", "disk", "none")
SIDE, DIFFERENT = 16, 200  # of a image, in pixels; images a domain, all others are links


def write_files(folder: Path, count: int) -> Path:
    """Writes so many files of noise for training, half of each domain, and two to test on."""
    noise = np.random.default_rng(0).integers(0, 256, (DIFFERENT, SIDE, SIDE, 3), np.uint8)
    for split, files in (("train", count), ("test", 2)):
        for first, side in enumerate("ab"):
            place = folder / f"{split}{side.upper()}"
            place.mkdir(parents=True)
            for number in range((files + 1 - first) // 2):
                path = place / f"{side}{number:06d}.png"
                if number < DIFFERENT:
                    Image.fromarray(noise[number]).save(path)
                else:
                    os.link(place / f"{side}{number % DIFFERENT:06d}.png", path)
    return folder


def by_files(
    count: int, folder: Path, train: Callable[[str, Path, str], list[tuple[int, int]]]
) -> tuple[dict, dict]:
    """Trains on few files and on many with each cache.

    Args:
        count: Files of the many.
        folder: Where they are written.
        train: From a name, a folder of images and a cache to steps and KiB of memory then, 0
            steps while images are read.

    Returns:
        For each cache MiB at the end with few and with many, MiB at most, and bytes that each
        further file takes at the end; decoded pixels are among them where memory holds these.
        Beside it what was seen, by cache and number of files.
    """
    places = {n: write_files(folder / f"files-{n}", n) for n in (FEW, count)}
    rows, runs = {}, {}
    for cache in CACHES:
        seen = {n: train(f"{cache}-{n}", place, cache) for n, place in places.items()}
        runs[cache] = {str(n): own for n, own in seen.items()}
        last = {n: float(np.median([kib for _, kib in own[-3:]])) for n, own in seen.items()}
        rows[cache] = {
            **{f"MiB, {n} files": round(last[n] / 1024, 1) for n in places},
            "MiB at most": round(max(kib for _, kib in seen[count]) / 1024, 1),
            "bytes a file": round((last[count] - last[FEW]) * 1024 / (count - FEW)),
            "of them pixels": SIDE * SIDE * 3 if cache == "auto" else 0,
        }
    return rows, runs
