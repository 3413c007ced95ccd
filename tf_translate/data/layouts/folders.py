"""Data sets given as folders, in the three forms that people already have."""

import os
import sys
from collections import Counter
from pathlib import Path

from tf_translate.data.splits import ImageFile, ImageFiles, Source, Split, listing
from tf_translate.errors import DataError
from tf_translate.images import EXTENSIONS

SPLIT_NAMES = {  # as people call them -> as we do
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}


def ab_folders(root: Path) -> Source:
    """`trainA/ trainB/ testA/ testB/` (or `train/a/ train/b/`): two unpaired heaps.

    The folders inside a domain's folder, as in `trainA/<class>/`, are the classes of its images.
    """
    return _domains(root, paired=False)


def named_pairs(root: Path) -> Source:
    """`train/a/ train/b/` (or `trainA/ trainB/`): pairs are files of equal name."""
    return _domains(root, paired=True)


def side_by_side(root: Path) -> Source:
    """`train/ test/`: every image holds a on its left half and b on its right."""
    splits: dict[str, Split] = {}
    for spelling, name in SPLIT_NAMES.items():
        if (root / spelling).is_dir():
            files = images_in(root / spelling)
            halves = [
                ImageFiles([ImageFile(file.file, file.name, half) for file in files])
                for half in ("left", "right")
            ]
            _add(splits, name, Split(halves[0], halves[1], aligned=True), root)
    if "train" not in splits:
        raise DataError(f"{root} has no folder train with side-by-side images")
    return Source(f"the side-by-side images in {root}", splits)


def domain_folder(root: Path, split: str, domain: str) -> Path | None:
    """The folder of one domain ("a" or "b") of one split as spelt on disk, if there is one."""
    spellings = (f"{split}{domain.upper()}", f"{split}/{domain}", f"{split}/{domain.upper()}")
    return next((root / spelling for spelling in spellings if (root / spelling).is_dir()), None)


def images_in(folder: Path) -> list[ImageFile]:
    """The images below a folder sorted by name; hidden and other files are passed over.

    Raises:
        DataError: If there is none.
    """
    files = [
        ImageFile(os.path.join(place, entry), _named(folder, place, entry))
        for place, _, entries in os.walk(folder, onerror=_unless_forbidden)
        for entry in entries
        if entry.lower().endswith(EXTENSIONS) and not entry.startswith(".")
    ]
    if not files:
        raise DataError(f"{folder} holds no images ({', '.join(EXTENSIONS)})")
    return sorted(files, key=lambda file: (file.name, file.file))


def _unless_forbidden(error: OSError) -> None:
    """Passes over folders that may not be read; what a disk or a network fails at is told."""
    if not isinstance(error, PermissionError):
        raise error


def _named(folder: Path, place: str, entry: str) -> str:
    """What a file is called: its path below the folder without suffix, `/` between folders."""
    stem = os.path.splitext(entry)[0]
    return stem if place == str(folder) else Path(place, stem).relative_to(folder).as_posix()


def _domains(root: Path, *, paired: bool) -> Source:
    splits: dict[str, Split] = {}
    for spelling, name in SPLIT_NAMES.items():
        a, b = (domain_folder(root, spelling, domain) for domain in "ab")
        if a and b:
            split = _match(a, b) if paired else _heaps(a, b)
            _add(splits, name, split, root)
        elif a or b:
            raise DataError(_lonely(root, spelling, a or b, "b" if a else "a"))
    if "train" not in splits:
        raise DataError(f"{root} has no folders trainA and trainB, nor train/a and train/b")
    form = "pairs of equal name" if paired else "unpaired folders"
    return Source(f"the {form} in {root}", splits)


def _add(splits: dict[str, Split], name: str, split: Split, root: Path) -> None:
    if name in splits:
        raise DataError(f"{root} has two folders for the split {name}: keep one of val, validation")
    splits[name] = split


def _lonely(root: Path, spelling: str, found: Path | None, missing: str) -> str:
    return (
        f"{root} has {found and found.relative_to(root)} but no folder of {missing} beside it "
        f"({spelling}{missing.upper()} or {spelling}/{missing})"
    )


def _heaps(a: Path, b: Path) -> Split:
    return Split(_heap(a), _heap(b), aligned=False)


def _heap(folder: Path) -> ImageFiles:
    """The images of one domain; folders in it are classes, and then nothing lies beside them."""
    files = images_in(folder)
    plain = [file for file in files if "/" not in file.name]
    if len(plain) == len(files):
        return ImageFiles(files)
    classes = [sys.intern(file.name.partition("/")[0]) for file in files]
    if plain:
        found = sorted({file.name.partition("/")[0] for file in files if "/" in file.name})
        raise DataError(
            f"{folder} holds both class folders ({_few(found)}) and images beside them "
            f"({_few([file.path.name for file in plain])}); keep one: put every image into the "
            "folder of its class, or none"
        )
    return ImageFiles(files, classes)


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _match(a: Path, b: Path) -> Split:
    a_files, b_files = (_by_name(folder) for folder in (a, b))
    lonely = [f"{a_files[name].path} has no partner in {b}" for name in a_files.keys() - b_files]
    lonely += [f"{b_files[name].path} has no partner in {a}" for name in b_files.keys() - a_files]
    if lonely:
        raise DataError(
            f"pairs need equal names (without suffix) in {a} and {b}; "
            f"add the missing images or remove these:{listing(sorted(lonely))}"
        )
    names = sorted(a_files)
    a_side, b_side = (ImageFiles([files[n] for n in names]) for files in (a_files, b_files))
    return Split(a_side, b_side, aligned=True)


def _by_name(folder: Path) -> dict[str, ImageFile]:
    files = images_in(folder)
    twice = [name for name, count in Counter(file.name for file in files).items() if count > 1]
    if twice:
        raise DataError(
            f"{folder} has several images of one name that differ in suffix only; "
            f"keep one of each:{listing(sorted(twice))}"
        )
    return {file.name: file for file in files}
