"""Writes small test images, each of one value, so that a batch shows which images it holds."""

from pathlib import Path

import numpy as np
from PIL import Image

from tf_translate.config.data import DataConfig


def plain(path: Path, value: int, *, size=(8, 8), channels: int = 3) -> Path:
    """Writes an image with `value` at every pixel and channel, alpha included."""
    shape = size if channels == 1 else (*size, channels)
    return save(path, np.full(shape, value, np.uint8))


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))
    return path


def ab_folders(root: Path, *, train_a=5, train_b=3, test=2, size=(8, 8)) -> Path:
    """Writes trainA with values 0, 1, ...; trainB from 100, testA from 50, testB from 150."""
    for folder, count, first in (
        ("trainA", train_a, 0),
        ("trainB", train_b, 100),
        ("testA", test, 50),
        ("testB", test, 150),
    ):
        for i in range(count):
            plain(root / folder / f"{i:03d}.png", first + i, size=size)
    return root


def named_pairs(root: Path, *, train=6, test=2, size=(8, 8)) -> Path:
    """Writes train/a with values 0, 1, ...; train/b from 100, test/a from 50, test/b from 150."""
    for split, count, first in (("train", train, 0), ("test", test, 50)):
        for i in range(count):
            plain(root / split / "a" / f"{i:03d}.png", first + i, size=size)
            plain(root / split / "b" / f"{i:03d}.jpg", 100 + first + i, size=size)
    return root


def config(path: Path | str, **settings) -> DataConfig:
    """Settings of 8x8 images, by default without augmentation and validation split."""
    values = {"size": (8, 8), "flip": "none", "validation_share": 0.0, **settings}
    return DataConfig(path=str(path), **values)


def values(batch: np.ndarray) -> list[int]:
    """Returns the value of each image of a float batch in [-1, 1]."""
    return [round((float(image.mean()) + 1) * 127.5) for image in np.asarray(batch)]
