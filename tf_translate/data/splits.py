"""Lists of images, and the splits of two domains that every layout is read into."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from tf_translate import images
from tf_translate.data.image_format import ImageFormat
from tf_translate.errors import DataError
from tf_translate.image_decoding import decode
from tf_translate.image_files import LeftOut

SPLITS = ("train", "validation", "test")


class ImageList(Protocol):
    """The images of one domain of one split, in a fixed order.

    `labels` holds a class name for each image, or is None.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...] | None

    def pick(self, positions: Sequence[int]) -> "ImageList":
        """Returns the images at these positions."""

    def cache_key(self) -> str:
        """Returns a key that changes whenever decoding could give other pixels."""

    def fingerprint(self) -> str:
        """Identifies the images on every machine."""

    def fingerprints(self) -> list[str]:
        """Identifies each image by itself, on every machine."""

    def iterate(self) -> Iterator["EncodedImage"]:
        """Yields all images in order."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image file, or its left or right half. Kept small, as there may be millions.

    Attributes:
        file: Path of the file.
        name: Name in reports, and key for matching pairs; no suffix, `/` between folders.
        half: "" for the whole image.
    """

    file: str
    name: str
    half: Literal["", "left", "right"] = ""

    @property
    def path(self) -> Path:
        """The path of the file. It is not stored, as a Path takes more memory than text."""
        return Path(self.file)

    def read_bytes(self) -> bytes:
        """Returns the bytes of the file; `DataError` if it is missing or empty."""
        return images.read_bytes(self.file)

    def decode(self, contents: bytes, channels: int, white_level: int | None = None) -> np.ndarray:
        """Decodes these bytes to uint8 `(h, w, channels)`; a `DataError` names the file."""
        pixels = decode(contents, channels=channels, origin=self.file, white_level=white_level)
        return take_half(pixels, self.half, self.file)

    def read(self, channels: int, white_level: int | None = None) -> np.ndarray:
        """Reads and decodes to uint8 `(h, w, channels)`; a `DataError` names the file."""
        return self.decode(self.read_bytes(), channels, white_level)

    def decode_resized(self, image_format: ImageFormat) -> np.ndarray:
        """Reads, decodes and resizes to a format."""
        return image_format.fit(
            self.read(image_format.channels, image_format.white_level), self.file
        )

    def check(self, image_format: ImageFormat) -> None:
        """Raises `DataError` if the file cannot be decoded."""
        pixels = self.read(image_format.channels, image_format.white_level)
        image_format.notice_changes(pixels, self.file)

    def cache_key(self) -> str:
        """Joins path, file size and modification time."""
        return f"{self.path.resolve()}:{self.half}:{_size_and_time(self)}"

    def fingerprint(self) -> str:
        """Joins name, half and file size."""
        return file_fingerprint(self.name, self.half, _size_and_time(self).split()[0])


class EncodedImage(Protocol):
    """An image whose encoded bytes can be read."""

    @property
    def name(self) -> str:
        """Name in reports, and key for matching pairs."""

    def read_bytes(self) -> bytes:
        """Returns the bytes of an image file, not decoded; `DataError` if that fails."""

    def decode(self, contents: bytes, channels: int, white_level: int | None = None) -> np.ndarray:
        """Decodes its bytes to uint8 `(h, w, channels)`; `DataError` if they are damaged."""

    def decode_resized(self, image_format: ImageFormat) -> np.ndarray:
        """Decodes and resizes to uint8 of `image_format.shape`; `DataError` if that fails."""


class RandomAccessImage(EncodedImage, Protocol):
    """An image that can be read at any time and in any order, such as an `ImageFile`."""

    def check(self, image_format: ImageFormat) -> None:
        """Raises `DataError` if the image cannot be decoded."""

    def cache_key(self) -> str:
        """Returns a key that changes whenever decoding could give other pixels."""

    def fingerprint(self) -> str:
        """Identifies the image on every machine."""


class ImageFileList:
    """Images that can be read in any order, all with class names or none."""

    def __init__(
        self, files: Sequence[RandomAccessImage], labels: Sequence[str] | None = None
    ) -> None:
        self.files = tuple(files)
        self.names = tuple(file.name for file in self.files)
        self.labels = None if labels is None else tuple(labels)
        if self.labels is not None and len(self.labels) != len(self.files):
            raise ValueError(
                f"`labels` must hold one name for each of the {len(self.files)} files, "
                f"got {len(self.labels)}"
            )

    def pick(self, positions: Sequence[int]) -> "ImageFileList":
        """Returns the images at these positions."""
        files = [self.files[position] for position in positions]
        return ImageFileList(files, pick_labels(self.labels, positions))

    def cache_key(self) -> str:
        """Hashes paths, sizes and modification times; missing files are hashed as missing."""
        return digest(file.cache_key() for file in self.files)

    def fingerprint(self) -> str:
        """Hashes names and file sizes."""
        return digest(self.fingerprints())

    def fingerprints(self) -> list[str]:
        """Joins name and file size of each image."""
        return [file.fingerprint() for file in self.files]

    def iterate(self) -> Iterator[RandomAccessImage]:
        """Yields all images in order."""
        return iter(self.files)


class JoinedImages:
    """The images of several lists, one list after the other.

    Args:
        parts: The lists, either all with class names or all without.
    """

    def __init__(self, parts: Sequence[ImageList]) -> None:
        self.parts = tuple(parts)
        self.names = tuple(name for part in parts for name in part.names)
        self.labels = _join_labels(parts)

    def pick(self, positions: Sequence[int]) -> ImageList:
        """Returns the images at these positions, which must ascend."""
        picked, start = [], 0
        for part in self.parts:
            end = start + len(part.names)
            inside = [position - start for position in positions if start <= position < end]
            picked += [part.pick(inside)] if inside else []
            start = end
        return JoinedImages(picked)

    def cache_key(self) -> str:
        """Hashes the keys of the lists."""
        return digest(part.cache_key() for part in self.parts)

    def fingerprint(self) -> str:
        """Hashes the fingerprints of the lists."""
        return digest(part.fingerprint() for part in self.parts)

    def fingerprints(self) -> list[str]:
        """The fingerprint of each image."""
        return [one for part in self.parts for one in part.fingerprints()]

    def iterate(self) -> Iterator[EncodedImage]:
        """Yields all images in order."""
        for part in self.parts:
            yield from part.iterate()


def join_images(parts: Sequence[ImageList]) -> ImageList:
    """Joins lists of images in order; lists of files become one of files."""
    of_files = [part for part in parts if isinstance(part, ImageFileList)]
    if len(of_files) == len(parts):
        files = [file for part in of_files for file in part.files]
        return ImageFileList(files, _join_labels(parts))
    return parts[0] if len(parts) == 1 else JoinedImages(parts)


def _join_labels(parts: Sequence[ImageList]) -> tuple[str, ...] | None:
    labels = tuple(label for part in parts for label in part.labels or ())
    return labels or None


@dataclass(frozen=True)
class Split:
    """Two domains of one split.

    Attributes:
        a, b: The images of each domain.
        aligned: Whether image i of `a` and image i of `b` are a pair.
        groups: For each image of a and of b what must stay in one split, such as a person; None if
            each image stands for itself.
    """

    a: ImageList
    b: ImageList
    aligned: bool
    groups: tuple[Sequence[str], Sequence[str]] | None = None


@dataclass(frozen=True)
class DomainSource:
    """A data set of two domains before decoding.

    Attributes:
        description: Name of the data set in messages.
        splits: Split name -> images, in the order of `SPLITS`; always has "train".
        left_out: Split name -> what was left out of its folders; empty if nothing was searched.
        notes: What else the user should know about the data set, one line each.
    """

    description: str
    splits: dict[str, Split]
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names of both domains; numbers sort by value. Empty without labels."""
        sides = [side for split in self.splits.values() for side in (split.a, split.b)]
        return tuple(sorted({name for side in sides for name in side.labels or ()}, key=_sort_key))


def pick_labels(labels: Sequence[str] | None, positions: Sequence[int]) -> list[str] | None:
    """Returns the labels at these positions, or None without labels."""
    return None if labels is None else [labels[position] for position in positions]


def check_labels(source: DomainSource) -> None:
    """Raises `DataError` if a domain has labels in only some of the splits."""
    for side in "ab":
        labels_by_split = {
            name: getattr(split, side).labels for name, split in source.splits.items()
        }
        without = [name for name, labels in labels_by_split.items() if labels is None]
        if without and len(without) < len(labels_by_split):
            labelled = [name for name in labels_by_split if name not in without]
            raise DataError(
                f"{source.description} has labels for the images of {side} in "
                f"{', '.join(labelled)}, but not in {', '.join(without)}; "
                "give every image of a domain a label, or none"
            )


def swap_domains(source: DomainSource) -> DomainSource:
    """Returns the data set with a and b exchanged."""
    swapped = {name: Split(s.b, s.a, s.aligned) for name, s in source.splits.items()}
    return replace(source, splits=swapped)


def hold_out_validation(source: DomainSource, fraction: float) -> DomainSource:
    """Moves a fraction of the training images to validation if there is no validation split.

    Each image or group is chosen by its name alone, see `choose_held_out`. Pairs move together, and
    the test split stays as it is. Nothing is held out if that would leave no image of a domain in
    training or in validation, as with a domain of a single image.
    """
    train = source.splits["train"]
    if "validation" in source.splits or fraction == 0:
        return source
    if train.groups is not None:
        held_a, held_b = _hold_out_groups(*train.groups, fraction)
    else:
        held_a = choose_held_out(train.a.names, fraction, "a")
        held_b = held_a if train.aligned else choose_held_out(train.b.names, fraction, "b")
    if not 0 < len(held_a) < len(train.a.names) or not 0 < len(held_b) < len(train.b.names):
        return source
    splits = {
        "train": _select(train, held_a, held_b, keep=False),
        "validation": _select(train, held_a, held_b, keep=True),
        **{name: split for name, split in source.splits.items() if name != "train"},
    }
    return replace(source, splits=splits)


def choose_held_out(names: Sequence[str], fraction: float, salt: str) -> set[int]:
    """Chooses positions of names to hold out: those whose hash, in [0, 1), is below `fraction`.

    A name is held out whatever other names there are, so that images that are added or removed
    move no other image between training and validation. One exception keeps both from being
    empty: the name with the smallest hash is always held out, and that with the largest never.
    Equal names, such as those of one group, stay together. None is held out if all are equal.
    """
    hashes = [_unit_hash(salt, name) for name in names]
    smallest, largest = min(hashes, default=0.0), max(hashes, default=0.0)
    return {
        position
        for position, value in enumerate(hashes)
        if (value < fraction or value == smallest) and value != largest
    }


def _hold_out_groups(
    groups_a: Sequence[str], groups_b: Sequence[str], fraction: float
) -> tuple[set[int], set[int]]:
    """Chooses positions of both domains; a group of both is held out in both or in none."""
    held = choose_held_out([*groups_a, *groups_b], fraction, "a")
    count = len(groups_a)
    return {i for i in held if i < count}, {i - count for i in held if i >= count}


def _unit_hash(salt: str, name: str) -> float:
    """A hash of a name as a number in [0, 1), equal on every machine."""
    return int(digest([salt, name])[:13], 16) / 16**13  # 52 bits, exact in float64


def _select(split: Split, held_a: set[int], held_b: set[int], *, keep: bool) -> Split:
    a = [i for i in range(len(split.a.names)) if (i in held_a) == keep]
    b = [i for i in range(len(split.b.names)) if (i in held_b) == keep]
    return Split(split.a.pick(a), split.b.pick(b), split.aligned)


def fingerprint_source(source: DomainSource, *extra: str) -> str:
    """Hashes which images are in which split and domain; equal on every machine."""
    parts = [
        f"{name}:{split.aligned}:{split.a.fingerprint()}:{split.b.fingerprint()}"
        for name, split in source.splits.items()
    ]
    labels = [
        f"{name}:{digest(side.labels)}"
        for name, split in source.splits.items()
        for side in (split.a, split.b)
        if side.labels is not None
    ]
    return digest([*parts, *extra, *labels])


def format_list(lines: Sequence[str], *, most: int = 20, show: Callable[[str], str] = str) -> str:
    """Formats lines for a message: the first `most` of them and how many more there are."""
    first_lines = "".join(f"\n  {show(line)}" for line in lines[:most])
    return first_lines + (f"\n  and {len(lines) - most} more" if len(lines) > most else "")


def _sort_key(name: str) -> tuple[bool, float, str]:
    try:
        value = float(name)
    except ValueError:
        value = math.nan
    return (False, value, name) if math.isfinite(value) else (True, 0.0, name)


def take_half(pixels: np.ndarray, half: str, origin: object) -> np.ndarray:
    """Returns the "left" or "right" half of pixels `(h, w, c)`, or all of them for "".

    Raises:
        DataError: If the width is odd. The message names `origin`.
    """
    if not half:
        return pixels
    width = pixels.shape[1]
    if width % 2:
        raise DataError(
            f"{origin} cannot be split into equal halves a | b: it is {width} pixels wide; "
            "a side-by-side image needs an even width"
        )
    return pixels[:, : width // 2] if half == "left" else pixels[:, width // 2 :]


def file_fingerprint(name: str, half: str, size: object) -> str:
    """Joins what identifies a file on every machine: name, half, and size or "missing"."""
    return f"{name}:{half}:{size}"


def _size_and_time(file: ImageFile) -> str:
    try:
        status = file.path.stat()
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def digest(parts: Sequence[str] | Iterator[str]) -> str:
    """Returns the hex digest of texts in order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def list_names(names: Sequence[str]) -> str:
    """Formats names for a message: the first 12 and how many more there are."""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(map(str, names[:12])) + more
