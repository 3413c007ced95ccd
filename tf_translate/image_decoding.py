"""Decodes image files of the formats, modes and sizes that are known, and refuses all others.

The first bytes of a file decide its format, never its name, and no other decoder is opened:
JPEG, PNG, WebP, BMP, GIF (first frame) and TIFF (first page). Pillow's mode decides the rule by
which pixels become 8 bits (`_RULES`). The header decides whether an image is too large, before
anything is decoded. An embedded colour profile is converted to sRGB, EXIF rotation is applied.

Decoding needs 7 to 10 bytes of memory for each pixel, 4 in Pillow and 3 in the result, and 16 for
WebP, whose decoder keeps two images. Conversions work in bands of rows, so that they add little.
"""

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from tf_translate.colour_profiles import profile_transform
from tf_translate.errors import DataError
from tf_translate.image_notices import notice

MAX_PIXELS = 178_956_970  # as Pillow; `scripts/bench image_memory` measures the memory
MAX_TILED_PIXELS = 1_000_000_000  # with translate --tiles
CHANNEL_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
FORMATS = "JPEG, PNG, WebP, BMP, GIF and TIFF"
_SMALLER = "make it smaller first, for example with: magick IN -resize 50% OUT"
_TILES = f", or use translate --tiles, whose limit is {MAX_TILED_PIXELS / 1e6:,.0f} million"

_DEEP = 65_535  # the highest level of 16 bits
_BAND = 2**22  # pixels converted at once
_ORIENTATION = 0x0112  # EXIF tag
_BITS, _WHITE_IS_ZERO, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
_SIGNED = 2  # SampleFormat
_READERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
# Where a format has its mark, and the mark.
_SIGNATURES: tuple[tuple[str, int, tuple[bytes, ...]], ...] = (
    ("JPEG", 0, (b"\xff\xd8\xff",)),
    ("PNG", 0, (b"\x89PNG\r\n\x1a\n",)),
    ("WebP", 8, (b"WEBP",)),
    ("BMP", 0, (b"BM",)),
    ("GIF", 0, (b"GIF87a", b"GIF89a")),
    ("TIFF", 0, (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
)
_OTHER_SIGNATURES: tuple[tuple[str, int, tuple[bytes, ...]], ...] = (
    ("an AVIF image", 4, (b"ftypavif", b"ftypavis")),
    ("a HEIC image", 4, (b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")),
    ("a film", 4, (b"ftyp",)),
    ("a JPEG XL image", 0, (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    ("a JPEG 2000 image", 0, (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    ("a PostScript file (EPS)", 0, (b"%!PS", b"\xc5\xd0\xd3\xc6")),
    ("a PDF file", 0, (b"%PDF",)),
    ("a Photoshop file", 0, (b"8BPS",)),
    ("an SVG drawing", 0, (b"<svg", b"<?xml")),
    ("a web page", 0, (b"<!DOCTYPE", b"<!doctype", b"<html")),
    ("an icon file", 0, (b"\0\0\1\0", b"icns")),
    ("a Netpbm image", 0, tuple(b"P%d" % kind for kind in range(1, 8))),
    ("an OpenEXR image", 0, (b"v/1\x01",)),
    ("a Radiance image", 0, (b"#?RADIANCE", b"#?RGBE")),
    ("a DICOM image", 128, (b"DICM",)),
    ("a FITS image", 0, (b"SIMPLE  =",)),
    ("a DDS texture", 0, (b"DDS ",)),
    ("a QOI image", 0, (b"qoif",)),
    ("a NumPy array", 0, (b"\x93NUMPY",)),
)
# Pillow's mode of a file -> the mode that it is converted to first. I;16 and F have rules of their
# own (`_grey_16`, `_floats`); every other mode is refused.
_RULES = {
    "1": "L",  # black and white: 0 and 255
    "L": "L",
    "LA": "LA",
    "La": "LA",  # grey multiplied by alpha: divided again
    "P": "P",  # palette: the colours, not the indices
    "PA": "PA",
    "RGB": "RGB",  # of 16 bits a channel: their upper 8, see `_check_deep_colour`
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "CMYK": "CMYK",  # to RGB by its profile, or else by 255 - ink - black
    "YCbCr": "RGB",
    "LAB": "LAB",  # to sRGB with white D50
}
_GREY_16 = ("I;16", "I;16L", "I;16B", "I;16N")
_ROTATIONS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, 1),
}


def decode(
    encoded: bytes,
    *,
    channels: int,
    origin: object,
    white_level: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decodes the bytes of an image file.

    With 1 or 3 channels, transparent pixels are composited over white. With 4, the alpha channel is
    kept (255 if the file has none). If 3 channels are requested, grey is repeated three times. If 1
    channel is requested, colour is converted to luma.

    Args:
        encoded: The bytes of a file of one of `FORMATS`.
        channels: 1, 3 or 4.
        origin: Name of the file, for messages.
        white_level: The level of white in 16-bit grey images; higher levels are clipped. None for
            65,535. Other images ignore it.
        max_pixels: The largest number of pixels that is decoded.

    Returns:
        uint8 `(height, width, channels)` in [0, 255].

    Raises:
        DataError: If the format or mode is none of the known ones, the image is too large, or the
            file is damaged. The message names `origin` and what to do.
        ValueError: If `channels` or `white_level` is impossible.
    """
    reader, name = _reader(encoded, origin)
    lifted = _without_limit() if max_pixels > MAX_PIXELS else contextlib.nullcontext()
    with _errors_as_sentences(origin, name), lifted, reader(io.BytesIO(encoded)) as image:
        _check_size(image, origin, max_pixels)
        _check_tiff(image, origin)
        deep_colour = _is_deep_colour(image)
        if _has_more_frames(image):
            notice("frames", origin)
        with _without_limit() if _is_large(image) else contextlib.nullcontext():
            image.load()
        if deep_colour:
            _check_deep_colour(image, origin, white_level)
        pixels = to_array(image, channels=channels, origin=origin, white_level=white_level)
        orientation = _orientation(image, origin)
    rotate = _ROTATIONS.get(orientation)
    if rotate:
        notice("rotated", origin)
    return np.ascontiguousarray(rotate(pixels)) if rotate else pixels


def to_array(
    image: Image.Image, *, channels: int, origin: object, white_level: int | None = None
) -> np.ndarray:
    """Converts a Pillow image to uint8 `(height, width, channels)` by the rules of `decode`."""
    if channels not in CHANNEL_MODES:
        raise ValueError(f"`channels` must be 1, 3 or 4, got {channels}")
    to_eight_bits = _eight_bit_rule(image, origin, white_level)
    profile = image.info.get("icc_profile")

    def convert(part: Image.Image) -> np.ndarray:
        part = to_eight_bits(part)
        if profile:
            part = _to_srgb(part, profile)
        return _with_channels(part, channels)

    if "icc_profile" in image.info:
        _notice_profile(image, profile, origin)
    _notice_channels(image, channels, origin)
    bands = _bands(image)
    top, part = next(bands)
    pixels = convert(part)
    if part.height == image.height:
        return pixels
    whole = np.empty((image.height, image.width, channels), np.uint8)
    whole[: part.height] = pixels
    for top, part in bands:
        whole[top : top + part.height] = convert(part)
    return whole


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yields the parts of an image that are converted at once, and the row where each starts."""
    rows = max(1, _BAND // image.width)
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _reader(
    encoded: bytes, origin: object
) -> tuple[Callable[[io.BytesIO], ImageFile.ImageFile], str]:
    """Returns what decodes a file by its first bytes, and the name of the format."""
    for name, start, marks in _SIGNATURES:
        if encoded.startswith(marks, start):
            return _READERS[name], name
    for kind, start, marks in _OTHER_SIGNATURES:
        if encoded.startswith(marks, start):
            raise DataError(
                f"{origin} is {kind}, which is not read: only {FORMATS} are; convert it first, for "
                "example to PNG"
            )
    raise DataError(f"{origin} is not an image that can be read: only {FORMATS} are")


@contextlib.contextmanager
def _errors_as_sentences(origin: object, name: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"there is not enough memory to decode the image file {origin}") from error
    except Image.DecompressionBombError as error:
        raise DataError(
            f"the image file {origin} has more pixels than the limit of {_million(MAX_PIXELS)}; "
            f"{_SMALLER}{_TILES}"
        ) from error
    # On damaged bytes Pillow's decoders raise KeyError, struct.error, AttributeError and others.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise DataError(
            f"the image file {origin} is damaged, or of a kind of {name} that is not read: {reason}"
        ) from error


def _check_size(image: Image.Image, origin: object, max_pixels: int) -> None:
    width, height = image.size
    if width * height <= max_pixels:
        return
    tiles = _TILES if max_pixels < width * height <= MAX_TILED_PIXELS else ""
    raise DataError(
        f"the image file {origin} has {width} x {height} = {_million(width * height)} pixels, more "
        f"than the limit of {_million(max_pixels)}; {_SMALLER}{tiles}"
    )


def _million(count: int) -> str:
    return f"{count / 1e6:,.0f} million"


def _is_large(image: Image.Image) -> bool:
    limit = Image.MAX_IMAGE_PIXELS
    return limit is not None and image.width * image.height > limit


_limit_lock = threading.RLock()


@contextlib.contextmanager
def _without_limit() -> Iterator[None]:
    """Lifts Pillow's own limit, which is that of the process, for images below ours.

    Also keeps large images from being decoded several at a time.
    """
    with _limit_lock:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _check_tiff(image: ImageFile.ImageFile, origin: object) -> None:
    """Refuses 8 bits with a sign, which Pillow would read as if they had none."""
    if image.mode == "L" and _SIGNED in _tag(image, _SAMPLE_FORMAT):
        raise DataError(
            f"{origin} holds integers from -128 to 127, and nothing says which of them are black "
            "and white; convert all images alike to 8 bits without a sign first"
        )


def _tag(image: Image.Image, tag: int) -> tuple[Any, ...]:
    """The values of a TIFF tag; none in other files."""
    found = getattr(image, "tag_v2", {}).get(tag, ())
    return found if isinstance(found, tuple) else (found,)


def _is_deep_colour(image: ImageFile.ImageFile) -> bool:
    """Whether a file that is not decoded yet has 16 bits in each channel of a colour."""
    if image.mode not in ("RGB", "RGBA") or not image.tile:
        return False
    arguments = image.tile[0].args
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return isinstance(raw_mode, str) and ";16" in raw_mode


def _check_deep_colour(image: Image.Image, origin: object, white_level: int | None) -> None:
    """Pillow reads the upper 8 of 16 bits; too little is left if white is a lower level."""
    if white_level not in (None, _DEEP):
        raise DataError(
            f"{origin} has 16 bits in each of several channels, of which the upper 8 are read, so "
            f"a white level of {white_level:,} cannot be applied to it; convert it to 8 bits first"
        )
    colours: Any = image.getextrema()[:3]
    notice("deep_colour", origin, max(high for _, high in colours) * 256 + 255)


def _eight_bit_rule(
    image: Image.Image, origin: object, white_level: int | None
) -> Callable[[Image.Image], Image.Image]:
    """Returns what converts the image, or a part of it, to 8 bits a channel.

    Raises:
        DataError: If there is no rule for its mode, or floats are outside [0, 1].
        ValueError: If `white_level` is impossible.
    """
    if white_level is not None and not 1 <= white_level <= _DEEP:
        raise ValueError(f"`white_level` must be 1 to {_DEEP:,}, got {white_level}")
    if image.mode in _GREY_16:
        return _grey_16(image, origin, white_level)
    if image.mode == "F":
        return _floats(image, origin)
    if image.mode not in _RULES:
        raise DataError(_no_rule(image, origin, "integers of 32 bits or with a sign"))
    first = _RULES[image.mode]
    return lambda part: part if part.mode == first else part.convert(first)


def _grey_16(
    image: Image.Image, origin: object, white_level: int | None
) -> Callable[[Image.Image], Image.Image]:
    """Scales 16-bit grey: the white level becomes 255."""
    highest = max(int(np.asarray(part).max()) for _, part in _bands(image))
    white = 4095 if _tag(image, _BITS) == (12,) else _DEEP  # a TIFF may say that it has 12 bits
    if white_level is not None and highest > white_level:
        notice("clipped", origin, highest)
    elif white_level is None and white == _DEEP:
        notice("deep", origin, highest)
    table = _level_table(white_level or white)
    if _tag(image, _WHITE_IS_ZERO) == (0,):
        table = 255 - table
    return lambda part: Image.fromarray(table[np.asarray(part)])


@lru_cache(maxsize=8)
def _level_table(white_level: int) -> np.ndarray:
    """The 8-bit level of every 16-bit level: 0 to 0, the white level and above to 255."""
    levels = np.arange(_DEEP + 1) * (255.0 / white_level)
    return np.rint(levels).clip(0, 255).astype(np.uint8)


def _floats(image: Image.Image, origin: object) -> Callable[[Image.Image], Image.Image]:
    """Scales floats from [0, 1]; others have no agreed black and white."""
    low, high = image.getextrema()
    if not (isinstance(low, float) and isinstance(high, float) and 0 <= low <= high <= 1):
        raise DataError(_no_rule(image, origin, "floats"))
    notice("float", origin)
    inverted = _tag(image, _WHITE_IS_ZERO) == (0,)

    def scale(part: Image.Image) -> Image.Image:
        values = np.asarray(part)
        if np.isnan(values).any():
            raise DataError(
                f"{origin} holds values that are no numbers (NaN); replace them and save it again "
                "as 8-bit or 16-bit PNG"
            )
        levels = np.rint(values * np.float32(255.0)).astype(np.uint8)
        return Image.fromarray(255 - levels if inverted else levels)

    return scale


def _no_rule(image: Image.Image, origin: object, kind: str) -> str:
    """Says that an image has values without an agreed black and white, and what to do."""
    if image.mode not in ("I", "F"):
        return (
            f"{origin} is an image of Pillow's mode {image.mode}, which is not read; save it as "
            "8-bit or 16-bit PNG first"
        )
    extrema: Any = image.getextrema()
    low, high = (f"{each:.7g}" for each in extrema)
    return (
        f"{origin} holds {kind} from {low} to {high}, and nothing says which of them are black and "
        f"white (only 8 and 16 bits, and floats in [0, 1], are read); convert all images alike "
        f"first, for example with: gdal_translate -ot UInt16 -scale {low} {high} 0 65535 IN OUT.png"
    )


def _notice_profile(image: Image.Image, profile: bytes | None, origin: object) -> None:
    found = profile_transform(profile or b"", _profile_mode(image))
    if not found.usable:
        notice("profile", origin)
    elif found.transform is not None:
        notice("converted", origin)


def _profile_mode(image: Image.Image) -> str:
    """The mode in which a profile is applied to an image of any known mode."""
    if image.mode in ("P", "PA"):
        return "RGBA" if _has_alpha(image) else "RGB"
    if image.mode in ("1", "L", "LA", "La", "F", *_GREY_16):
        return "L"
    return {"RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB"}.get(image.mode, image.mode)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Applies a profile to an image of one of the modes of `_RULES`; keeps its alpha channel."""
    mode = _profile_mode(image)
    found = profile_transform(profile, mode)
    if found.transform is None:
        return image
    if image.mode == "LA":
        grey, alpha = image.split()
        return Image.merge("LA", (found.apply(grey), alpha))
    converted = found.apply(image if image.mode == mode else image.convert(mode))
    if "transparency" in image.info and mode in ("L", "RGB"):  # one colour that is transparent
        converted = converted.convert("RGBA")
        converted.putalpha(image.convert("RGBA").getchannel("A"))
    return converted


def _has_more_frames(image: ImageFile.ImageFile) -> bool:
    """Whether a file holds more than the first frame or page, which is all that is read."""
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # of a damaged second frame, see `_orientation`; the first may be whole
        return True


def _notice_channels(image: Image.Image, channels: int, origin: object) -> None:
    """Counts an image whose channels change: transparency, grey to colour, colour to grey."""
    if channels != 4 and _has_alpha(image) and _is_transparent(image):
        notice("alpha", origin)
    is_grey = _profile_mode(image) == "L"
    if is_grey and channels != 1:
        notice("grey", origin)
    if not is_grey and channels == 1:
        notice("colour", origin)


def _is_transparent(image: Image.Image) -> bool:
    """Whether any pixel of an image with an alpha channel, or one of a palette, is not opaque."""
    for _, part in _bands(image):
        alpha = part if part.mode in ("RGBA", "LA", "PA") else part.convert("RGBA")
        if np.asarray(alpha.getchannel("A")).min() < 255:
            return True
    return False


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _with_channels(image: Image.Image, channels: int) -> np.ndarray:
    """Converts an image of 8 bits to `(height, width, channels)`."""
    if image.mode == "LAB":
        image = image.convert("RGB")
    if _has_alpha(image) and channels != 4:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    mode = CHANNEL_MODES[channels]
    array = np.asarray(image if image.mode == mode else image.convert(mode), np.uint8)
    return array.reshape(*array.shape[:2], channels)


def _orientation(image: Image.Image, origin: object) -> int:
    """The EXIF orientation of a decoded image; 1, upright, if it has none or broken data."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow's parser raises SyntaxError, KeyError, struct.error and others
        notice("exif", origin)
        return 1
    return value if isinstance(value, int) else 1
