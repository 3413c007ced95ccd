"""Photographs cut out for Tux Paint, beside 3D emoji: two unpaired domains."""

import csv
import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from tf_translate.data.fetch.emoji import RENDERS, readers_of, reduce
from tf_translate.data.fetch.fetch_options import FetchOptions, Progress
from tf_translate.data.fetch.svg_rendering import write_table
from tf_translate.data.layouts.attribute_table import split_by_hash
from tf_translate.data.shipped_samples import samples_folder
from tf_translate.errors import DataError

_STAMPS = PurePosixPath("usr/share/tuxpaint/stamps")
# Folders of photographs of animals and things; the others hold symbols and drawings.
_PHOTOGRAPHS = (
    *("animals", "food", "hobbies", "household", "medical", "plants", "space", "sports"),
    "vehicles",
)
_DRAWN = {"cartoon"}  # folders in them
_LARGEST = 8192 * 8192  # pixels of a stamp; a damaged file could name more
_AR_MAGIC, _AR_HEADER = b"!<arch>\n", 60


def write_stamps(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """Writes photographs and emoji as PNG on white, and a table of the columns split, a and b.

    Photographs (a) are split by a hash of their names; a mirrored copy of a photograph is left
    out. Emoji (b) have the splits of the shipped samples. A row has one of the two.

    Args:
        files: The Debian package tuxpaint-stamps-default, and the npm package of the 3D emoji.
        folder: Output folder.
        options: `size` of the images.
        progress: Called after every image.
    """
    size = int(options.size or 0)
    emoji = readers_of({RENDERS: files[1]})[RENDERS]
    with (samples_folder() / "flat_to_3d.csv").open(newline="", encoding="utf-8") as opened:
        splits = {Path(row["b"]).stem: row["split"] for row in csv.DictReader(opened)}
    rows, total = [], 300 + len(splits)
    for name, image in read_photographs(files[0]):
        path = Path("photographs", f"{name}.png")
        (folder / path).parent.mkdir(exist_ok=True)
        reduce(_square(image), size).save(folder / path)
        rows.append((split_by_hash(name), path.as_posix(), ""))
        progress(len(rows), total)
    for code, split in sorted(splits.items()):
        path = Path("emoji", f"{code}.png")
        (folder / path).parent.mkdir(exist_ok=True)
        reduce(emoji.image(code), size).save(folder / path)
        rows.append((split, "", path.as_posix()))
        progress(len(rows), max(total, len(rows)))
    return write_table(folder / "stamps.csv", ("split", "a", "b"), sorted(rows))


def read_photographs(package: Path) -> Iterator[tuple[str, Image.Image]]:
    """The photographs of a Debian package, RGBA, each with a name such as "animals-cats-lion".

    Raises:
        DataError: If the file is no Debian package with stamps in it.
    """
    found = 0
    with tarfile.open(fileobj=_data_of(package), mode="r:xz") as opened:
        for member in opened:
            path = PurePosixPath(member.name)
            if not member.isfile() or path.suffix != ".png" or not path.is_relative_to(_STAMPS):
                continue
            parts = path.relative_to(_STAMPS).with_suffix("").parts
            mirrored = parts[-1].endswith(("_mirror", "_flip"))
            if parts[0] not in _PHOTOGRAPHS or _DRAWN & {*parts} or mirrored:
                continue
            read = opened.extractfile(member)
            image = Image.open(io.BytesIO(read.read() if read else b""))
            if image.width * image.height <= _LARGEST:
                found += 1
                yield "-".join(parts), image.convert("RGBA")
    if not found:
        raise DataError(f"{package} holds no photographs of Tux Paint; delete it and fetch again")


def _data_of(package: Path) -> io.BytesIO:
    """The archive data.tar.xz in a Debian package, which is an `ar` archive (deb(5))."""
    content = memoryview(package.read_bytes())
    position = len(_AR_MAGIC)
    while bytes(content[: len(_AR_MAGIC)]) == _AR_MAGIC and position + _AR_HEADER <= len(content):
        header = bytes(content[position : position + _AR_HEADER])
        name, length = header[:16].decode("ascii", "replace").strip().rstrip("/"), header[48:58]
        if not length.strip().isdigit():
            break
        start = position + _AR_HEADER
        if name == "data.tar.xz":
            return io.BytesIO(content[start : start + int(length)])
        position = start + int(length) + int(length) % 2
    raise DataError(f"{package} is no Debian package with data.tar.xz; delete it and fetch again")


def _square(image: Image.Image) -> Image.Image:
    """The visible part of a photograph in the middle of a square with a margin."""
    box = image.getchannel("A").getbbox() or (0, 0, *image.size)
    cut = image.crop(box)
    side = round(1.06 * max(cut.size))
    square = Image.new("RGBA", (side, side))
    square.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return square
