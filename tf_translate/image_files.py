"""Finds the image files below a folder, and counts what it leaves out.

Every command finds images with `find_images`, so all of them agree on what an image is:

- Symbolic links are followed. Each folder is read once, also if links form a loop.
- Hidden files and folders are left out: names that start with a dot, and those that operating
  systems, archives and network disks add (`HIDDEN_NAMES`).
- Only regular files are found. A named pipe or a device could block, or never end.
- Endings count in any case. Files with other endings are left out and counted.
"""

import heapq
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tf_translate.errors import DataError
from tf_translate.images import EXTENSIONS

HIDDEN_NAMES = frozenset(  # compared in lower case
    {
        "__macosx",  # zip files of macOS
        "@eadir",  # Synology
        "#recycle",
        "#snapshot",
        "lost+found",  # ext4
        "$recycle.bin",  # Windows
        "system volume information",
        "thumbs",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "__pycache__",
    }
)
# Formats of images, documents and films that are not read. They are counted one by one, as they
# may hold images that the user expects to be found.
UNREAD_FORMATS = frozenset(
    {
        *(".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".jpe", ".jxr"),
        *(".svg", ".svgz", ".eps", ".ai", ".pdf", ".psd", ".psb", ".xcf", ".kra", ".ico", ".cur"),
        *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef"),
        *(".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".pcx", ".dds", ".exr", ".hdr", ".apng", ".mng"),
        *(".dcm", ".nii", ".fits", ".npy", ".npz", ".mat", ".djvu", ".icns", ".qoi", ".dib"),
        *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".gifv"),
    }
)
OTHER_FILE = "other file"
HIDDEN = "hidden"
NOT_REGULAR = "not a regular file"
UNREADABLE = "unreadable folder"
READ_ALREADY = "link to a folder already read"
BROKEN_LINK = "broken link"
BROKEN = "broken"  # cannot be decoded
PARTNER_BROKEN = "with a broken partner"
_PLURALS = {
    OTHER_FILE: "other files",
    NOT_REGULAR: "not regular files",
    UNREADABLE: "unreadable folders",
    READ_ALREADY: "links to folders already read",
    BROKEN_LINK: "broken links",
}
_MOST_EXAMPLES = 4  # kept
_MOST_ENDINGS = 3  # shown
_LONGEST_ENDING = 8  # longer: part of a name such as "10.5 metres"


@dataclass(frozen=True)
class Group:
    """What was left out for one reason: how many, and the names of the first (at most 4)."""

    count: int
    examples: tuple[str, ...]

    def __add__(self, other: "Group") -> "Group":
        examples = dict.fromkeys((*self.examples, *other.examples))
        return Group(self.count + other.count, tuple(examples)[:_MOST_EXAMPLES])


@dataclass(frozen=True)
class LeftOut:
    """What was left out of a set of images, by reason.

    Attributes:
        groups: By reason, for example `".heic"`, `"hidden"`, `"not a regular file"` or
            `"broken"`. Files whose endings are none of images are together `"other file"`, with
            endings as examples.
    """

    groups: Mapping[str, Group] = field(default_factory=dict)

    @staticmethod
    def of(reason: str, names: Iterable[str]) -> "LeftOut":
        """What was left out for one reason; nothing if there are no names."""
        names = tuple(names)
        return LeftOut({reason: Group(len(names), names[:_MOST_EXAMPLES])} if names else {})

    def __bool__(self) -> bool:
        return bool(self.groups)

    def __add__(self, other: "LeftOut") -> "LeftOut":
        groups = dict(self.groups)
        for reason, group in other.groups.items():
            groups[reason] = groups[reason] + group if reason in groups else group
        return LeftOut(groups)

    def below(self, folder: str) -> "LeftOut":
        """The same with `folder/` before each name; endings stay as they are."""
        if folder in ("", "."):
            return self
        return LeftOut(
            {
                reason: group
                if reason == OTHER_FILE
                else Group(group.count, tuple(f"{folder}/{name}" for name in group.examples))
                for reason, group in self.groups.items()
            }
        )

    def as_dict(self) -> dict[str, int]:
        """The count of each reason, as JSON values."""
        return {reason: self.groups[reason].count for reason in self._order()}

    def __str__(self) -> str:
        """For example "3 .heic (a/1.heic, ...), 1 hidden (.DS_Store), 2 other files (.txt)"."""
        return ", ".join(_describe(reason, self.groups[reason]) for reason in self._order())

    def _order(self) -> list[str]:
        """Formats first, other files last."""
        return sorted(
            self.groups,
            key=lambda reason: (reason == OTHER_FILE, not reason.startswith("."), reason),
        )


NOTHING = LeftOut()


@dataclass(frozen=True)
class FoundImages:
    """The images below a folder.

    Attributes:
        folder: The folder that was searched.
        names: Path of each image relative to the folder, `/` between folders, sorted by the path
            without its ending.
        left_out: What else was there.
    """

    folder: Path
    names: tuple[str, ...]
    left_out: LeftOut

    @property
    def paths(self) -> list[Path]:
        """The path of each image."""
        return [self.folder / name for name in self.names]

    @property
    def alike(self) -> tuple[str, ...]:
        """Images whose names differ in the ending only, such as 1.jpg and 1.png."""
        counts = Counter(os.path.splitext(name)[0] for name in self.names)
        return tuple(name for name in self.names if counts[os.path.splitext(name)[0]] > 1)

    def notes(self, below: str = "") -> tuple[str, ...]:
        """What the user should know about the images; `below` is put before their names."""
        if not self.alike:
            return ()
        names = [printable(f"{below}/{name}" if below else name) for name in self.alike]
        more = ", ..." if len(names) > 2 else ""
        return (
            f"{len(names):,} images have names that differ in the ending only "
            f"({', '.join(names[:2])}{more}); each of them is used",
        )

    def __str__(self) -> str:
        """For example "photos: 13 images; left out: 1 .heic (x.heic)"."""
        return describe_counts(self.folder.name or str(self.folder), len(self.names), self.left_out)


def find_images(folder: str | Path) -> FoundImages:
    """Finds all images below a folder.

    A link to a missing file with the ending of an image is found too: reading it is an error that
    names it, so that no image is missing unsaid.

    Args:
        folder: The folder; may itself be a link, or have the name of a hidden folder.

    Raises:
        DataError: If there is no such folder, it cannot be read, or no image is below it. The
            message says what was left out.
    """
    search = _Search(str(folder))
    search.run()
    names = sorted(search.names, key=lambda name: (os.path.splitext(name)[0], name))
    left_out = LeftOut({reason: Group(*group) for reason, group in search.groups.items()})
    if not names:
        raise DataError(
            f"{folder} holds no images ({', '.join(EXTENSIONS)})"
            + (f"; left out: {left_out}" if left_out else "")
        )
    return FoundImages(Path(folder), tuple(names), left_out)


def holds_images(folder: str | Path) -> bool:
    """Whether images are directly in a folder, not only in folders inside it."""
    with os.scandir(folder) as entries:
        return any(
            is_image_name(entry.name) and not is_hidden(entry.name) and not entry.is_dir()
            for entry in entries
        )


def visible_folders(folder: str | Path) -> list[str]:
    """The names of the folders directly in a folder, sorted: linked ones too, no hidden ones."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if not is_hidden(entry.name) and entry.is_dir()
        )


def is_hidden(name: str) -> bool:
    """Whether the name of a file or folder marks it as hidden, or as no one's images."""
    return name.startswith(".") or name.lower() in HIDDEN_NAMES


def is_image_name(name: str) -> bool:
    """Whether a file name has the ending of an image, in any case."""
    return name.lower().endswith(EXTENSIONS)


def describe_counts(name: str, counts: int | Mapping[str, int], left_out: LeftOut) -> str:
    """Says what was found in one line.

    Args:
        name: Of the split or folder.
        counts: Number of images, or of each domain.
        left_out: What else was there.

    Returns:
        For example "train: a: 13 images, b: 9; left out: 1 .heic (trainA/x.heic)".
    """
    if isinstance(counts, int):
        found = _images(counts)
    else:
        first, *others = counts.items()
        found = ", ".join(
            [f"{first[0]}: {_images(first[1])}", *(f"{key}: {count:,}" for key, count in others)]
        )
    return f"{printable(name)}: {found}" + (f"; left out: {left_out}" if left_out else "")


def describe_splits(
    counts: Mapping[str, int | Mapping[str, int]], left_out: Mapping[str, LeftOut]
) -> list[str]:
    """Says what was found in each split, one line each.

    Args:
        counts: By split, the number of images, or of each domain.
        left_out: By split, what else was there; "" for the folder that holds all splits.
    """
    lines = [
        describe_counts(name, count, left_out.get(name, NOTHING)) for name, count in counts.items()
    ]
    folder = left_out.get("", NOTHING)
    return [*lines, f"left out of the folder: {folder}"] if folder else lines


def printable(name: str) -> str:
    """Escapes what a terminal would not print: control characters, and bytes that are no text."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in name
    )


class _Search:
    """One search of a folder; collects the names of images and what is left out."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._read: set[object] = set()  # folders that were read, by device and inode
        self._folders = [""]  # relative to the root, still to be read
        self._links: list[str] = []  # a heap: links are read last, so that folders keep their names
        self.names: list[str] = []
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}

    def run(self) -> None:
        while self._folders or self._links:
            below = self._folders.pop() if self._folders else heapq.heappop(self._links)
            try:
                self._read_folder(below)
            except PermissionError as error:
                if not below:
                    raise DataError(f"the folder {self._root} cannot be read: {error}") from error
                self._leave_out(UNREADABLE, below)
            except (FileNotFoundError, NotADirectoryError) as error:
                if not below:
                    raise DataError(f"there is no folder {self._root}") from error
                raise

    def _read_folder(self, below: str) -> None:
        path = os.path.join(self._root, below) if below else self._root
        status = os.stat(path)
        # Some network disks number no files.
        identity = (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
        if identity in self._read:
            self._leave_out(READ_ALREADY, below)
            return
        with os.scandir(path) as entries:
            self._read.add(identity)
            for entry in entries:
                self._sort_out(entry, f"{below}/{entry.name}" if below else entry.name)

    def _sort_out(self, entry: "os.DirEntry[str]", name: str) -> None:
        """Decides on one entry of a folder."""
        if is_hidden(entry.name):
            self._leave_out(HIDDEN, name)
        elif entry.is_symlink():
            self._sort_out_link(entry, name)
        elif entry.is_dir(follow_symlinks=False):
            self._folders.append(name)
        elif entry.is_file(follow_symlinks=False):
            self._add_file(name)
        else:
            self._leave_out(NOT_REGULAR, name)

    def _sort_out_link(self, entry: "os.DirEntry[str]", name: str) -> None:
        try:
            mode = os.stat(entry.path).st_mode
        except OSError:  # it leads nowhere, in a circle, or where we may not look
            if is_image_name(name):
                self.names.append(name)
            else:
                self._leave_out(BROKEN_LINK, name)
            return
        if stat.S_ISDIR(mode):
            heapq.heappush(self._links, name)
        elif stat.S_ISREG(mode):
            self._add_file(name)
        else:
            self._leave_out(NOT_REGULAR, name)

    def _add_file(self, name: str) -> None:
        if is_image_name(name):
            self.names.append(name)
            return
        ending = os.path.splitext(name)[1].lower()
        if ending in UNREAD_FORMATS:
            self._leave_out(ending, name)
        else:
            known = 1 < len(ending) <= _LONGEST_ENDING and " " not in ending
            self._leave_out(OTHER_FILE, ending if known else "no ending")

    def _leave_out(self, reason: str, name: str) -> None:
        count, examples = self.groups.get(reason, (0, ()))
        if name not in examples and (len(examples) < _MOST_EXAMPLES or name < examples[-1]):
            examples = tuple(sorted((*examples, name))[:_MOST_EXAMPLES])
        self.groups[reason] = (count + 1, examples)


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _describe(reason: str, group: Group) -> str:
    """For example "2 hidden (.DS_Store, ...)": one name, or the endings of other files."""
    if reason == OTHER_FILE:
        shown, more = group.examples[:_MOST_ENDINGS], len(group.examples) > _MOST_ENDINGS
    else:
        shown, more = group.examples[:1], group.count > 1
    names = ", ".join([*map(printable, shown), *(["..."] if more else [])])
    text = reason if group.count == 1 else _PLURALS.get(reason, reason)
    return f"{group.count:,} {text} ({names})"
