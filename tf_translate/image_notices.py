"""Counts what is noticed while images are decoded: one sentence for each kind, not each image."""

import contextlib
import threading
from collections.abc import Collection, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Literal, get_args

Kind = Literal[
    "deep",
    "deep_colour",
    "clipped",
    "float",
    "converted",
    "profile",
    "exif",
    "rotated",
    "alpha",
    "grey",
    "colour",
    "frames",
    "stretched",
    "letterboxed",
    "cropped",
    "enlarged",
]
_KINDS: tuple[Kind, ...] = get_args(Kind)
OF_CHANNELS: tuple[Kind, ...] = ("alpha", "grey", "colour")  # by how many channels are asked for
_DARK = 2**14  # a 16-bit image below a quarter of its range looks black


class Notices:
    """Counts by kind, each with a file and the highest level. Safe in several threads.

    The file is the first one by name, so that threads in any order give the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[Kind, tuple[int, str, int]] = {}  # count, file, highest level

    def add(self, kind: Kind, origin: str, level: int = 0, count: int = 1) -> None:
        """Counts something that was noticed.

        Args:
            kind: "deep": an image of 16 bits; "deep_colour": one with 16 bits in each of several
                channels; "clipped": one with levels above the white level;
                "float": floats in [0, 1] were scaled; "converted": its colour profile was
                converted to sRGB; "profile": its profile cannot be used; "exif": its EXIF data
                cannot be read; "rotated": it was turned by its EXIF data; "alpha": it has
                transparent pixels, laid over white; "grey": its one channel was repeated;
                "colour": only its luma is kept; "frames": only the first of its frames or pages
                is read; "stretched", "letterboxed", "cropped": it has other proportions than the
                images of a model; "enlarged": it is smaller than these.
            origin: Name of the file.
            level: Its highest level, for "deep", "deep_colour" and "clipped".
            count: Number of images.
        """
        with self._lock:
            before, first, highest = self._found.get(kind, (0, origin, 0))
            self._found[kind] = (before + count, min(first, origin), max(highest, level))

    def update(self, other: "Notices", without: Collection[Kind] = ()) -> None:
        """Adds the counts of another, but for some kinds."""
        for kind, (count, first, level) in other._found.items():
            if kind not in without:
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

    def sentences(
        self, white_level: str = "data.white_level", aspect: str = "data.aspect"
    ) -> tuple[str, ...]:
        """Formats one sentence for each kind.

        Args:
            white_level: Name of the setting or option for the level of white.
            aspect: Name of that for other proportions.
        """
        return tuple(
            sentence
            for kind in _KINDS
            if kind in self._found
            if (sentence := _sentence(kind, *self._found[kind], white_level, aspect))
        )


def _sentence(
    kind: Kind, count: int, first: str, level: int, white_level: str, aspect: str
) -> str | None:
    one = count == 1
    who = first if one else f"{count:,} images, such as {first},"
    if kind == "deep":
        if level >= _DARK:
            return None
        return (
            f"the highest level of {who} is {level:,} of 65,535, so "
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
    if kind == "exif":
        return (
            f"{who} {'has' if one else 'have'} EXIF data that cannot be read; "
            f"{'it is' if one else 'they are'} used as stored, without rotation"
        )
    verb, rest = _PLAIN[kind]
    said = rest.format(are="is" if one else "are", aspect=aspect)
    return f"{who} {verb[0] if one else verb[1]} {said}"


_IS, _HAS = ("is", "are"), ("has", "have")
_PLAIN: dict[Kind, tuple[tuple[str, str], str]] = {  # verb of one and of several, and the rest
    "rotated": (_IS, "turned upright by the rotation in the file (EXIF)"),
    "alpha": (_HAS, "transparent pixels, which are laid over white"),
    "grey": (_IS, "grey and {are} repeated in each channel of colour"),
    "colour": (_IS, "stored in colour, of which only the luma is kept"),
    "frames": (_HAS, "several frames or pages, of which the first is used"),
    "stretched": (_HAS, "other proportions than the model's and {are} stretched ({aspect})"),
    "letterboxed": (
        _HAS,
        "other proportions than the model's and {are} given mirrored borders ({aspect})",
    ),
    "cropped": (
        _HAS,
        "other proportions than the model's and {are} cut to the centre part ({aspect})",
    ),
    "enlarged": (_IS, "smaller than the model's images and {are} enlarged"),
}


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
