"""Reads, writes, resizes and scales images.

Files hold uint8 in [0, 255]. Inside the library, images are float32 in [-1, 1], of shape
`(height, width, channels)` or a batch of these.
"""

import io
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from tf_translate.errors import DataError

EXTENSIONS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_PNG_LEVEL = 1  # a 256 px photograph takes 5 ms, not 19 ms as at zlib's level 6; 9 % larger
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Maps uint8 [0, 255] to float32 [-1, 1]; any shape."""
    return pixels.astype(np.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Maps float [-1, 1] to uint8 [0, 255], rounding to nearest and clipping; any shape."""
    scaled = np.rint((np.asarray(images, np.float32) + 1.0) * 127.5)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def read(path: str | Path, *, channels: int = 3) -> np.ndarray:
    """Reads an image file and applies its EXIF rotation.

    With 1 or 3 channels, transparent pixels are composited over white. With 4, the alpha
    channel is kept (255 if the file has none). If 3 channels are requested, grey is repeated
    three times. If 1 channel is requested, colour is converted to luma.

    Args:
        path: A jpg, png, webp or bmp file.
        channels: 1, 3 or 4.

    Returns:
        uint8 `(height, width, channels)` in [0, 255].

    Raises:
        DataError: If the file is missing, empty, damaged or not an image. The message names it.
    """
    return decode(read_bytes(path), channels=channels, origin=path)


def read_bytes(path: str | Path) -> bytes:
    """Reads an image file without decoding it; `DataError` if it is missing or empty."""
    try:
        mode = os.stat(path).st_mode  # Opening a pipe may wait for ever; a device may never end.
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise DataError(f"{path} is not an image file, but a pipe, a socket or a device")
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


def decode(encoded: bytes, *, channels: int, origin: object) -> np.ndarray:
    """Decodes the bytes of an image file as `read` does; errors name `origin`."""
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            opened.load()
            return to_array(ImageOps.exif_transpose(opened), channels=channels)
    except UnidentifiedImageError as error:
        raise DataError(f"{origin} is not an image that can be read") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"the image file {origin} is damaged: {error}") from error


def to_array(image: Image.Image, *, channels: int) -> np.ndarray:
    """Converts a Pillow image to uint8 `(height, width, channels)` by the rules of `read`."""
    if channels not in _MODES:
        raise ValueError(f"`channels` must be 1, 3 or 4, got {channels}")
    if image.mode.startswith("I"):  # 16-bit grey: Pillow would clip at 255; scale instead
        values = np.asarray(image, np.float64) / 257.0
        image = Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8))
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if has_alpha and channels != 4:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    array = np.asarray(image.convert(_MODES[channels]), np.uint8)
    return array.reshape(*array.shape[:2], channels)


def resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes uint8 `(h, w, c)` to `size` (height, width), bicubic with antialiasing."""
    if pixels.shape[:2] == tuple(size):
        return pixels
    channels = pixels.shape[-1]
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    resized = image.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(resized, np.uint8).reshape(*size, channels)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encodes uint8 `(h, w, c)` as the bytes of a PNG file, losslessly."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, "png", compress_level=_PNG_LEVEL)
    return buffer.getvalue()


def write(path: str | Path, pixels: np.ndarray) -> None:
    """Writes uint8 `(h, w, c)` atomically; the suffix of the file name sets the format."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    image.save(temporary)
    temporary.replace(path)


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
