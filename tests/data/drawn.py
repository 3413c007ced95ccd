"""Small images on disk, each of one value so that it can be told in a batch."""

from pathlib import Path

import numpy as np
from PIL import Image

from tf_translate.config.data import DataConfig


def plain(path: Path, value: int, *, size=(8, 8), channels: int = 3) -> Path:
    """Writes a image that is `value` everywhere (alpha too)."""
    shape = size if channels == 1 else (*size, channels)
    return save(path, np.full(shape, value, np.uint8))


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))
    return path


def ab_folders(root: Path, *, train_a=5, train_b=3, test=2, size=(8, 8)) -> Path:
    """trainA 0, 1, ...; trainB 100, 101, ...; testA 50, ...; testB 150, ..."""
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
    """train/a 0, 1, ... beside train/b 100, 101, ...; test/a 50, ... beside test/b 150, ..."""
    for split, count, first in (("train", train, 0), ("test", test, 50)):
        for i in range(count):
            plain(root / split / "a" / f"{i:03d}.png", first + i, size=size)
            plain(root / split / "b" / f"{i:03d}.jpg", 100 + first + i, size=size)
    return root


def config(path: Path | str, **settings) -> DataConfig:
    """8x8, no augmentation and no validation split unless said otherwise."""
    chosen = {"size": (8, 8), "flip": "none", "validation_share": 0.0, **settings}
    return DataConfig(path=str(path), **chosen)


def values(batch: np.ndarray) -> list[int]:
    """The value of each image of a float batch in [-1, 1]."""
    return [round((float(image.mean()) + 1) * 127.5) for image in np.asarray(batch)]
