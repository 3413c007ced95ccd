"""Reads data sets in three common folder layouts."""

import os
import sys
from collections import Counter
from pathlib import Path

from tf_translate.data.splits import DomainSource, ImageFile, ImageFileList, Split, format_list
from tf_translate.errors import DataError
from tf_translate.images import EXTENSIONS

SPLIT_NAMES = {  # spelling on disk -> name of the split
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}


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
    for spelling, name in SPLIT_NAMES.items():
        if (root / spelling).is_dir():
            files = images_in(root / spelling)
            halves = [
                ImageFileList([ImageFile(file.file, file.name, half) for file in files])
                for half in ("left", "right")
            ]
            _add(splits, name, Split(halves[0], halves[1], aligned=True), root)
    if "train" not in splits:
        raise DataError(f"{root} has no folder train with side-by-side images")
    return DomainSource(f"the side-by-side images in {root}", splits)


def domain_folder(root: Path, split: str, domain: str) -> Path | None:
    """Finds the folder of one domain ("a" or "b") of one split; None if there is none."""
    spellings = (f"{split}{domain.upper()}", f"{split}/{domain}", f"{split}/{domain.upper()}")
    return next((root / spelling for spelling in spellings if (root / spelling).is_dir()), None)


def images_in(folder: Path) -> list[ImageFile]:
    """Lists the images below a folder, sorted by name; hidden and other files are ignored.

    Raises:
        DataError: If there is no image.
    """
    files = [
        ImageFile(os.path.join(directory, entry), _image_name(folder, directory, entry))
        for directory, _, entries in os.walk(folder, onerror=_raise_unless_forbidden)
        for entry in entries
        if entry.lower().endswith(EXTENSIONS) and not entry.startswith(".")
    ]
    if not files:
        raise DataError(f"{folder} holds no images ({', '.join(EXTENSIONS)})")
    return sorted(files, key=lambda file: (file.name, file.file))


def _raise_unless_forbidden(error: OSError) -> None:
    """Ignores folders without read permission; raises errors of the disk or network."""
    if not isinstance(error, PermissionError):
        raise error


def _image_name(folder: Path, directory: str, entry: str) -> str:
    """Returns the path of a file below the folder, without suffix, `/` between folders."""
    stem = os.path.splitext(entry)[0]
    return (
        stem if directory == str(folder) else Path(directory, stem).relative_to(folder).as_posix()
    )


def _domains(root: Path, *, paired: bool) -> DomainSource:
    splits: dict[str, Split] = {}
    for spelling, name in SPLIT_NAMES.items():
        a, b = (domain_folder(root, spelling, domain) for domain in "ab")
        if a and b:
            split = _read_pairs(a, b) if paired else _read_unpaired(a, b)
            _add(splits, name, split, root)
        elif a or b:
            raise DataError(_describe_missing_domain(root, spelling, a or b, "b" if a else "a"))
    if "train" not in splits:
        raise DataError(f"{root} has no folders trainA and trainB, nor train/a and train/b")
    kind = "pairs of files with the same name" if paired else "unpaired folders"
    return DomainSource(f"the {kind} in {root}", splits)


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


def _read_unpaired(a: Path, b: Path) -> Split:
    return Split(_read_domain(a), _read_domain(b), aligned=False)


def _read_domain(folder: Path) -> ImageFileList:
    """Reads the images of one domain; if it has folders, they are the classes of all images."""
    files = images_in(folder)
    outside_classes = [file for file in files if "/" not in file.name]
    if len(outside_classes) == len(files):
        return ImageFileList(files)
    classes = [sys.intern(file.name.partition("/")[0]) for file in files]
    if outside_classes:
        class_folders = sorted({file.name.partition("/")[0] for file in files if "/" in file.name})
        raise DataError(
            f"{folder} holds both class folders ({_shorten(class_folders)}) and images outside of "
            f"them ({_shorten([file.path.name for file in outside_classes])}); put every image "
            "the folder of its class, or use no class folders"
        )
    return ImageFileList(files, classes)


def _shorten(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _read_pairs(a: Path, b: Path) -> Split:
    a_files, b_files = (_by_name(folder) for folder in (a, b))
    unmatched = [f"{a_files[name].path} has no partner in {b}" for name in a_files.keys() - b_files]
    unmatched += [
        f"{b_files[name].path} has no partner in {a}" for name in b_files.keys() - a_files
    ]
    if unmatched:
        raise DataError(
            f"pairs need the same name (without suffix) in {a} and {b}; "
            f"add the missing images or remove these:{format_list(sorted(unmatched))}"
        )
    names = sorted(a_files)
    images_a, images_b = (ImageFileList([files[n] for n in names]) for files in (a_files, b_files))
    return Split(images_a, images_b, aligned=True)


def _by_name(folder: Path) -> dict[str, ImageFile]:
    files = images_in(folder)
    duplicates = [name for name, count in Counter(file.name for file in files).items() if count > 1]
    if duplicates:
        raise DataError(
            f"{folder} has images whose names differ only in the suffix; "
            f"keep one of each:{format_list(sorted(duplicates))}"
        )
    return {file.name: file for file in files}
