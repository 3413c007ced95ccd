"""Reads data sets in three common folder layouts."""

import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from tf_translate.data.splits import (
    DomainSource,
    ImageFile,
    ImageFileList,
    Split,
    format_list,
    list_names,
)
from tf_translate.errors import DataError
from tf_translate.image_files import FoundImages, LeftOut, find_images, visible_folders

SPLIT_NAMES = {  # spelling on disk -> name of the split
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}
# Names of folders that were meant as splits, where they are none.
_LIKE_SPLITS = {*SPLIT_NAMES, "training", "testing", "eval", "evaluation", "dev", "holdout"}


def ab_folders(root: Path) -> DomainSource:
    """`trainA/ trainB/ testA/ testB/` (or `train/a/ train/b/`): two unpaired domains.

    Folders inside a domain's folder, such as `trainA/<class>/`, are the classes of its images.
    """
    return _domains(root, paired=False)


def named_pairs(root: Path) -> DomainSource:
    """`train/a/ train/b/` (or `trainA/ trainB/`): pairs are files with the same name."""
    return _domains(root, paired=True)


def side_by_side(root: Path) -> DomainSource:
    """`train/ test/`: the left half of every image is a, the right half is b."""
    splits: dict[str, Split] = {}
    left_out: dict[str, LeftOut] = {}
    notes: list[str] = []
    for spelling, name in SPLIT_NAMES.items():
        if (root / spelling).is_dir():
            found = find_images(root / spelling)
            left_out[name] = found.left_out.below(spelling)
            notes += found.notes(spelling)
            files = files_of(found)
            halves = [
                ImageFileList([ImageFile(file.file, file.name, half) for file in files])
                for half in ("left", "right")
            ]
            _add(splits, name, Split(halves[0], halves[1], aligned=True), root)
    if "train" not in splits:
        raise DataError(f"{root} has no folder train with side-by-side images")
    notes += unused_folders(root, SPLIT_NAMES)
    return DomainSource(f"the side-by-side images in {root}", splits, left_out, notes=tuple(notes))


def unused_folders(root: Path, used: Collection[str]) -> list[str]:
    """A note on folders in `root` that belong to no split."""
    unused = [name for name in visible_folders(root) if name not in used]
    if not unused:
        return []
    which = "the folder {} is" if len(unused) == 1 else "the folders {} are"
    return [
        f"{which.format(list_names(unused))} not used: splits are called {', '.join(SPLIT_NAMES)}"
    ]


def split_folders(folder: Path, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The splits of one set of images that lie below `folder`, by the first folder of each.

    Args:
        folder: Where the images are.
        names: Their paths below it.

    Returns:
        The split of each image as it is spelled; empty without a folder train. And a note if
        there is none, but other folders are called like splits.

    Raises:
        DataError: If there is a folder train, and images lie outside of those of splits.
    """
    first = [name.split("/")[0] if "/" in name else "" for name in names]
    if not (folder / "train").is_dir():
        similar = [each for each in dict.fromkeys(first) if each.lower() in _LIKE_SPLITS]
        if not similar:
            return [], []
        return [], [
            f"there is no folder train, so the images in {list_names(sorted(similar))} are split "
            "by their names; folders of splits are called train, validation and test"
        ]
    outside = [name for name, split in zip(names, first, strict=True) if split not in SPLIT_NAMES]
    if outside:
        raise DataError(
            f"{folder} has a folder train and images outside of {', '.join(SPLIT_NAMES)}; move "
            f"them into one of these:{format_list(outside)}"
        )
    return first, []


def domain_folder(root: Path, split: str, domain: str) -> Path | None:
    """Finds the folder of one domain ("a" or "b") of one split; None if there is none."""
    spellings = (f"{split}{domain.upper()}", f"{split}/{domain}", f"{split}/{domain.upper()}")
    return next((root / spelling for spelling in spellings if (root / spelling).is_dir()), None)


def files_of(found: FoundImages) -> list[ImageFile]:
    """Returns the images of a search, in its order."""
    folder = str(found.folder)
    return [
        ImageFile(os.path.join(folder, name), os.path.splitext(name)[0]) for name in found.names
    ]


def _domains(root: Path, *, paired: bool) -> DomainSource:
    splits: dict[str, Split] = {}
    left_out: dict[str, LeftOut] = {}
    notes: list[str] = []
    for spelling, name in SPLIT_NAMES.items():
        a, b = (domain_folder(root, spelling, domain) for domain in "ab")
        if a and b:
            found_a, found_b = find_images(a), find_images(b)
            read = _read_pairs if paired else _read_unpaired
            _add(splits, name, read(found_a, found_b), root)
            below_a, below_b = (each.relative_to(root).as_posix() for each in (a, b))
            left_out[name] = found_a.left_out.below(below_a) + found_b.left_out.below(below_b)
            notes += (*found_a.notes(below_a), *found_b.notes(below_b))
        elif a or b:
            raise DataError(_describe_missing_domain(root, spelling, a or b, "b" if a else "a"))
    if "train" not in splits:
        raise DataError(f"{root} has no folders trainA and trainB, nor train/a and train/b")
    notes += unused_folders(root, [*SPLIT_NAMES, *(f"{s}{d}" for s in SPLIT_NAMES for d in "AB")])
    kind = "pairs of files with the same name" if paired else "unpaired folders"
    return DomainSource(f"the {kind} in {root}", splits, left_out, notes=tuple(notes))


def _add(splits: dict[str, Split], name: str, split: Split, root: Path) -> None:
    if name in splits:
        raise DataError(
            f"{root} has several folders for the split {name}: keep one of val, valid, validation"
        )
    splits[name] = split


def _describe_missing_domain(root: Path, spelling: str, existing: Path | None, missing: str) -> str:
    return (
        f"{root} has {existing and existing.relative_to(root)} but no folder of domain {missing} "
        f"({spelling}{missing.upper()} or {spelling}/{missing})"
    )


def _read_unpaired(a: FoundImages, b: FoundImages) -> Split:
    return Split(_read_domain(a), _read_domain(b), aligned=False)


def _read_domain(found: FoundImages) -> ImageFileList:
    """Reads the images of one domain; if it has folders, they are the classes of all images."""
    files = files_of(found)
    outside_classes = [file for file in files if "/" not in file.name]
    if len(outside_classes) == len(files):
        return ImageFileList(files)
    classes = [sys.intern(file.name.partition("/")[0]) for file in files]
    if outside_classes:
        named = {file.name.partition("/")[0] for file in files if "/" in file.name}
        folders = _shorten(sorted(named))
        outside = _shorten([file.path.name for file in outside_classes])
        raise DataError(
            f"{found.folder} holds both class folders ({folders}) and images outside of them "
            f"({outside}); put every image into the folder of its class, or use no class folders"
        )
    return ImageFileList(files, classes)


def _shorten(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _read_pairs(a: FoundImages, b: FoundImages) -> Split:
    a_files, b_files = (_by_name(found) for found in (a, b))
    unmatched = [
        f"{files[name].path} has no file of the same name in {other.folder}"
        for files, partners, other in ((a_files, b_files, b), (b_files, a_files, a))
        for name in files.keys() - partners
    ]
    if unmatched:
        raise DataError(
            f"pairs need the same name (without suffix) in {a.folder} and {b.folder}; "
            f"add the missing images or remove these:{format_list(sorted(unmatched))}"
        )
    names = sorted(a_files)
    images_a, images_b = (ImageFileList([files[n] for n in names]) for files in (a_files, b_files))
    return Split(images_a, images_b, aligned=True)


def _by_name(found: FoundImages) -> dict[str, ImageFile]:
    if found.alike:
        raise DataError(
            f"{found.folder} has images whose names differ only in the suffix; "
            f"keep one of each:{format_list(found.alike)}"
        )
    return {file.name: file for file in files_of(found)}
