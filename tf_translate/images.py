"""Images and value ranges: the one page that knows how pixels become numbers and back.

Files hold uint8 in [0, 255]; everything inside the library is float32 in [-1, 1],
`(height, width, channels)` or a batch of these.
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from tf_translate.errors import DataError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_PNG_LEVEL = 1  # 256 px photographs: written in 5 ms instead of 19 at zlib's 6, 9 % larger
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Maps uint8 [0, 255] to float32 [-1, 1]; any shape."""
    return pixels.astype(np.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Maps float [-1, 1] to uint8 [0, 255], rounding to nearest and clipping; any shape."""
    scaled = np.rint((np.asarray(images, np.float32) + 1.0) * 127.5)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def read(path: str | Path, *, channels: int = 3) -> np.ndarray:
    """Reads a image upright.

    EXIF rotation is applied. With 1 or 3 channels transparent pixels are laid over
    white; with 4 the alpha channel is kept (255 where the file has none). Grey becomes
    three equal channels when colour is asked for, colour becomes luma when grey is.

    Args:
        path: A jpg, png, webp or bmp file.
        channels: 1, 3 or 4.

    Returns:
        uint8 `(height, width, channels)` in [0, 255].

    Raises:
        DataError: If the file is missing, empty, broken or no image, naming it.
    """
    return decode(contents(path), channels=channels, origin=path)


def contents(path: str | Path) -> bytes:
    """The bytes of a image file, not decoded; `DataError` if it is missing or empty."""
    try:
        with open(path, "rb") as file:  # a Path costs a tenth of a small image
            found = file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError) as error:
        raise DataError(f"there is no image file {path}") from error
    except OSError as error:
        raise DataError(f"the image file {path} is broken: {error}") from error
    if not found:
        raise DataError(f"the image file {path} is empty (0 bytes)")
    return found


def decode(encoded: bytes, *, channels: int, origin: object) -> np.ndarray:
    """As `read` from the bytes of a file; errors name where they are from."""
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            opened.load()
            return as_array(ImageOps.exif_transpose(opened), channels=channels)
    except UnidentifiedImageError as error:
        raise DataError(f"{origin} is not a image that can be read") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"the image file {origin} is broken: {error}") from error


def as_array(image: Image.Image, *, channels: int) -> np.ndarray:
    """Turns a Pillow image into uint8 `(height, width, channels)`; rules as in `read`."""
    if channels not in _MODES:
        raise ValueError(f"`channels` must be 1, 3 or 4, got {channels}")
    if image.mode.startswith("I"):  # 16-bit grey: Pillow would clip at 255, we scale
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


def png(pixels: np.ndarray) -> bytes:
    """The bytes of a PNG file of uint8 `(h, w, c)`, which decodes to the same numbers."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    written = io.BytesIO()
    image.save(written, "png", compress_level=_PNG_LEVEL)
    return written.getvalue()


def write(path: str | Path, pixels: np.ndarray) -> None:
    """Writes uint8 `(h, w, c)` whole or not at all; the format depends_on the file name."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    image.save(temporary)
    temporary.replace(path)


def colour(pixels: np.ndarray) -> np.ndarray:
    """Gives uint8 `(..., c)` three channels to show: grey repeated, alpha laid over white."""
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
    """Lays batches of images side by side, one column each, one example a row.

    Args:
        columns: Float batches in [-1, 1], each `(rows, h, w, c)`; sizes may differ.
        titles: One heading a column, or none.
        scale: Whole-number enlargement (nearest), for small images.
        gap: White pixels between images.

    Returns:
        uint8 `(height, width, 3)`.
    """
    if titles and len(titles) != len(columns):
        raise ValueError(f"`titles` must name all {len(columns)} columns, got {len(titles)}")
    shown = [colour(to_uint8(column)).repeat(scale, 1).repeat(scale, 2) for column in columns]
    rows = min(len(column) for column in shown)
    cell = max(column.shape[1] for column in shown)
    header = 18 if titles else 0
    widths = [column.shape[2] + gap for column in shown]
    canvas = np.full((header + rows * (cell + gap) + gap, sum(widths) + gap, 3), 255, np.uint8)
    left = gap
    for column, width in zip(shown, widths, strict=True):
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
