"""Small valid images of every format, foreign files and decompression bombs, for `fuzz_images`."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

SIZE = (32, 24)  # width and height


def seed_files() -> dict[str, bytes]:
    """Files by name; the same on every call."""
    images = *_jpegs(), *_pngs(), *_webps(), *_others(), *_tiffs(), *_with_exif()
    return dict([*images, *_foreign(), *_bombs()])


def _photo(mode: str = "RGB") -> Image.Image:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC).convert(mode)


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E], exif[0x0132] = "a description", "2024:01:01 00:00:00"
    exif[0x011A], exif[0x011B], exif[0x0128] = 72.0, 72.0, 2  # resolution
    exif[0x0100], exif[0x0103], exif[0x0102] = 4000, 6, (8, 8, 8)
    exif[0x0214] = (0.0, 255.0, 128.0, 255.0, 128.0, 255.0)
    camera, place = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    camera[0x9003], camera[0x829A], camera[0x9000] = "2024:01:01 00:00:00", 0.01, b"0230"
    camera[0x9204], camera[0x927C] = -0.5, b"maker" * 8
    place[1], place[2], place[5] = "N", (52.0, 30.0, 1.5), b"\0"
    return exif


def _with_exif() -> Iterator[tuple[str, bytes]]:
    for form, ending in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("TIFF", "tif")):
        for orientation in (2, 5, 6):
            exif = _exif(orientation)
            yield f"exif{orientation}.{ending}", _saved(_photo(), form, exif=exif)


def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _gamma_profile() -> bytes:
    """An RGB profile that is not sRGB: its red and blue are exchanged."""
    profile = bytearray(_profile())
    count = struct.unpack(">I", profile[128:132])[0]
    entries = {
        bytes(profile[at : at + 4]): at for at in (132 + 12 * index for index in range(count))
    }
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def _jpegs() -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "RGB", "CMYK"):
        yield f"{mode}.jpg", _saved(_photo(mode), "JPEG")
    yield "progressive.jpg", _saved(_photo(), "JPEG", progressive=True)
    yield "profile.jpg", _saved(_photo(), "JPEG", icc_profile=_gamma_profile())
    frames = [_photo().rotate(180)]
    yield "two.jpg", _saved(_photo(), "MPO", save_all=True, append_images=frames)


def _pngs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield f"{mode}.png", _saved(_photo(mode), "PNG")
    deep = Image.fromarray(np.linspace(0, 65535, 768).astype(np.uint16).reshape(24, 32))
    yield "deep.png", _saved(deep, "PNG")
    yield "see_through.png", _saved(_photo("P"), "PNG", transparency=bytes(range(200)))
    yield "one_colour.png", _saved(_photo(), "PNG", transparency=(1, 2, 3))
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a" * 200, zip=True)
    text.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>', zip=True)
    yield "text.png", _saved(_photo(), "PNG", pnginfo=text)
    yield "profile.png", _saved(_photo("RGBA"), "PNG", icc_profile=_gamma_profile())
    frames = [_photo().rotate(90)]
    yield "animated.png", _saved(_photo(), "PNG", save_all=True, append_images=frames)


def _webps() -> Iterator[tuple[str, bytes]]:
    yield "lossy.webp", _saved(_photo(), "WEBP")
    yield "lossless.webp", _saved(_photo("RGBA"), "WEBP", lossless=True)
    frames = [_photo().rotate(90)]
    yield "animated.webp", _saved(_photo(), "WEBP", save_all=True, append_images=frames)
    yield "full.webp", _saved(_photo(), "WEBP", exif=_exif(3), icc_profile=_gamma_profile())


def _others() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield f"{mode}.bmp", _saved(_photo(mode), "BMP")
    yield "still.gif", _saved(_photo("P"), "GIF")
    frames = [_photo("P").rotate(90), _photo("P").rotate(180)]
    yield "animated.gif", _saved(_photo("P"), "GIF", save_all=True, append_images=frames)
    yield "see_through.gif", _saved(_photo("P"), "GIF", transparency=3)


def _tiffs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F"):
        image = _photo() if mode in ("LAB", "I", "F") else _photo(mode)
        image = image.convert("L").convert(mode) if mode in ("I", "F") else image
        image = Image.frombytes("LAB", SIZE, image.tobytes()) if mode == "LAB" else image
        yield f"{mode}.tif", _saved(image, "TIFF")
    deep = Image.fromarray(np.linspace(0, 65535, 768).astype(np.uint16).reshape(24, 32))
    yield "deep.tif", _saved(deep, "TIFF")
    unit = np.linspace(0, 1, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE[::-1])
    yield "unit.tif", _saved(Image.fromarray(unit), "TIFF")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"{compression}.tif", _saved(_photo(), "TIFF", compression=compression)
    yield "group4.tif", _saved(_photo("1"), "TIFF", compression="group4")
    pages = [_photo().rotate(90)]
    yield "pages.tif", _saved(_photo(), "TIFF", save_all=True, append_images=pages)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x0112] = 6
    yield "turned.tif", _saved(_photo(), "TIFF", tiffinfo=tags, icc_profile=_gamma_profile())
    yield "big.tif", _saved(_photo(), "TIFF", big_tiff=True)


def _foreign() -> Iterator[tuple[str, bytes]]:
    """Files that must not be opened, under names of images."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(written) (w) file closefile\n"
    yield "eps.png", eps
    yield "avif.png", b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf" + bytes(64)
    yield "heic.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
    yield "svg.png", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
    yield "text.png_", b"not an image\n"
    for form in ("PPM", "ICO", "TGA", "PCX", "SGI", "DDS"):
        yield f"{form.lower()}.png_", _saved(_photo(), form)


def _bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that claim or give much."""
    yield "wide.bomb.png", _png_rows(13_300, 13_300)
    yield "vast.bomb.png", _png_rows(60_000, 60_000, rows=10)
    yield "text.bomb.png", _png_rows(8, 8, extra=_chunk(b"zTXt", b"a\0\0" + _zeros(2**28)))
    yield "profile.bomb.png", _png_rows(8, 8, extra=_chunk(b"iCCP", b"a\0\0" + _zeros(2**28)))
    yield "screen.bomb.gif", _patched(dict(_others())["still.gif"], 6, b"\xff\xff\xff\xff")
    yield "canvas.bomb.webp", _patched(dict(_webps())["full.webp"], 24, b"\xfe\x3f\0\xfe\x3f\0")
    yield (
        "header.bomb.bmp",
        _patched(dict(_others())["RGB.bmp"], 18, struct.pack("<ii", 2**30, 2**30)),
    )
    deflated = Image.new("RGB", (6000, 6000))
    yield "strips.bomb.tif", _saved(deflated, "TIFF", compression="tiff_adobe_deflate")


def _zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(2**20)) for _ in range(count // 2**20)]
    return b"".join([*parts, packer.flush()])


def _png_rows(width: int, height: int, *, rows: int | None = None, extra: bytes = b"") -> bytes:
    """A black RGB PNG; with `rows` it holds data for so many rows only."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * width)
    data = [packer.compress(row) for _ in range(rows or height)]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"".join([*data, packer.flush()])
    chunks = [_chunk(b"IHDR", header), extra, _chunk(b"IDAT", body), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _patched(contents: bytes, at: int, value: bytes) -> bytes:
    return contents[:at] + value + contents[at + len(value) :]
