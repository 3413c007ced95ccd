"""Decoded images of one size, in memory or on disk, readable in any order."""

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from tf_translate.atomic_files import write_text_atomically
from tf_translate.data.image_format import ImageFormat
from tf_translate.data.splits import ImageFileList, ImageList, pick_labels
from tf_translate.errors import DataError
from tf_translate.image_notices import Notices, collect_notices
from tf_translate.packages import cache_folder

MEMORY_LIMIT = 512 * 2**20  # bytes of decoded images that "auto" keeps in memory
_FORMAT = "2"  # part of the cache's key; raise it when decoding changes
_AT_ONCE = 1024  # images queued for the decoding threads: each takes 1.5 KiB
CacheLocation = Literal["memory", "disk", "none"]


class ImageStore:
    """Images of one format, by position.

    Attributes:
        image_format: Size and channels, and how images were decoded to them.
        names: One name for each image.
        problems: Position -> reason, for images that could not be decoded.
        notices: What was noticed while the images were decoded, damaged ones included.
        labels: One class name for each image, or None without labels.
    """

    def __init__(
        self,
        names: Sequence[str],
        image_format: ImageFormat,
        read: Callable[[int], np.ndarray],
        problems: dict[int, str],
        labels: Sequence[str] | None = None,
        notices: Notices | None = None,
    ) -> None:
        self.names, self.image_format, self.problems = tuple(names), image_format, problems
        self.notices = notices or Notices()
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
            names,
            self.image_format,
            lambda position: self._read(selected[position]),
            {},
            labels,
            self.notices,
        )


def notices_of(stores: Iterable[ImageStore]) -> Notices:
    """Returns what was noticed while the images of several stores were decoded."""
    notices = Notices()
    for store in stores:
        notices.update(store.notices)
    return notices


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
        image_format: Size and channels of the decoded images, and how they are decoded.
        location: Where to store decoded images; "none" only checks that each can be decoded.
        progress: Called after every image, from any thread.

    Returns:
        A store with a position for every image. Damaged images are listed in `problems`.
    """
    if location == "none":
        return _open_uncached(images, image_format, progress)
    if location == "memory":
        pixels = np.zeros((len(images.names), *image_format.shape), np.uint8)
        problems, notices = _decode(images, image_format, pixels, progress)
    else:
        pixels, problems, notices = _open_cache(images, image_format, progress)
    return ImageStore(
        images.names, image_format, pixels.__getitem__, problems, images.labels, notices
    )


def _open_uncached(
    images: ImageList, image_format: ImageFormat, progress: Callable[[], None]
) -> ImageStore:
    if not isinstance(images, ImageFileList):
        raise DataError(
            "cache 'none' needs images that are files, but TensorFlow Datasets are read in one "
            "pass; set cache to memory, disk or auto"
        )
    problems, notices = _decode(images, image_format, None, progress)
    files = images.files

    def read(position: int) -> np.ndarray:
        return files[position].decode_resized(image_format)

    return ImageStore(images.names, image_format, read, problems, images.labels, notices)


def _decode(
    images: ImageList,
    image_format: ImageFormat,
    pixels: np.ndarray | None,
    progress: Callable[[], None],
) -> tuple[dict[int, str], Notices]:
    """Fills `pixels`, or only checks; returns position -> reason of damaged images, and notices."""
    notices = Notices()
    if not isinstance(images, ImageFileList):
        with collect_notices(notices):
            for position, image in enumerate(images.iterate()):
                if pixels is not None:
                    pixels[position] = image.decode_resized(image_format)
                progress()
        return {}, notices
    files = images.files

    def decode_one(position: int) -> str | None:
        try:
            with collect_notices(notices):
                if pixels is None:
                    files[position].check(image_format)
                else:
                    pixels[position] = files[position].decode_resized(image_format)
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
    return problems, notices


def _open_cache(
    images: ImageList, image_format: ImageFormat, progress: Callable[[], None]
) -> tuple[np.ndarray, dict[int, str], Notices]:
    """Returns decoded images as a memory map of a file, which is written atomically."""
    key = hashlib.sha256(
        f"{_FORMAT}:{image_format.key()}:{images.cache_key()}".encode()
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
        found = json.loads(problems_path.read_text("utf-8"))
        problems = {int(position): reason for position, reason in found["problems"].items()}
        notices = Notices.from_json(found["notices"])
        # Mapped read-only, not loaded: the system keeps the pages in use in memory.
        pixels = np.load(path, mmap_mode="r")
    except (ValueError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"the decoded images {path} are damaged; delete the file") from error
    return pixels, problems, notices


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
        problems, notices = _decode(images, image_format, pixels, progress)
        pixels.flush()
        del pixels
        found = {"problems": problems, "notices": notices.to_json()}
        write_text_atomically(problems_path, json.dumps(found))
        temporary.replace(path)  # Last: if this file exists, the cache is complete.
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
