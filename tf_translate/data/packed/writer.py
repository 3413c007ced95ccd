"""Packs a data set into a few large files, written whole or not at all; see `pack_index`."""

import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import tensorflow as tf

from tf_translate import images
from tf_translate.data.layouts.attribute_table import Rows, Table
from tf_translate.data.packed.index import (
    IMAGES,
    RECORD,
    RECORDS,
    VERSION,
    Index,
    Shard,
    Sides,
    table_of,
    write_index,
)
from tf_translate.data.packed.reader import Line
from tf_translate.data.packed.shards import Kept, Prepared, Shards
from tf_translate.data.splits import ImageFile, Images, Shown, Source, listing
from tf_translate.errors import DataError
from tf_translate.version import __version__

SHARD_BYTES = 256 * 2**20
_AHEAD = 32  # images that are read and brought into form before those ahead of them are written
Progress = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Packing:
    """How images are kept.

    Attributes:
        sizes: (height, width) that each is brought to, losslessly; none: files as they are.
        channels: How many channels, each in each of the sizes; with sizes only.
        shard_bytes: About how large a file becomes.
        on_error: Broken images: stop and name them, or say of each that it is broken, which
            leaves the decision to `data.on_error` of who reads them.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    channels: tuple[Literal[1, 3, 4], ...] = ()
    shard_bytes: int = SHARD_BYTES
    on_error: Literal["stop", "skip"] = "stop"


def pack(
    data: Source | Table,
    output: Path,
    packing: Packing,
    *,
    layout: str,
    progress: Progress = lambda done, total: None,
) -> Index:
    """Packs all images of a data set and all that is said of them.

    Files are kept byte by byte, others (TensorFlow Datasets) as lossless PNG, so that the loaders
    give the same numbers. No more than a few dozen images are in memory at a time.

    Args:
        data: As it was found: no validation split carved out, directions not swapped.
        output: The folder to write; it gets this name when it is whole.
        packing: How images are kept.
        layout: What the data set was read as.
        progress: Called with (images done, images in all).

    Returns:
        The index that was written.

    Raises:
        DataError: If the folder is there already or cannot be written, or images are broken and
            `on_error` is "stop".
    """
    check_free(output)
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        index = _write(data, partial, packing, layout, progress)
        check_free(output)
        partial.rename(output)
    except tf.errors.OpError as error:
        raise DataError(f"{output} cannot be written: {error.message}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return index


def check_free(output: Path) -> None:
    """Raises `DataError` if something of this name is there already."""
    if output.exists() or output.is_symlink():
        raise DataError(f"--output must be a new folder, {output} is there already: name another")


def _write(
    data: Source | Table, folder: Path, packing: Packing, layout: str, progress: Progress
) -> Index:
    groups = list(_groups_of_table(data) if isinstance(data, Table) else _groups_of_source(data))
    total = sum(len(images.names) for images, _ in groups)
    if not total:
        raise DataError("there is no image to pack")
    shards, done = Shards(folder, packing.shard_bytes), 0
    problems: list[str] = []
    with (folder / IMAGES).open("w", encoding="utf-8") as lines, closing(shards):
        for images, said in groups:
            for line in _lines(images, said, packing, shards):
                problems += [line.problem] if line.problem else []
                lines.write(line.text())
                done += 1
                progress(done, total)
    if problems and packing.on_error == "stop":
        problems = list(dict.fromkeys(problems))  # the halves of one file share theirs
        raise DataError(
            f"{len(problems)} images cannot be decoded; repair or remove them, or pack them as "
            f"broken ones by --on-error skip:{listing(problems)}"
        )
    np.save(folder / RECORDS, np.array(shards.places, RECORD), allow_pickle=False)
    index = _index(data, folder, packing, layout, total, shards.written)
    write_index(folder, index)
    return index


def _groups_of_source(source: Source) -> Iterator[tuple[Images, list[Line]]]:
    """The images of each domain of each split, with what is known of each beforehand."""
    for name, split in source.splits.items():
        for side, of_side in (("a", split.a), ("b", split.b)):
            labels = of_side.labels or (None,) * len(of_side.names)
            said = [
                Line(one, None, (), split=name, side=side, label=label)
                for one, label in zip(of_side.names, labels, strict=True)
            ]
            yield of_side, said


def _groups_of_table(table: Table) -> Iterator[tuple[Images, list[Line]]]:
    """The images of all rows, in their order."""
    table.check({})
    by_split: dict[str, Rows] = {}
    for place, row in table.rows:
        # Files can be opened in any order; others split by split, as their rows are.
        name = row["split"] if table.opener else ""
        by_split.setdefault(name, []).append((place, row))
    for rows in by_split.values():
        images = table.images(rows)
        yield (
            images,
            [
                Line(name, None, (), place=place, cells=tuple(row[key] for key in table.columns))
                for name, (place, row) in zip(images.names, rows, strict=True)
            ],
        )


def _lines(images: Images, said: list[Line], packing: Packing, shards: "Shards") -> Iterator[Line]:
    """Writes the records of images and gives their complete lines, in order."""

    def ready(image: Shown) -> Kept | Prepared:
        return shards.kept.get(_file_of(image, packing)) or _prepare(image, packing)

    for line, (image, found) in zip(said, _in_order(ready, images.each()), strict=True):
        if isinstance(found, Prepared):
            found = shards.keep(_file_of(image, packing), found)
        half = image.half if isinstance(image, ImageFile) else ""
        yield replace(line, half=half, **vars(found))


def _file_of(image: Shown, packing: Packing) -> tuple[Path, str] | None:
    """What is kept once though several images are of it; None for what is no file."""
    if not isinstance(image, ImageFile):
        return None
    return image.path, image.half if packing.sizes else ""


def _prepare(image: Shown, packing: Packing) -> Prepared:
    """Reads a image, makes sure that it can be decoded, and brings it into every form."""
    try:
        contents = image.contents()
        if not packing.sizes:
            image.decode(contents, 3)
            return Prepared(len(contents), (contents,))
        decoded = [image.decode(contents, channels) for channels in packing.channels]
    except DataError as error:
        return Prepared(_size_of(image), (), str(error))
    # In the order of `Pack.form`.
    forms = [images.resize(one, size) for size in packing.sizes for one in decoded]
    return Prepared(len(contents), tuple(map(images.png, forms)))


def _size_of(image: Shown) -> int | None:
    """Bytes of a file that cannot be used; None if there is none."""
    if isinstance(image, ImageFile) and image.path.is_file():
        return image.path.stat().st_size
    return None


def _in_order(
    work: Callable[[Shown], Result], images: Iterator[Shown]
) -> Iterator[tuple[Shown, Result]]:
    """Each image with its result, worked on by several threads, but never far ahead."""
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))  # Pillow works without the GIL
    waiting: deque[tuple[Shown, Future[Result]]] = deque()
    try:
        for image in images:
            waiting.append((image, pool.submit(work, image)))
            if len(waiting) > _AHEAD:
                first, result = waiting.popleft()
                yield first, result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _index(
    data: Source | Table,
    folder: Path,
    packing: Packing,
    layout: str,
    images: int,
    shards: list[Shard],
) -> Index:
    return Index(
        version=VERSION,
        made_by=f"tf-translate {__version__}",
        layout=layout,
        images=images,
        sizes=packing.sizes,
        channels=packing.channels,
        shards=tuple(shards),
        tables={name: table_of(folder, name) for name in (IMAGES, RECORDS)},
        **(_about_table(data) if isinstance(data, Table) else _about_source(data)),
    )


def _about_source(source: Source) -> dict[str, Any]:
    splits = {
        name: Sides(a=len(split.a.names), b=len(split.b.names), aligned=split.aligned)
        for name, split in source.splits.items()
    }
    return {"source": _plain(source.description), "splits": splits}


def _about_table(table: Table) -> dict[str, Any]:
    return {
        "source": _plain(f"the table {table.path}"),
        "rows": dict(Counter(row.get("split", "") for _, row in table.rows)),
        "columns": table.columns,
        "skipped": tuple(map(_plain, table.skipped)),
    }


def _plain(text: str) -> str:
    """Without what is no Unicode, as names of files may hold."""
    return text.encode("utf-8", "replace").decode()
