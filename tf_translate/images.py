"""Reads, writes, resizes and scales images.

Files hold uint8 in [0, 255]. Inside the library, images are float32 in [-1, 1], of shape
`(height, width, channels)` or a batch of these.
"""

import io
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_translate.atomic_files import write_atomically
from tf_translate.errors import DataError
from tf_translate.image_decoding import MAX_PIXELS, decode

if TYPE_CHECKING:  # settings take time to load
    from tf_translate.config.data import Interpolation

EXTENSIONS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
LARGEST = 1.01  # images are in [-1, 1]; resizing in float32 may pass 1 by rounding
UNIT_RANGE_FIX = "if 0 is black there, scale them by images * 2 - 1"  # of images all in [0, 1]
_LARGEST_FILE = 4 * 2**30  # bytes; the limit of BMP and of TIFF itself
_PNG_LEVEL = 1  # a 256 px photograph takes 5 ms, not 19 ms as at zlib's level 6; 9 % larger


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Maps uint8 [0, 255] to float32 [-1, 1]; any shape."""
    return pixels.astype(np.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Maps float [-1, 1] to uint8 [0, 255], rounding to nearest and clipping; any shape."""
    scaled = np.rint((np.asarray(images, np.float32) + 1.0) * 127.5)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def read(
    path: str | Path,
    *,
    channels: int = 3,
    white_level: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Reads an image file by the rules of `image_decoding.decode`.

    Args:
        path: A JPEG, PNG, WebP, BMP, GIF or TIFF file, whatever its name.
        channels: 1, 3 or 4.
        white_level: The level of white in 16-bit grey images; None for 65,535.
        max_pixels: The largest number of pixels that is read.

    Returns:
        uint8 `(height, width, channels)` in [0, 255].

    Raises:
        DataError: If the file is missing, empty, damaged, too large or not an image of a known
            kind. The message names it.
    """
    encoded = read_bytes(path)
    return decode(
        encoded, channels=channels, origin=path, white_level=white_level, max_pixels=max_pixels
    )


def read_bytes(path: str | Path) -> bytes:
    """Reads an image file without decoding it; `DataError` if it is missing or empty."""
    try:
        status = os.stat(path)  # Opening a pipe may wait for ever; a device may never end.
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise DataError(f"{path} is not an image file, but a pipe, a socket or a device")
        if status.st_size > _LARGEST_FILE:
            raise DataError(
                f"the image file {path} is too large: it has {status.st_size / 2**30:,.1f} GiB, "
                f"the limit is {_LARGEST_FILE / 2**30:.0f} GiB"
            )
        with open(
            path, "rb"
        ) as file:  # Creating a Path takes a tenth of the time of a small image.
            encoded = file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError) as error:
        raise DataError(f"there is no image file {path}") from error
    except OSError as error:
        raise DataError(f"the image file {path} cannot be read: {error}") from error
    if not encoded:
        raise DataError(f"the image file {path} is empty (0 bytes)")
    return encoded


def resize(
    pixels: np.ndarray, size: tuple[int, int], *, interpolation: "Interpolation" = "bicubic"
) -> np.ndarray:
    """Resizes uint8 `(h, w, c)` to `size` (height, width).

    Bicubic has antialiasing, and weights colours by alpha. Nearest takes the pixel at the
    centre of each new one, so no new colours appear.
    """
    if pixels.shape[:2] == tuple(size):
        return pixels
    if interpolation == "nearest":
        rows, columns = map(_nearest, pixels.shape[:2], size)
        return pixels[rows[:, None], columns]
    channels = pixels.shape[-1]
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    is_weighted = channels == 4
    if is_weighted:
        image = image.convert("RGBa")
    # Rows first, then columns, as at inference. In one call Pillow 13 may resize columns first
    # where that is faster (its pull request 9549), which changes some levels by 1.
    image = image.resize((size[1], image.height), Image.Resampling.BICUBIC)
    resized = image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    resized = resized.convert("RGBA") if is_weighted else resized
    return np.asarray(resized, np.uint8).reshape(*size, channels)


def _nearest(length: int, new_length: int) -> np.ndarray:
    """The position in an axis at the centre of each position of the resized axis."""
    return (2 * np.arange(new_length) + 1) * length // (2 * new_length)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encodes uint8 `(h, w, c)` as the bytes of a PNG file, losslessly."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, "png", compress_level=_PNG_LEVEL)
    return buffer.getvalue()


def write(path: str | Path, pixels: np.ndarray) -> None:
    """Writes uint8 `(h, w, c)` atomically; the suffix of the file name sets the format."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    write_atomically(Path(path), image.save, to_disk=False)


def to_rgb(pixels: np.ndarray) -> np.ndarray:
    """Converts uint8 `(..., c)` to RGB: repeats grey, composites alpha over white."""
    channels = pixels.shape[-1]
    if channels == 1:
        return np.repeat(pixels, 3, axis=-1)
    if channels == 4:
        alpha = pixels[..., 3:].astype(np.float32) / 255.0
        return np.rint(pixels[..., :3] * alpha + 255.0 * (1.0 - alpha)).astype(np.uint8)
    return pixels


def grid(
    columns: Sequence[np.ndarray],
    *,
    titles: Sequence[str] = (),
    scale: int = 1,
    gap: int = 4,
) -> np.ndarray:
    """Arranges batches of images in a grid: one batch a column, one example a row.

    Args:
        columns: Float batches in [-1, 1], each `(rows, h, w, c)`; sizes may differ.
        titles: One heading for each column, or none.
        scale: Integer factor of enlargement (nearest neighbour), for small images.
        gap: White pixels between images.

    Returns:
        uint8 `(height, width, 3)`.
    """
    if titles and len(titles) != len(columns):
        raise ValueError(f"`titles` must name all {len(columns)} columns, got {len(titles)}")
    batches = [to_rgb(to_uint8(column)).repeat(scale, 1).repeat(scale, 2) for column in columns]
    rows = min(len(column) for column in batches)
    cell = max(column.shape[1] for column in batches)
    header = 18 if titles else 0
    widths = [column.shape[2] + gap for column in batches]
    canvas = np.full((header + rows * (cell + gap) + gap, sum(widths) + gap, 3), 255, np.uint8)
    left = gap
    for column, width in zip(batches, widths, strict=True):
        for row in range(rows):
            top = header + gap + row * (cell + gap)
            canvas[top : top + column.shape[1], left : left + column.shape[2]] = column[row]
        left += width
    return _with_titles(canvas, titles, widths, gap) if titles else canvas


def _with_titles(
    canvas: np.ndarray, titles: Sequence[str], widths: Sequence[int], gap: int
) -> np.ndarray:
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=12)
    left = gap
    for title, width in zip(titles, widths, strict=True):
        while title and draw.textlength(title, font=font) > width:
            title = title[:-1]
        draw.text((left, 3), title, fill=(60, 60, 60), font=font)
        left += width
    return np.asarray(image)
