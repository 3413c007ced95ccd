"""Packs a data set into a few large files, atomically; `index` describes the format."""

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
from tf_translate.aspect import onto_canvas
from tf_translate.config.data import Aspect, Interpolation
from tf_translate.data.image_format import notice_changes
from tf_translate.data.layouts.attribute_table import AttributeTable, LocatedRows
from tf_translate.data.packed.image_entries import ImageEntry
from tf_translate.data.packed.index import (
    IMAGES,
    RECORD,
    RECORDS,
    VERSION,
    DomainCounts,
    Index,
    Shard,
    measure_file,
    write_index,
)
from tf_translate.data.packed.shard_writer import PreparedImage, ShardWriter, WrittenImage
from tf_translate.data.splits import DomainSource, EncodedImage, ImageFile, ImageList, format_list
from tf_translate.errors import DataError
from tf_translate.image_notices import OF_CHANNELS, Notices, collect_notices
from tf_translate.version import __version__

SHARD_BYTES = 256 * 2**20
_AHEAD = 32  # images that are read and resized ahead of the one being written
Progress = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class PackingOptions:
    """How images are stored.

    Attributes:
        sizes: (height, width) to resize each image to, losslessly stored; none: original files.
        aspect: How images are brought to these sizes; only with sizes.
        interpolation_a, interpolation_b: How images of a and of b are resized; only with sizes.
            One set of images is a.
        white_level: Level of white in 16-bit images, None for 65,535; only with sizes.
        channels: Numbers of channels to store, each at each of the sizes; only with sizes.
        shard_bytes: Approximate size of a shard.
        on_error: Damaged images: stop and name them, or record them as damaged and let
            `data.on_error` decide when the set is read.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    aspect: Aspect = "stretch"
    interpolation_a: Interpolation = "bicubic"
    interpolation_b: Interpolation = "bicubic"
    white_level: int | None = None
    channels: tuple[Literal[1, 3, 4], ...] = ()
    shard_bytes: int = SHARD_BYTES
    on_error: Literal["stop", "skip"] = "stop"


def pack(
    data: DomainSource | AttributeTable,
    output: Path,
    packing: PackingOptions,
    *,
    layout: str,
    progress: Progress = lambda done, total: None,
    damaged: Callable[[str], None] = lambda reason: None,
    report: Callable[[str], None] = lambda line: None,
) -> Index:
    """Packs all images of a data set and their metadata.

    Image files are copied byte by byte. Images of TensorFlow Datasets are stored as lossless
    PNG, so loading gives the same pixels. At most a few dozen images are in memory at a time.

    Args:
        data: The data set as stored: no validation split held out, direction not applied.
        output: The folder to write; it gets this name when it is complete.
        packing: How images are stored.
        layout: Layout that the data set was read with.
        progress: Called with (images done, images in all).
        damaged: Called with the reason for each image that is recorded as damaged.
        report: Called with a line for each kind of thing that decoding changed.

    Returns:
        The index of the packed data set.

    Raises:
        DataError: If the folder already exists or cannot be written, or images are damaged and
            `on_error` is "stop".
    """
    check_is_new(output)
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        index = _write(data, partial, packing, layout, progress, damaged, report)
        check_is_new(output)
        partial.rename(output)
    except tf.errors.OpError as error:
        raise DataError(f"{output} cannot be written: {error.message}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return index


def check_is_new(output: Path) -> None:
    """Raises `DataError` if the output path already exists."""
    if output.exists() or output.is_symlink():
        raise DataError(f"--output must be a new folder, but {output} already exists")


def _write(
    data: DomainSource | AttributeTable,
    folder: Path,
    packing: PackingOptions,
    layout: str,
    progress: Progress,
    damaged: Callable[[str], None],
    report: Callable[[str], None],
) -> Index:
    image_lists = list(
        _list_table(data) if isinstance(data, AttributeTable) else _list_domains(data)
    )
    total = sum(len(images.names) for images, _ in image_lists)
    if not total:
        raise DataError("there is no image to pack")
    shards, done = ShardWriter(folder, packing.shard_bytes), 0
    problems: list[str] = []
    notices = Notices()
    with (folder / IMAGES).open("w", encoding="utf-8") as entries_file, closing(shards):
        for images, entries in image_lists:
            for entry in _write_images(images, entries, packing, shards, notices):
                problems += [entry.problem] if entry.problem else []
                entries_file.write(entry.to_json())
                done += 1
                progress(done, total)
    problems = list(dict.fromkeys(problems))  # both halves of a file have the same
    if problems and packing.on_error == "stop":
        raise DataError(
            f"{len(problems)} images cannot be decoded; repair or remove them, or record them "
            f"as damaged with --on-error skip:{format_list(problems)}"
        )
    for problem in problems:
        damaged(problem)
    names = ("--white-level", "--aspect") if packing.sizes else ()
    for sentence in notices.sentences(*names):
        report(sentence)
    np.save(folder / RECORDS, np.array(shards.positions, RECORD), allow_pickle=False)
    index = _make_index(data, folder, packing, layout, total, shards.complete)
    write_index(folder, index)
    return index


def _list_domains(source: DomainSource) -> Iterator[tuple[ImageList, list[ImageEntry]]]:
    """Yields the images of each domain and split, with their incomplete entries."""
    for name, split in source.splits.items():
        for side, domain in (("a", split.a), ("b", split.b)):
            labels = domain.labels or (None,) * len(domain.names)
            entries = [
                ImageEntry(image_name, None, (), split=name, side=side, label=label)
                for image_name, label in zip(domain.names, labels, strict=True)
            ]
            yield domain, entries


def _list_table(table: AttributeTable) -> Iterator[tuple[ImageList, list[ImageEntry]]]:
    """Yields the images of all rows in order, with their incomplete entries."""
    table.check({})
    by_split: dict[str, LocatedRows] = {}
    for location, row in table.rows:
        # Files can be opened together; images of TFDS only split by split.
        name = row.get("split", "") if table.opener else ""
        by_split.setdefault(name, []).append((location, row))
    for rows in by_split.values():
        images = table.images(rows)
        yield (
            images,
            [
                ImageEntry(
                    name,
                    None,
                    (),
                    location=location,
                    cells=tuple(row[column] for column in table.columns),
                )
                for name, (location, row) in zip(images.names, rows, strict=True)
            ],
        )


def _write_images(
    images: ImageList,
    entries: list[ImageEntry],
    packing: PackingOptions,
    shards: "ShardWriter",
    notices: Notices,
) -> Iterator[ImageEntry]:
    """Writes the records of images and yields their complete entries, in order."""

    of_b = bool(entries) and entries[0].side == "b"
    interpolation = packing.interpolation_b if of_b else packing.interpolation_a

    def prepare_or_reuse(image: EncodedImage) -> WrittenImage | PreparedImage:
        own = Notices()
        with collect_notices(own):
            result = shards.written_images.get(
                _file_key(image, packing, interpolation)
            ) or _prepare(image, packing, interpolation)
        # Without sizes files are stored as they are, and reading them decides on channels.
        notices.update(own, without=() if packing.sizes else OF_CHANNELS)
        return result

    for entry, (image, result) in zip(
        entries, _map_in_order(prepare_or_reuse, images.iterate()), strict=True
    ):
        if isinstance(result, PreparedImage):
            result = shards.write(_file_key(image, packing, interpolation), result)
        half = image.half if isinstance(image, ImageFile) else ""
        yield replace(entry, half=half, **vars(result))


def _file_key(
    image: EncodedImage, packing: PackingOptions, interpolation: Interpolation
) -> tuple[Path, str] | None:
    """Returns the key of the file that several images may share; None if it is not a file."""
    if not isinstance(image, ImageFile):
        return None
    return image.path, f"{image.half} {interpolation}" if packing.sizes else ""


def _prepare(
    image: EncodedImage, packing: PackingOptions, interpolation: Interpolation
) -> PreparedImage:
    """Reads an image, checks that it can be decoded, and resizes it to every stored size."""
    try:
        contents = image.read_bytes()
        if not packing.sizes:
            image.decode(contents, 3)
            return PreparedImage(len(contents), (contents,))
        decoded = [image.decode(contents, packing.channels[0], packing.white_level)]
        with collect_notices(Notices()):  # the same image again, which was counted
            decoded += [
                image.decode(contents, channels, packing.white_level)
                for channels in packing.channels[1:]
            ]
    except DataError as error:
        return PreparedImage(_file_size(image), (), str(error))
    notice_changes(decoded[0], packing.sizes[0], packing.aspect, image.name)
    # In the order of `PackedDataset.record_position`.
    resized = [
        onto_canvas(pixels, size, packing.aspect, interpolation=interpolation)
        for size in packing.sizes
        for pixels in decoded
    ]
    return PreparedImage(len(contents), tuple(map(images.encode_png, resized)))


def _file_size(image: EncodedImage) -> int | None:
    """Returns the size of a damaged file; None if there is no file."""
    if isinstance(image, ImageFile) and image.path.is_file():
        return image.path.stat().st_size
    return None


def _map_in_order(
    work: Callable[[EncodedImage], Result], images: Iterator[EncodedImage]
) -> Iterator[tuple[EncodedImage, Result]]:
    """Yields each image with its result; several threads work at most `_AHEAD` images ahead."""
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))  # Pillow works without the GIL
    waiting: deque[tuple[EncodedImage, Future[Result]]] = deque()
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


def _make_index(
    data: DomainSource | AttributeTable,
    folder: Path,
    packing: PackingOptions,
    layout: str,
    images: int,
    shards: list[Shard],
) -> Index:
    return Index(
        version=VERSION,
        created_by=f"tf-translate {__version__}",
        layout=layout,
        images=images,
        sizes=packing.sizes,
        **_how_resized(packing),
        channels=packing.channels,
        shards=tuple(shards),
        tables={name: measure_file(folder, name) for name in (IMAGES, RECORDS)},
        **(_describe_table(data) if isinstance(data, AttributeTable) else _describe_domains(data)),
    )


def _how_resized(packing: PackingOptions) -> dict[str, Any]:
    if not packing.sizes:
        return {}
    settings = ("aspect", "interpolation_a", "interpolation_b", "white_level")
    return {name: getattr(packing, name) for name in settings}


def _describe_domains(source: DomainSource) -> dict[str, Any]:
    splits = {
        name: DomainCounts(a=len(split.a.names), b=len(split.b.names), aligned=split.aligned)
        for name, split in source.splits.items()
    }
    return {"source": _replace_surrogates(source.description), "splits": splits}


def _describe_table(table: AttributeTable) -> dict[str, Any]:
    return {
        "source": _replace_surrogates(f"the table {table.path}"),
        "rows": dict(Counter(row.get("split", "") for _, row in table.rows)),
        "columns": table.columns,
        "skipped": tuple(map(_replace_surrogates, table.skipped)),
    }


def _replace_surrogates(text: str) -> str:
    """Replaces surrogates, which stand for bytes of file names that are not valid UTF-8."""
    return text.encode("utf-8", "replace").decode()
