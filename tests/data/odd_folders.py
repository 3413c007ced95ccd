"""Folders of images as people really have them: each spoils a data set in one way.

`ODD_FOLDERS` maps a name to a function that spoils `trainA` of a data set with three images of a
and two of b, and to the line that opening it must print for the split train.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.image_files import plain


def write_data_set(root: Path) -> Path:
    """Writes three images into trainA, two into trainB, and as many for the test split."""
    for split in ("train", "test"):
        for side, count in (("A", 3), ("B", 2)):
            for index in range(count):
                plain(root / f"{split}{side}" / f"{index}.png", 10 * index, size=(16, 16))
    return root


def _checkpoints(folder: Path) -> None:
    plain(folder / ".ipynb_checkpoints" / "0-checkpoint.png", 1)


def _zip_of_macos(folder: Path) -> None:
    (folder / "__MACOSX").mkdir()
    for path in (folder / "__MACOSX" / "._0.png", folder / "._0.png"):
        path.write_bytes(b"\0\5\26\7 resource fork")


def _synology(folder: Path) -> None:
    plain(folder / "@eaDir" / "0.png" / "SYNOPHOTO_THUMB_M.jpg", 1)


def _thumbnails(folder: Path) -> None:
    plain(folder / ".thumbnails" / "0.png", 1)
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")


def _linked_class(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    plain(elsewhere / "dogs" / "rex.png", 7, size=(16, 16))
    for split in (folder, folder.parent / "testA"):
        images = list(split.iterdir())
        (split / "cats").mkdir()
        for path in images:
            path.rename(split / "cats" / path.name)
    (folder / "dogs").symlink_to(elsewhere / "dogs")


def _loop(folder: Path) -> None:
    (folder / "again").symlink_to(folder)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")


def _device(folder: Path) -> None:
    (folder / "zero.png").symlink_to("/dev/zero")


def _capitals(folder: Path) -> None:
    (folder / "0.png").rename(folder / "0.PNG")
    plain(folder / "3.jpg", 3).rename(folder / "3.JPG")
    (folder / "4.HEIC").write_bytes(b"\0\0\0\30ftypheic")


def _formats(folder: Path) -> None:
    pixels = Image.fromarray(np.full((16, 16, 3), 200, np.uint8))
    pixels.save(folder / "3.jfif", "jpeg")
    pixels.save(folder / "4.tif")
    pixels.save(folder / "5.tiff")
    pixels.save(folder / "6.gif", save_all=True, append_images=[Image.new("RGB", (16, 16))])
    for name in ("7.heic", "8.heic", "9.avif"):
        (folder / name).write_bytes(b"\0\0\0\30ftyp")
    for name in ("labels.txt", "sizes.json"):
        (folder / name).write_text("{}")


def _same_name(folder: Path) -> None:
    plain(folder / "0.jpg", 1)


ODD_FOLDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "checkpoints of Jupyter": (
        _checkpoints,
        "a: 3 images, b: 2; left out: 1 hidden (trainA/.ipynb_checkpoints)",
    ),
    "a zip file of macOS": (
        _zip_of_macos,
        "a: 3 images, b: 2; left out: 2 hidden (trainA/._0.png, ...)",
    ),
    "a Synology disk": (_synology, "a: 3 images, b: 2; left out: 1 hidden (trainA/@eaDir)"),
    "thumbnails": (
        _thumbnails,
        "a: 3 images, b: 2; left out: 2 hidden (trainA/.thumbnails, ...)",
    ),
    "a linked class folder": (_linked_class, "a: 4 images, b: 2"),
    "a link that leads back": (
        _loop,
        "a: 3 images, b: 2; left out: 1 link to a folder already read (trainA/again)",
    ),
    "a named pipe": (
        _pipe,
        "a: 3 images, b: 2; left out: 1 not a regular file (trainA/pipe.png)",
    ),
    "a link to a device": (
        _device,
        "a: 3 images, b: 2; left out: 1 not a regular file (trainA/zero.png)",
    ),
    "capital endings": (_capitals, "a: 4 images, b: 2; left out: 1 .heic (trainA/4.HEIC)"),
    "many formats": (
        _formats,
        "a: 7 images, b: 2; left out: 1 .avif (trainA/9.avif), 2 .heic (trainA/7.heic, ...), "
        "2 other files (.json, .txt)",
    ),
    "two files of one name": (_same_name, "a: 4 images, b: 2"),
}


@pytest.fixture(params=list(ODD_FOLDERS))
def odd_folder(request, tmp_path):
    """One of the data sets, and the line for its split train."""
    spoil, line = ODD_FOLDERS[request.param]
    root = write_data_set(tmp_path / "data")
    spoil(root / "trainA")
    return root, f"train: {line}"
