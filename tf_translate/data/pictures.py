"""What every layout is turned into: lists of pictures, two to a split."""

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


class Pictures(Protocol):
    """One domain of one split, in a fixed order; `labels` are class names, or None without."""

    names: tuple[str, ...]
    labels: tuple[str, ...] | None

    def pick(self, positions: Sequence[int]) -> "Pictures":
        """The pictures at these positions."""

    def stamp(self) -> str:
        """Changes whenever decoding again could give something else; the cache's key."""

    def identity(self) -> str:
        """Names the same pictures on every machine."""

    def decode(self, channels: int) -> Iterator[np.ndarray]:
        """All pictures in order, each uint8 `(h, w, channels)` of its own size."""


@dataclass(frozen=True)
class PictureFile:
    """A picture file, or the left or right half of one.

    Attributes:
        path: The file.
        name: What it is called in reports and joined by; no suffix, `/` between folders.
        half: "" for the whole picture.
    """

    path: Path
    name: str
    half: Literal["", "left", "right"] = ""

    def read(self, channels: int) -> np.ndarray:
        """Decodes to uint8 `(h, w, channels)`; `DataError` names the file that cannot be."""
        pixels = images.read(self.path, channels=channels)
        if not self.half:
            return pixels
        width = pixels.shape[1]
        if width % 2:
            raise DataError(
                f"{self.path} cannot be split into equal halves a | b: it is {width} pixels wide; "
                "a side-by-side picture needs an even width"
            )
        return pixels[:, : width // 2] if self.half == "left" else pixels[:, width // 2 :]


class PictureFiles:
    """Pictures that are files and can be read in any order, with a class name each or none."""

    def __init__(self, files: Sequence[PictureFile], labels: Sequence[str] | None = None) -> None:
        self.files = tuple(files)
        self.names = tuple(file.name for file in self.files)
        self.labels = None if labels is None else tuple(labels)
        if self.labels is not None and len(self.labels) != len(self.files):
            raise ValueError(
                f"`labels` must hold one name for each of the {len(self.files)} files, "
                f"got {len(self.labels)}"
            )

    def pick(self, positions: Sequence[int]) -> "PictureFiles":
        """The pictures at these positions."""
        files = [self.files[position] for position in positions]
        return PictureFiles(files, picked(self.labels, positions))

    def stamp(self) -> str:
        """Hash of paths, sizes and times of change; missing files count as such."""
        return digest(f"{file.path.resolve()}:{file.half}:{_state(file)}" for file in self.files)

    def identity(self) -> str:
        """Hash of names and file sizes."""
        return digest(f"{file.name}:{file.half}:{_state(file).split()[0]}" for file in self.files)

    def decode(self, channels: int) -> Iterator[np.ndarray]:
        """All pictures in order; `DataError` at the first that cannot be read."""
        return (file.read(channels) for file in self.files)


@dataclass(frozen=True)
class Split:
    """Two domains of one split.

    Attributes:
        a, b: Their pictures.
        aligned: Whether picture i of `a` and picture i of `b` show the same thing.
    """

    a: Pictures
    b: Pictures
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
                f"{source.description} has labels for the pictures of {side} in "
                f"{', '.join(labelled)}, but not in {', '.join(without)}; "
                "give every picture of a domain a label, or none"
            )


def swap(source: Source) -> Source:
    """The same with a and b exchanged."""
    swapped = {name: Split(s.b, s.a, s.aligned) for name, s in source.splits.items()}
    return Source(source.description, swapped)


def carve_validation(source: Source, share: float) -> Source:
    """Holds back a share of training where there is no validation split.

    Which pictures go depends on their names alone, pairs go together, the test split is
    never touched, and at least one picture of each domain stays in training.
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
    """Hex digest of which pictures lie where, the same on every machine."""
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


def _state(file: PictureFile) -> str:
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
