"""Decoded images of one size, in memory or on disk, readable in any order."""

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tf_translate.data.splits import ImageFileList, ImageList, pick_labels
from tf_translate.errors import DataError
from tf_translate.packages import cache_folder

MEMORY_LIMIT = 512 * 2**20  # bytes of decoded images that "auto" keeps in memory
_FORMAT = "1"  # part of the cache's key; raise it when decoding changes
_AT_ONCE = 1024  # images queued for the decoding threads: each takes 1.5 KiB
CacheLocation = Literal["memory", "disk", "none"]


@dataclass(frozen=True)
class ImageFormat:
    """The format of all images of a store: `size` (height, width) and `channels`."""

    size: tuple[int, int]
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (*self.size, self.channels)

    def bytes_of(self, images: ImageList) -> int:
        """Returns the size in bytes of a store of these images."""
        return len(images.names) * int(np.prod(self.shape))


class ImageStore:
    """Images of one format, by position.

    Attributes:
        image_format: Size and channels.
        names: One name for each image.
        problems: Position -> reason, for images that could not be decoded.
        labels: One class name for each image, or None without labels.
    """

    def __init__(
        self,
        names: Sequence[str],
        image_format: ImageFormat,
        read: Callable[[int], np.ndarray],
        problems: dict[int, str],
        labels: Sequence[str] | None = None,
    ) -> None:
        self.names, self.image_format, self.problems = tuple(names), image_format, problems
        self.labels = None if labels is None else tuple(labels)
        self._read = read

    def __len__(self) -> int:
        return len(self.names)

    def read(self, position: int) -> np.ndarray:
        """Returns one image, uint8 of `image_format.shape`."""
        return self._read(position)

    def take(self, positions: Sequence[int]) -> np.ndarray:
        """Returns several images, uint8 `(count, h, w, c)`."""
        if not len(positions):
            return np.zeros((0, *self.image_format.shape), np.uint8)
        return np.stack([self._read(int(position)) for position in positions])

    def pick(self, positions: Sequence[int]) -> "ImageStore":
        """Returns a view of only these positions, for example without damaged images."""
        selected = [int(position) for position in positions]
        names = [self.names[position] for position in selected]
        labels = pick_labels(self.labels, selected)
        return ImageStore(
            names, self.image_format, lambda position: self._read(selected[position]), {}, labels
        )


def open_image_store(
    images: ImageList,
    image_format: ImageFormat,
    location: CacheLocation,
    *,
    progress: Callable[[], None],
) -> ImageStore:
    """Decodes all images once, or opens the decoded images on disk.

    Args:
        images: The images to decode.
        image_format: Size and channels of the decoded images.
        location: Where to store decoded images; "none" only checks that each can be decoded.
        progress: Called after every image, from any thread.

    Returns:
        A store with a position for every image. Damaged images are listed in `problems`.
    """
    if location == "none":
        return _open_uncached(images, image_format, progress)
    if location == "memory":
        pixels = np.zeros((len(images.names), *image_format.shape), np.uint8)
        problems = _decode(images, image_format, pixels, progress)
    else:
        pixels, problems = _open_cache(images, image_format, progress)
    return ImageStore(images.names, image_format, pixels.__getitem__, problems, images.labels)


def _open_uncached(
    images: ImageList, image_format: ImageFormat, progress: Callable[[], None]
) -> ImageStore:
    if not isinstance(images, ImageFileList):
        raise DataError(
            "cache 'none' needs images that are files, but TensorFlow Datasets are read in one "
            "pass; set cache to memory, disk or auto"
        )
    problems = _decode(images, image_format, None, progress)
    files = images.files

    def read(position: int) -> np.ndarray:
        return files[position].decode_resized(image_format.size, image_format.channels)

    return ImageStore(images.names, image_format, read, problems, images.labels)


def _decode(
    images: ImageList,
    image_format: ImageFormat,
    pixels: np.ndarray | None,
    progress: Callable[[], None],
) -> dict[int, str]:
    """Fills `pixels` (or only checks); returns position -> reason for damaged images."""
    if not isinstance(images, ImageFileList):
        for position, image in enumerate(images.iterate()):
            if pixels is not None:
                pixels[position] = image.decode_resized(image_format.size, image_format.channels)
            progress()
        return {}
    files = images.files

    def decode_one(position: int) -> str | None:
        try:
            if pixels is None:
                files[position].check(image_format.channels)
            else:
                pixels[position] = files[position].decode_resized(
                    image_format.size, image_format.channels
                )
        except DataError as error:
            return str(error)
        finally:
            progress()
        return None

    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))  # Pillow decodes without the GIL
    problems: dict[int, str] = {}
    try:
        for first in range(0, len(files), _AT_ONCE):
            positions = range(first, min(first + _AT_ONCE, len(files)))
            reasons = zip(positions, pool.map(decode_one, positions), strict=True)
            problems |= {position: reason for position, reason in reasons if reason}
    finally:
        pool.shutdown(cancel_futures=True)  # so that an interrupt does not wait for all of them
    return problems


def _open_cache(
    images: ImageList, image_format: ImageFormat, progress: Callable[[], None]
) -> tuple[np.ndarray, dict[int, str]]:
    """Returns decoded images as a memory map of a file, which is written atomically."""
    key = hashlib.sha256(
        f"{_FORMAT}:{image_format.shape}:{images.cache_key()}".encode()
    ).hexdigest()[:32]
    path = cache_folder() / f"{key}.npy"
    problems_path = path.with_suffix(".json")
    if not (path.is_file() and problems_path.is_file()):
        try:
            _write_cache(images, image_format, path, problems_path, progress)
        except OSError as error:
            raise DataError(
                f"decoded images cannot be stored in {path.parent}: {error}; "
                "set TF_TRANSLATE_CACHE to a folder with enough space, or cache to memory or none"
            ) from error
    try:
        problems = json.loads(problems_path.read_text("utf-8"))
        # Mapped read-only, not loaded: the system keeps the pages in use in memory.
        pixels = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise DataError(f"the decoded images {path} are damaged; delete the file") from error
    return pixels, {int(position): reason for position, reason in problems.items()}


def _write_cache(
    images: ImageList,
    image_format: ImageFormat,
    path: Path,
    problems_path: Path,
    progress: Callable[[], None],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unique = f"{os.getpid()}.{threading.get_ident()}"
    temporary = path.with_name(f".{path.name}.{unique}")
    try:
        pixels = np.lib.format.open_memmap(
            temporary, mode="w+", dtype=np.uint8, shape=(len(images.names), *image_format.shape)
        )
        problems = _decode(images, image_format, pixels, progress)
        pixels.flush()
        del pixels
        partial = problems_path.with_name(f".{problems_path.name}.{unique}")
        partial.write_text(json.dumps(problems), "utf-8")
        partial.replace(problems_path)
        temporary.replace(path)  # Last: if this file exists, the cache is complete.
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
