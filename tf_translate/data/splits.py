"""What every layout is turned into: lists of images, two to a split."""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from tf_translate import images
from tf_translate.errors import DataError

SPLITS = ("train", "validation", "test")


class Images(Protocol):
    """One domain of one split, in a fixed order; `labels` are class names, or None without."""

    names: tuple[str, ...]
    labels: tuple[str, ...] | None

    def pick(self, positions: Sequence[int]) -> "Images":
        """The images at these positions."""

    def stamp(self) -> str:
        """Changes whenever decoding again could give something else; the cache's key."""

    def identity(self) -> str:
        """Names the same images on every machine."""

    def each(self) -> Iterator["Shown"]:
        """All images in order."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A image file, or the left or right half of one; small, as there may be millions.

    Attributes:
        file: The file's path.
        name: What it is called in reports and joined by; no suffix, `/` between folders.
        half: "" for the whole image.
    """

    file: str
    name: str
    half: Literal["", "left", "right"] = ""

    @property
    def path(self) -> Path:
        """The file; a path takes several times the memory of its text."""
        return Path(self.file)

    def contents(self) -> bytes:
        """The file's bytes; `DataError` if it is missing or empty."""
        return images.contents(self.file)

    def decode(self, contents: bytes, channels: int) -> np.ndarray:
        """Uint8 `(h, w, channels)` of these bytes; `DataError` names the file that cannot be."""
        pixels = images.decode(contents, channels=channels, origin=self.file)
        return half_of(pixels, self.half, self.file)

    def read(self, channels: int) -> np.ndarray:
        """Decodes to uint8 `(h, w, channels)`; `DataError` names the file that cannot be."""
        return self.decode(self.contents(), channels)

    def formed(self, size: tuple[int, int], channels: int) -> np.ndarray:
        """As `read`, brought to a size (height, width)."""
        return images.resize(self.read(channels), size)

    def check(self, channels: int) -> None:
        """Raises `DataError` if the file cannot be decoded."""
        self.read(channels)

    def stamp(self) -> str:
        """Path, size and time of change."""
        return f"{self.path.resolve()}:{self.half}:{_state(self)}"

    def identity(self) -> str:
        """Name and size."""
        return identity_of(self.name, self.half, _state(self).split()[0])


class Shown(Protocol):
    """A image at hand."""

    @property
    def name(self) -> str:
        """What it is called in reports and joined by."""

    def contents(self) -> bytes:
        """Bytes of a image file, not decoded; `DataError` says why they cannot be had."""

    def decode(self, contents: bytes, channels: int) -> np.ndarray:
        """Uint8 `(h, w, channels)` of its own size from its contents; `DataError` if broken."""

    def formed(self, size: tuple[int, int], channels: int) -> np.ndarray:
        """Uint8 `(*size, channels)`; `DataError` says why it cannot be had."""


class Image(Shown, Protocol):
    """A image that can be read at any time, as `ImageFile` is."""

    def check(self, channels: int) -> None:
        """Raises `DataError` if it is known to be broken, or found to be."""

    def stamp(self) -> str:
        """Changes whenever decoding again could give something else."""

    def identity(self) -> str:
        """Names the same image on every machine."""


class ImageFiles:
    """Images that can be read in any order, with a class name each or none."""

    def __init__(self, files: Sequence[Image], labels: Sequence[str] | None = None) -> None:
        self.files = tuple(files)
        self.names = tuple(file.name for file in self.files)
        self.labels = None if labels is None else tuple(labels)
        if self.labels is not None and len(self.labels) != len(self.files):
            raise ValueError(
                f"`labels` must hold one name for each of the {len(self.files)} files, "
                f"got {len(self.labels)}"
            )

    def pick(self, positions: Sequence[int]) -> "ImageFiles":
        """The images at these positions."""
        files = [self.files[position] for position in positions]
        return ImageFiles(files, picked(self.labels, positions))

    def stamp(self) -> str:
        """Hash of paths, sizes and times of change; missing files count as such."""
        return digest(file.stamp() for file in self.files)

    def identity(self) -> str:
        """Hash of names and file sizes."""
        return digest(file.identity() for file in self.files)

    def each(self) -> Iterator[Image]:
        """All images in order."""
        return iter(self.files)


@dataclass(frozen=True)
class Split:
    """Two domains of one split.

    Attributes:
        a, b: Their images.
        aligned: Whether image i of `a` and image i of `b` show the same thing.
    """

    a: Images
    b: Images
    aligned: bool


@dataclass(frozen=True)
class Source:
    """A data set as found.

    Attributes:
        description: What it is, for messages.
        splits: By name, in the order of `SPLITS`; always a "train".
    """

    description: str
    splits: dict[str, Split]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all labels of both domains, numbers sorted as such; empty without labels."""
        sides = [side for split in self.splits.values() for side in (split.a, split.b)]
        return tuple(sorted({name for side in sides for name in side.labels or ()}, key=_rank))


def picked(labels: Sequence[str] | None, positions: Sequence[int]) -> list[str] | None:
    """The labels at these positions, None if there are none."""
    return None if labels is None else [labels[position] for position in positions]


def check_labels(source: Source) -> None:
    """Raises `DataError` where a domain has labels in some splits only."""
    for side in "ab":
        known = {name: getattr(split, side).labels for name, split in source.splits.items()}
        without = [name for name, labels in known.items() if labels is None]
        if without and len(without) < len(known):
            labelled = [name for name in known if name not in without]
            raise DataError(
                f"{source.description} has labels for the images of {side} in "
                f"{', '.join(labelled)}, but not in {', '.join(without)}; "
                "give every image of a domain a label, or none"
            )


def swap(source: Source) -> Source:
    """The same with a and b exchanged."""
    swapped = {name: Split(s.b, s.a, s.aligned) for name, s in source.splits.items()}
    return Source(source.description, swapped)


def carve_validation(source: Source, share: float) -> Source:
    """Holds back a share of training where there is no validation split.

    Which images go depends on their names alone, pairs go together, the test split is
    never touched, and at least one image of each domain stays in training.
    """
    train = source.splits["train"]
    if "validation" in source.splits or share == 0:
        return source
    held_a = held_back(train.a.names, share, "a")
    held_b = held_a if train.aligned else held_back(train.b.names, share, "b")
    if not held_a or not held_b:
        return source
    splits = {
        "train": _choose(train, held_a, held_b, keep=False),
        "validation": _choose(train, held_a, held_b, keep=True),
        **{name: split for name, split in source.splits.items() if name != "train"},
    }
    return Source(source.description, splits)


def held_back(names: Sequence[str], share: float, salt: str) -> set[int]:
    """Positions of a share of names, chosen by hashes of them; at least 1, never all."""
    count = min(max(1, round(share * len(names))), len(names) - 1)
    by_hash = sorted(range(len(names)), key=lambda i: digest([salt, names[i]]))
    return set(by_hash[:count])


def _choose(split: Split, held_a: set[int], held_b: set[int], *, keep: bool) -> Split:
    a = [i for i in range(len(split.a.names)) if (i in held_a) == keep]
    b = [i for i in range(len(split.b.names)) if (i in held_b) == keep]
    return Split(split.a.pick(a), split.b.pick(b), split.aligned)


def digest_of(source: Source, *extra: str) -> str:
    """Hex digest of which images lie where, the same on every machine."""
    parts = [
        f"{name}:{split.aligned}:{split.a.identity()}:{split.b.identity()}"
        for name, split in source.splits.items()
    ]
    labels = [
        f"{name}:{digest(side.labels)}"
        for name, split in source.splits.items()
        for side in (split.a, split.b)
        if side.labels is not None
    ]
    return digest([*parts, *extra, *labels])


def listing(lines: Sequence[str], *, most: int = 20, show: Callable[[str], str] = str) -> str:
    """Lines for a message, the first `most` of them and how many more there are."""
    shown = "".join(f"\n  {show(line)}" for line in lines[:most])
    return shown + (f"\n  and {len(lines) - most} more" if len(lines) > most else "")


def _rank(name: str) -> tuple[bool, float, str]:
    try:
        number = float(name)
    except ValueError:
        number = math.nan
    return (False, number, name) if math.isfinite(number) else (True, 0.0, name)


def half_of(pixels: np.ndarray, half: str, origin: object) -> np.ndarray:
    """The "left" or "right" half of pixels `(h, w, c)`, or all of them for "".

    Raises:
        DataError: If the width is odd; it names where they are from.
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


def identity_of(name: str, half: str, size: object) -> str:
    """What a file is known by on every machine: its name, half, and bytes or "missing"."""
    return f"{name}:{half}:{size}"


def _state(file: ImageFile) -> str:
    try:
        state = file.path.stat()
    except OSError:
        return "missing"
    return f"{state.st_size} {state.st_mtime_ns}"


def digest(parts: Sequence[str] | Iterator[str]) -> str:
    """Hex digest of texts in order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
