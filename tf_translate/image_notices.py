"""Counts what is noticed while images are decoded: one sentence for each kind, not each image."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Literal, get_args

Kind = Literal["deep", "deep_colour", "clipped", "float", "converted", "profile", "exif"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_DARK = 2**14  # a 16-bit image below a quarter of its range looks black


class Notices:
    """Counts by kind, each with the first file and the highest level. Safe in several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[Kind, tuple[int, str, int]] = {}  # count, first file, highest level

    def add(self, kind: Kind, origin: str, level: int = 0, count: int = 1) -> None:
        """Counts something that was noticed.

        Args:
            kind: "deep": an image of 16 bits; "deep_colour": one with 16 bits in each of several
                channels; "clipped": one with levels above the white level;
                "float": floats in [0, 1] were scaled; "converted": its colour profile was
                converted to sRGB; "profile": its profile cannot be used; "exif": its EXIF data
                cannot be read.
            origin: Name of the file.
            level: Its highest level, for "deep", "deep_colour" and "clipped".
            count: Number of images.
        """
        with self._lock:
            before, first, highest = self._found.get(kind, (0, origin, 0))
            self._found[kind] = (before + count, first, max(highest, level))

    def update(self, other: "Notices") -> None:
        """Adds the counts of another."""
        for kind, (count, first, level) in other._found.items():
            self.add(kind, first, level, count)

    def to_json(self) -> dict[str, Any]:
        """Returns the counts as JSON values."""
        return {kind: list(found) for kind, found in self._found.items()}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "Notices":
        """Restores counts; ValueError or TypeError if the values are others."""
        notices = Notices()
        for kind, (count, first, level) in values.items():
            notices.add(_KINDS[_KINDS.index(kind)], str(first), int(level), int(count))
        return notices

    def sentences(self, white_level: str = "data.white_level") -> tuple[str, ...]:
        """Formats one sentence for each kind.

        Args:
            white_level: Name of the setting or option for the level of white.
        """
        return tuple(
            sentence
            for kind in _KINDS
            if kind in self._found
            if (sentence := _sentence(kind, *self._found[kind], white_level))
        )


def _sentence(kind: Kind, count: int, first: str, level: int, white_level: str) -> str | None:
    one = count == 1
    who = first if one else f"{count:,} images, such as {first},"
    if kind == "deep":
        if level >= _DARK:
            return None
        return (
            f"{who} {'uses' if one else 'use at most'} {level:,} of 65,535 levels, so "
            f"{'it is' if one else 'they are'} dark; if white is a lower level, set {white_level}, "
            "for example 4095 for 12 bits"
        )
    if kind == "deep_colour":
        if level >= _DARK:
            return None
        return (
            f"{who} {'uses' if one else 'use'} at most {level:,} of 65,535 levels in each channel, "
            f"so {'it is' if one else 'they are'} dark; convert such images to 8 bits first"
        )
    if kind == "clipped":
        return (
            f"{who} {'has' if one else 'have'} levels up to {level:,}, which are clipped to "
            f"{white_level}"
        )
    if kind == "float":
        return f"{who} {'holds' if one else 'hold'} floats in [0, 1], which are scaled to 0 to 255"
    if kind == "converted":
        return (
            f"{who} {'has' if one else 'have'} a colour profile and {_was(one)} converted to sRGB"
        )
    if kind == "profile":
        return (
            f"{who} {'has' if one else 'have'} a colour profile that is broken or does not fit; "
            "its colours are kept as they are stored"
        )
    return (
        f"{who} {'has' if one else 'have'} EXIF data that cannot be read; "
        f"{'it is' if one else 'they are'} used as stored, without rotation"
    )


def _was(one: bool) -> str:
    return "was" if one else "were"


_collector: ContextVar[Notices | None] = ContextVar("image_notices", default=None)


@contextlib.contextmanager
def collect_notices(into: Notices) -> Iterator[None]:
    """Collects what is noticed in this block, in this thread. Without a collector it is dropped."""
    token = _collector.set(into)
    try:
        yield
    finally:
        _collector.reset(token)


def notice(kind: Kind, origin: object, level: int = 0) -> None:
    """Counts something noticed about the image that is being decoded, as in `Notices.add`."""
    collector = _collector.get()
    if collector is not None:
        collector.add(kind, str(origin), level)
