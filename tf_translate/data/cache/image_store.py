"""Decoded images at one size, in memory or on disk, readable in any order."""

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

from tf_translate.data.splits import ImageFiles, Images, picked
from tf_translate.errors import DataError
from tf_translate.packages import cache_folder

MEMORY_LIMIT = 512 * 2**20  # bytes of decoded images that "auto" keeps in memory
_FORMAT = "1"  # part of the cache's key; raise it when decoding changes
_AT_ONCE = 1024  # images handed to the decoding threads: each that waits takes 1.5 KiB
Place = Literal["memory", "disk", "none"]


@dataclass(frozen=True)
class Form:
    """What every image of a store is brought to: `size` (height, width) and `channels`."""

    size: tuple[int, int]
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (*self.size, self.channels)

    def bytes_of(self, images: Images) -> int:
        """Size of a store of these images."""
        return len(images.names) * int(np.prod(self.shape))


class Store:
    """Images of one form by position.

    Attributes:
        form: Size and channels.
        names: One name a image.
        problems: Position to reason, for images that could not be decoded.
        labels: One class name a image, or None without labels.
    """

    def __init__(
        self,
        names: Sequence[str],
        form: Form,
        read: Callable[[int], np.ndarray],
        problems: dict[int, str],
        labels: Sequence[str] | None = None,
    ) -> None:
        self.names, self.form, self.problems = tuple(names), form, problems
        self.labels = None if labels is None else tuple(labels)
        self._read = read

    def __len__(self) -> int:
        return len(self.names)

    def read(self, position: int) -> np.ndarray:
        """One image, uint8 of `form.shape`."""
        return self._read(position)

    def take(self, positions: Sequence[int]) -> np.ndarray:
        """Several images, uint8 `(count, h, w, c)`."""
        if not len(positions):
            return np.zeros((0, *self.form.shape), np.uint8)
        return np.stack([self._read(int(position)) for position in positions])

    def pick(self, positions: Sequence[int]) -> "Store":
        """A view that counts only these positions; for leaving broken images out."""
        kept = [int(position) for position in positions]
        names = [self.names[position] for position in kept]
        labels = picked(self.labels, kept)
        return Store(names, self.form, lambda position: self._read(kept[position]), {}, labels)


def open_store(images: Images, form: Form, place: Place, *, progress: Callable[[], None]) -> Store:
    """Decodes all images once, or finds them decoded on disk.

    Args:
        images: What to decode.
        form: Size and channels to bring them to.
        place: Where decoded images stay; "none" only checks that each can be decoded.
        progress: Called after every image, from any thread.

    Returns:
        A store with a position for every image, the broken ones listed in `problems`.
    """
    if place == "none":
        return _decoding_store(images, form, progress)
    if place == "memory":
        pixels = np.zeros((len(images.names), *form.shape), np.uint8)
        problems = _decode(images, form, pixels, progress)
    else:
        pixels, problems = _cached(images, form, progress)
    return Store(images.names, form, pixels.__getitem__, problems, images.labels)


def _decoding_store(images: Images, form: Form, progress: Callable[[], None]) -> Store:
    if not isinstance(images, ImageFiles):
        raise DataError(
            "cache 'none' needs images that are files, but TensorFlow Datasets are read in one "
            "pass; set cache to memory, disk or auto"
        )
    problems = _decode(images, form, None, progress)
    files = images.files

    def read(position: int) -> np.ndarray:
        return files[position].formed(form.size, form.channels)

    return Store(images.names, form, read, problems, images.labels)


def _decode(
    images: Images, form: Form, pixels: np.ndarray | None, progress: Callable[[], None]
) -> dict[int, str]:
    """Fills `pixels` (or only checks); returns position to reason of what is broken."""
    if not isinstance(images, ImageFiles):
        for position, image in enumerate(images.each()):
            if pixels is not None:
                pixels[position] = image.formed(form.size, form.channels)
            progress()
        return {}
    files = images.files

    def one(position: int) -> str | None:
        try:
            if pixels is None:
                files[position].check(form.channels)
            else:
                pixels[position] = files[position].formed(form.size, form.channels)
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
            reasons = zip(positions, pool.map(one, positions), strict=True)
            problems |= {position: reason for position, reason in reasons if reason}
    finally:
        pool.shutdown(cancel_futures=True)  # so that an interrupt does not wait for all of them
    return problems


def _cached(
    images: Images, form: Form, progress: Callable[[], None]
) -> tuple[np.ndarray, dict[int, str]]:
    """Decoded images as a memory map of a file that is written whole or not at all."""
    key = hashlib.sha256(f"{_FORMAT}:{form.shape}:{images.stamp()}".encode()).hexdigest()[:32]
    path = cache_folder() / f"{key}.npy"
    notes = path.with_suffix(".json")
    if not (path.is_file() and notes.is_file()):
        try:
            _write_cache(images, form, path, notes, progress)
        except OSError as error:
            raise DataError(
                f"decoded images cannot be kept in {path.parent}: {error}; "
                "set TF_TRANSLATE_CACHE to a folder with room, or cache to memory or none"
            ) from error
    try:
        problems = json.loads(notes.read_text("utf-8"))
        # Read-only and not held in memory: the system keeps the pages that are used.
        pixels = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise DataError(f"the decoded images {path} are damaged; delete the file") from error
    return pixels, {int(position): reason for position, reason in problems.items()}


def _write_cache(
    images: Images, form: Form, path: Path, notes: Path, progress: Callable[[], None]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unique = f"{os.getpid()}.{threading.get_ident()}"
    temporary = path.with_name(f".{path.name}.{unique}")
    try:
        pixels = np.lib.format.open_memmap(
            temporary, mode="w+", dtype=np.uint8, shape=(len(images.names), *form.shape)
        )
        problems = _decode(images, form, pixels, progress)
        pixels.flush()
        del pixels
        partial = notes.with_name(f".{notes.name}.{unique}")
        partial.write_text(json.dumps(problems), "utf-8")
        partial.replace(notes)
        temporary.replace(path)  # last: where this file is, everything is
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
