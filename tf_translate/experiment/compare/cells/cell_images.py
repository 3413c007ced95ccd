"""Images and per-image scores that a finished cell keeps, in two small files.

Every method of a task is measured on the same held-out images, but in an order of its own. So an
image is known by its key, a hash of the pixels of the source, and images are chosen by keys: the
same seed chooses the same images for all methods.
"""

import functools
import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tf_translate.atomic_files import write_atomically
from tf_translate.errors import RunError
from tf_translate.images import to_rgb

IMAGES, PER_IMAGE = "images.png", "per_image.npz"
CHOSEN, BEST, MEDIAN, WORST = "chosen", "best", "median", "worst"
_CHOSEN_IMAGES = 16
_EXTREMES = 4  # images of each of best, median and worst
_SEED = 0
LABEL_KEPT = "label_kept"
_SCORES = (  # of evaluate, each float32 (n,)
    "margin",
    "reciprocal_rank",
    "similarity",
    "in_target",
    LABEL_KEPT,  # where both domains have classes
    "l1",  # this and those below where the truth is known
    "l1_inside_edit",
    "l1_outside_edit",
)
_COLUMNS = ("source", "output", "truth")
_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile)
_LARGEST_SHEET = 2**26  # pixels
_LARGEST_ARRAYS = 2**28  # bytes of all arrays of a cell, unpacked


@dataclass(frozen=True, eq=False)
class KeptImage:
    """One held-out image in the sheet of a cell.

    Attributes:
        key: Its key; see `image_keys`.
        kind: CHOSEN (by seed), BEST, MEDIAN or WORST.
        score: Its score; higher is better.
        source, output, truth: RGB images, uint8 `(h, w, 3)`; the truth is None if unknown.
    """

    key: int
    kind: str
    score: float
    source: np.ndarray
    output: np.ndarray
    truth: np.ndarray | None


@dataclass(frozen=True, eq=False)
class PerImage:
    """Scores of all held-out images of a cell.

    Attributes:
        keys: uint64 `(n,)`; see `image_keys`.
        scores: By name, each float `(n,)`; NaN where undefined.
        score_name: What the score of images is, in words; see `image_scores`.
    """

    keys: np.ndarray
    scores: Mapping[str, np.ndarray]
    score_name: str


def image_keys(images: np.ndarray) -> np.ndarray:
    """A key for each image, by its pixels; equal images get different keys, in their order.

    Args:
        images: uint8 `(n, h, w, c)`; grey and RGB images of the same look have equal keys.

    Returns:
        uint64 `(n,)`.
    """
    seen: dict[bytes, int] = {}
    keys = np.empty(len(images), np.uint64)
    for index, image in enumerate(to_rgb(images)):
        pixels = hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).digest()
        repeat = seen[pixels] = seen.get(pixels, -1) + 1
        digest = hashlib.sha256(pixels + repeat.to_bytes(4, "little")).digest()
        keys[index] = int.from_bytes(digest[:8], "little")
    return keys


def chosen_by_seed(keys: np.ndarray, count: int, seed: int = _SEED) -> np.ndarray:
    """Positions of images drawn by a seed, whatever their order.

    Args:
        keys: uint64 `(n,)`.
        count: Number of images; fewer if there are not so many.
        seed: Another seed draws others.
    """
    lots = [hashlib.sha256(seed.to_bytes(8, "little") + int(k).to_bytes(8, "little")) for k in keys]
    order = sorted(range(len(keys)), key=lambda index: lots[index].digest())
    return np.array(order[:count], np.int64)


def image_scores(values: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray]:
    """One score of each image, by which best, median and worst are found.

    Where an edit is exact, it is minus the mean of the errors inside and outside the edit, so that
    a small edit counts as much as the rest. Where only the truth is known, it is minus the L1
    error. Else it is the margin of content, and images that the domain judge rejects come last.

    Args:
        values: Per-image values of `evaluate`, each `(n,)`.

    Returns:
        What the score is, in words, and float32 `(n,)`; higher is better.
    """
    if {"l1_inside_edit", "l1_outside_edit"} <= set(values):
        errors = np.stack([values["l1_inside_edit"], values["l1_outside_edit"]]).astype(np.float64)
        known = np.isfinite(errors)
        mean = np.where(known, errors, 0.0).sum(0) / np.maximum(known.sum(0), 1)
        name = "minus the mean of the errors inside and outside the edit"
        return name, -mean.astype(np.float32)
    if "l1" in values:
        return "minus the mean absolute error to the truth", -values["l1"].astype(np.float32)
    name = "content margin, minus 4 where the domain judge rejects the image"
    return name, (values["margin"] - 4.0 * (1.0 - values["in_target"])).astype(np.float32)


def keep_images(file: Path, folder: Path) -> None:
    """Writes `images.png` and `per_image.npz` of a cell.

    Args:
        file: `DIRECTION.npz` of its evaluation.
        folder: Folder of the cell.

    Raises:
        RunError: If the file is broken.
    """
    arrays = _read_arrays(file, (*_COLUMNS, *_SCORES))
    columns = [arrays[name] for name in _COLUMNS if name in arrays]
    values = {name: arrays[name].astype(np.float32) for name in _SCORES if name in arrays}
    count = len(columns[0]) if columns else 0
    if (
        not {"source", "output", "margin", "in_target"} <= set(arrays)
        or count == 0
        or any(each.dtype != np.uint8 or each.ndim != 4 for each in columns)
        or any(len(each) != count for each in arrays.values())
        or any(each.ndim != 1 for each in values.values())
    ):
        raise _broken(file, "its arrays do not fit together")
    keys = image_keys(columns[0])
    name, scores = image_scores(values)
    rows, kinds = _rows(keys, scores)
    sheet = _sheet([to_rgb(each)[rows] for each in columns])
    kept = {
        "key": keys,
        **values,
        "score": scores,
        "score_name": np.array(name),
        "row": rows.astype(np.int32),
        "row_kind": np.array(kinds),
        "tile": np.array([each.shape[1:3] for each in columns], np.int32),
    }
    write_atomically(folder / PER_IMAGE, functools.partial(_save_arrays, kept))
    image = Image.fromarray(sheet)
    write_atomically(
        folder / IMAGES, lambda target: image.save(target, format="png", optimize=True)
    )


def _save_arrays(arrays: Mapping[str, np.ndarray], target: Path) -> None:
    with target.open("wb") as stream:  # np.savez would append .npz to a temporary name
        np.savez_compressed(stream, allow_pickle=False, **arrays)  # type: ignore[arg-type]


def _rows(keys: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Positions of the images of the sheet, and the kind of each."""
    chosen = chosen_by_seed(keys, _CHOSEN_IMAGES)
    order = np.lexsort((keys, -scores))  # best first; ties by key
    count = min(_EXTREMES, len(order) // 3)
    middle = (len(order) - count) // 2
    parts = {
        CHOSEN: chosen,
        BEST: order[:count],
        MEDIAN: order[middle : middle + count],
        WORST: order[len(order) - count :][::-1],
    }
    rows = np.concatenate(list(parts.values()))
    return rows, [kind for kind, each in parts.items() for _ in each]


def _sheet(columns: list[np.ndarray]) -> np.ndarray:
    """Images side by side without gaps: a row each, columns as given; uint8 `(h, w, 3)`."""
    height = max(each.shape[1] for each in columns)
    return np.concatenate(
        [
            np.pad(each, ((0, 0), (0, height - each.shape[1]), (0, 0), (0, 0))).reshape(
                len(each) * height, *each.shape[2:]
            )
            for each in columns
        ],
        axis=1,
    )


def read_per_image(folder: Path) -> PerImage | None:
    """The scores of all held-out images of a cell; None if it keeps none.

    Raises:
        RunError: If the file is broken.
    """
    file = folder / PER_IMAGE
    if not file.is_file():
        return None
    _check_size(file)
    arrays = _read_arrays(file, ("key", "score", "score_name", *_SCORES))
    scores = {name: arrays[name] for name in (*_SCORES, "score") if name in arrays}
    keys = arrays.get("key", np.empty(0))
    if (
        "score_name" not in arrays
        or keys.dtype != np.uint64
        or keys.ndim != 1
        or any(each.shape != keys.shape or each.dtype.kind != "f" for each in scores.values())
    ):
        raise _broken(file, "its arrays do not fit together")
    return PerImage(keys, scores, str(arrays["score_name"]))


def read_images(folder: Path) -> list[KeptImage]:
    """The images of a cell, in the order of the sheet; empty if it keeps none.

    Raises:
        RunError: If a file is broken.
    """
    sheet, file = folder / IMAGES, folder / PER_IMAGE
    if not sheet.is_file() or not file.is_file():
        return []
    _check_size(file)
    arrays = _read_arrays(file, ("key", "score", "row", "row_kind", "tile"))
    try:
        with Image.open(sheet, formats=["PNG"]) as image:
            if image.width * image.height > _LARGEST_SHEET:
                raise _broken(sheet, "it is larger than any sheet")
            pixels = np.asarray(image.convert("RGB"))
        return _cut(pixels, arrays)
    except Image.DecompressionBombError as error:
        raise _broken(sheet, "it is larger than any sheet") from error
    except (OSError, SyntaxError, KeyError, IndexError, ValueError, TypeError) as error:
        raise _broken(sheet, str(error)) from error


def _cut(pixels: np.ndarray, arrays: Mapping[str, np.ndarray]) -> list[KeptImage]:
    tiles = [(int(height), int(width)) for height, width in arrays["tile"]]
    rows, height = arrays["row"], max(height for height, _ in tiles)
    widths = [width for _, width in tiles]
    if (
        not 2 <= len(tiles) <= len(_COLUMNS)
        or min(map(min, tiles)) < 1
        or len(arrays["row_kind"]) != len(rows)
        or pixels.shape[:2] != (height * len(rows), sum(widths))
    ):
        raise ValueError("the sheet has another size than its scores say")
    starts = [sum(widths[:index]) for index in range(len(widths))]
    found = []
    for place, (row, kind) in enumerate(zip(rows, arrays["row_kind"], strict=True)):
        top = place * height
        parts = [
            pixels[top : top + tile[0], left : left + tile[1]]
            for left, tile in zip(starts, tiles, strict=True)
        ]
        truth = parts[2] if len(parts) > 2 else None
        key, score = int(arrays["key"][row]), float(arrays["score"][row])
        found.append(KeptImage(key, str(kind), score, parts[0], parts[1], truth))
    return found


def _check_size(file: Path) -> None:
    """Refuses arrays that would fill the memory, before any is read."""
    try:
        with zipfile.ZipFile(file) as members:
            size = sum(each.file_size for each in members.infolist())
    except _UNREADABLE as error:
        raise _broken(file, str(error)) from error
    if size > _LARGEST_ARRAYS:
        raise _broken(file, f"its arrays take {size:,} bytes, more than those of any cell")


def _read_arrays(file: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The arrays of these names that a file holds."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names if name in arrays.files}
    except (*_UNREADABLE, zlib.error, RuntimeError, MemoryError) as error:
        raise _broken(file, str(error)) from error


def _broken(file: Path, reason: str) -> RunError:
    return RunError(f"{file} is broken: {reason}; delete the folder of the cell and run it again")
