"""Which files are decoded, by which rules, and what is refused: real files, values by hand."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from tf_translate import images
from tf_translate.errors import DataError
from tf_translate.image_decoding import MAX_PIXELS, MAX_TILED_PIXELS, decode
from tf_translate.image_notices import Notices, collect_notices

CASES = Path(__file__).parent / "fixtures" / "cases"


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noticed(read):
    """What a call returns, and the sentences about it."""
    notices = Notices()
    with collect_notices(notices):
        result = read()
    return result, notices.sentences()


def _tiff(width, bits, data, *, sample_format=1, photometric=1):
    """One row of grey, not compressed."""
    tags = {
        256: (4, width), 257: (4, 1), 258: (3, bits), 259: (3, 1), 262: (3, photometric),
        273: (4, 200), 277: (3, 1), 278: (4, 1), 279: (4, len(data)), 339: (3, sample_format),
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, v) for tag, (kind, v) in tags.items())
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + data


# The ramp has the levels 0, 4, ..., 252 equally often: their mean is 126.
MEAN = 126.0


def test_eight_and_sixteen_bits_of_one_ramp_have_the_same_mean():
    for name in ("u8.png", "u16.tif"):
        pixels, sentences = noticed(lambda name=name: images.read(CASES / name, channels=1))
        assert pixels.mean() == MEAN
        assert sentences == ()


def test_twelve_bits_in_sixteen_are_dark_and_this_is_said():
    pixels, sentences = noticed(lambda: images.read(CASES / "u12in16.png", channels=1))
    assert pixels.mean() == pytest.approx(2016 / 257, abs=0.25)  # its mean is 2016
    assert len(sentences) == 1
    assert "u12in16.png is 4,032 of 65,535, so it is dark" in sentences[0]
    assert "set data.white_level, for example 4095 for 12 bits" in sentences[0]


def test_the_white_level_makes_twelve_bits_in_sixteen_right():
    pixels, sentences = noticed(
        lambda: images.read(CASES / "u12in16.png", channels=1, white_level=4095)
    )
    assert pixels.mean() == pytest.approx(2016 / 4095 * 255, abs=0.25)
    assert np.abs(pixels.astype(int) - images.read(CASES / "u8.png", channels=1)).max() <= 1
    assert sentences == ()


def test_levels_above_the_white_level_are_clipped_and_this_is_said(tmp_path):
    Image.fromarray(np.array([[0, 500, 1000, 3000]], np.uint16)).save(tmp_path / "deep.png")
    pixels, sentences = noticed(
        lambda: images.read(tmp_path / "deep.png", channels=1, white_level=1000)
    )
    assert pixels[..., 0].tolist() == [[0, 128, 255, 255]]  # 127.5 rounds to even
    assert "has levels up to 3,000, which are clipped to data.white_level" in sentences[0]


def test_a_white_level_leaves_eight_bit_images_alone():
    np.testing.assert_array_equal(
        images.read(CASES / "u8.png", white_level=4095), images.read(CASES / "u8.png")
    )


def test_a_tiff_of_twelve_bits_is_scaled_by_what_it_says():
    # Two pixels in three bytes: 0xFFF, 0x800. White is 4095; 2048 / 4095 * 255 = 127.53.
    contents = _tiff(2, 12, b"\xff\xf8\x00")
    pixels, sentences = noticed(lambda: decode(contents, channels=1, origin="x.tif"))
    assert pixels[..., 0].tolist() == [[255, 128]]
    assert sentences == ()


@pytest.mark.parametrize(
    ("bits", "sample_format", "data"),
    [(16, 1, b"\0\0\xff\xff"), (32, 3, struct.pack("<ff", 0, 1)), (8, 1, b"\0\xff")],
)
def test_a_tiff_whose_zero_is_white_is_inverted(bits, sample_format, data):
    contents = _tiff(2, bits, data, sample_format=sample_format, photometric=0)
    assert decode(contents, channels=1, origin="x")[..., 0].tolist() == [[255, 0]]


def test_floats_in_zero_to_one_are_scaled_and_this_is_said():
    pixels, sentences = noticed(lambda: images.read(CASES / "float01.tif"))
    np.testing.assert_array_equal(pixels, images.read(CASES / "u8.png"))
    assert "float01.tif holds floats in [0, 1], which are scaled to 0 to 255" in sentences[0]


@pytest.mark.parametrize(("values", "limits"), [([0.0, 1.5], "0 to 1.5"), ([-0.5, 1], "-0.5 to 1")])
def test_other_floats_are_refused_with_their_limits_and_the_way_out(tmp_path, values, limits):
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(DataError, match=rf"x\.tif holds floats from {limits}") as raised:
        images.read(tmp_path / "x.tif")
    low, high = limits.split(" to ")
    assert f"gdal_translate -ot UInt16 -scale {low} {high} 0 65535 IN OUT.png" in str(raised.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_floats_that_are_no_numbers_are_refused(tmp_path, value):
    Image.fromarray(np.array([[0.5, value, 0.1]], np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(DataError, match=r"x\.tif holds"):
        images.read(tmp_path / "x.tif")


def test_integers_of_32_bits_are_refused_with_their_limits_and_the_way_out():
    with pytest.raises(DataError) as raised:
        images.read(CASES / "i32_hu.tif")
    sentence = str(raised.value)
    assert "i32_hu.tif holds integers of 32 bits or with a sign from -1024 to" in sentence
    assert "nothing says which of them are black and white" in sentence
    assert "-scale -1024 " in sentence


def test_integers_with_a_sign_are_refused():
    with pytest.raises(
        DataError, match=r"x\.tif holds integers of 32 bits or with a sign from -2 to"
    ):
        decode(_tiff(2, 16, b"\xfe\xff\x05\x00", sample_format=2), channels=1, origin="x.tif")
    with pytest.raises(DataError, match=r"x\.tif holds integers from -128 to 127"):
        decode(_tiff(2, 8, b"\xfe\x05", sample_format=2), channels=1, origin="x.tif")


def test_dark_colours_of_sixteen_bits_are_said_and_take_no_white_level():
    contents = _png(1, 1, 16, 2, b"\0" + struct.pack(">HHH", 4000, 4095, 100))
    pixels, sentences = noticed(lambda: decode(contents, channels=3, origin="x.png"))
    assert pixels.tolist() == [[[15, 15, 0]]]
    assert "x.png uses at most 4,095 of 65,535 levels in each channel" in sentences[0]
    with pytest.raises(DataError, match="a white level of 4,095 cannot be applied"):
        decode(contents, channels=3, origin="x.png", white_level=4095)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 255, [255, 255, 255]),
        ("L", 90, [90, 90, 90]),
        ("LA", (90, 255), [90, 90, 90]),
        ("RGB", (1, 2, 3), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 255), [1, 2, 3]),
        ("RGBX", (1, 2, 3, 0), [1, 2, 3]),
        ("CMYK", (255, 0, 0, 55), [0, 200, 200]),  # 255 - ink - black
        ("YCbCr", (90, 128, 128), [90, 90, 90]),
        ("LAB", (255, 0, 0), [255, 255, 255]),  # L* 100: white
    ],
)
def test_every_known_mode_has_its_rule(mode, colour, expected):
    image = Image.new("RGB" if mode == "LAB" else mode, (3, 2), 0 if mode == "LAB" else colour)
    if mode == "LAB":
        image = Image.frombytes("LAB", (3, 2), bytes(colour) * 6)
    form = "PNG" if mode in ("1", "L", "LA", "RGB", "RGBA") else "TIFF"
    pixels = decode(encoded(image, form), channels=3, origin="x")
    assert pixels.shape == (2, 3, 3)
    assert np.abs(pixels.astype(int) - expected).max() <= 1


def test_adobe_rgb_becomes_srgb_and_this_is_said():
    pixels, sentences = noticed(lambda: images.read(CASES / "adobe.jpg"))
    assert np.abs(pixels[10, 10].astype(int) - (0, 161, 47)).max() <= 2
    assert "adobe.jpg has a colour profile and was converted to sRGB" in sentences[0]


def test_an_srgb_profile_changes_no_pixel_and_is_not_mentioned(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    contents = encoded(Image.fromarray(pixels), "PNG", icc_profile=profile)
    read, sentences = noticed(lambda: decode(contents, channels=3, origin="x"))
    np.testing.assert_array_equal(read, pixels)
    assert sentences == ()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "L"])
def test_a_broken_profile_keeps_the_colours_and_this_is_said(mode):
    image = Image.new(mode, (2, 2), 40)
    form = "TIFF" if mode == "CMYK" else "PNG"
    plain = decode(encoded(image, form), channels=3, origin="x")
    contents = encoded(image, form, icc_profile=b"no profile" * 30)
    pixels, sentences = noticed(lambda: decode(contents, channels=3, origin="x"))
    np.testing.assert_array_equal(pixels, plain)
    assert "x has a colour profile that is broken or does not fit" in sentences[0]


def test_a_profile_of_other_colours_than_the_image_keeps_the_colours_and_this_is_said():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    contents = encoded(Image.new("L", (2, 2), 77), "PNG", icc_profile=profile)
    pixels, sentences = noticed(lambda: decode(contents, channels=1, origin="x"))
    assert np.unique(pixels).tolist() == [77]
    assert "does not fit" in sentences[0]


def test_alpha_survives_a_colour_profile():
    with Image.open(CASES / "adobe.jpg") as opened:
        profile, image = opened.info["icc_profile"], opened.convert("RGB")
    opaque = decode(encoded(image, "PNG", icc_profile=profile), channels=3, origin="x")
    image.putalpha(7)
    pixels = decode(encoded(image, "PNG", icc_profile=profile), channels=4, origin="x")
    assert np.unique(pixels[..., 3]).tolist() == [7]
    np.testing.assert_array_equal(pixels[..., :3], opaque)


def test_notices_of_many_images_are_one_sentence(tmp_path):
    notices = Notices()
    for index in range(12):
        Image.fromarray(np.full((2, 2), 100 + index, np.uint16)).save(tmp_path / f"{index}.png")
        with collect_notices(notices):
            images.read(tmp_path / f"{index}.png", channels=1)
    again = Notices.from_json(notices.to_json())
    assert again.sentences() == notices.sentences()
    (sentence,) = again.sentences("--white-level")
    assert f"of 12 images, such as {tmp_path}/0.png, is 111 of 65,535" in sentence
    assert "set --white-level" in sentence


def test_one_bright_image_shows_that_the_others_are_dark_by_themselves(tmp_path):
    Image.fromarray(np.full((2, 2), 100, np.uint16)).save(tmp_path / "dark.png")
    Image.fromarray(np.full((2, 2), 60000, np.uint16)).save(tmp_path / "bright.png")
    _, sentences = noticed(lambda: [images.read(file, channels=1) for file in tmp_path.iterdir()])
    assert sentences == ()


def test_each_conversion_of_pixels_is_said_once_for_all_images(tmp_path):
    grey, colour = Image.new("L", (4, 2), 9), Image.new("RGB", (4, 2), "red")
    second = Image.new("RGB", (4, 2), "blue")
    clear, opaque = Image.new("RGBA", (4, 2), (0, 0, 9, 0)), Image.new("RGBA", (4, 2), "red")
    turned = Image.Exif()
    turned[0x0112] = 6
    files = {
        "alpha": encoded(clear, "PNG"),
        "opaque": encoded(opaque, "PNG"),
        "palette": encoded(clear.convert("P"), "GIF", transparency=0),
        "grey": encoded(grey, "PNG"),
        "frames": encoded(colour, "GIF", save_all=True, append_images=[second]),
        "rotated": encoded(colour, "JPEG", exif=turned),
    }
    _, sentences = noticed(
        lambda: [decode(contents, channels=3, origin=name) for name, contents in files.items()]
    )
    assert sentences == (
        "rotated is turned upright by the rotation in the file (EXIF)",
        "2 images, such as alpha, have transparent pixels, which are laid over white",
        "grey is grey and is repeated in each channel of colour",
        "frames has several frames or pages, of which the first is used",
    )
    _, sentences = noticed(lambda: decode(files["alpha"], channels=4, origin="x"))
    assert sentences == ()
    _, sentences = noticed(lambda: decode(files["opaque"], channels=1, origin="x"))
    assert sentences == ("x is stored in colour, of which only the luma is kept",)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(written) (w) file closefile\n"


@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        (EPS, "a PostScript file (EPS)"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"P6 1 1 255 abc", "a Netpbm image"),
        (b"\0\0\1\0\1\0", "an icon file"),
    ],
)
def test_other_formats_are_refused_by_name_whatever_the_file_is_called(tmp_path, contents, kind):
    (tmp_path / "x.png").write_bytes(contents + bytes(200))
    with pytest.raises(DataError) as raised:
        images.read(tmp_path / "x.png")
    assert f"x.png is {kind}, which is not read" in str(raised.value)
    assert "only JPEG, PNG, WebP, BMP, GIF and TIFF are; convert it first" in str(raised.value)


def test_no_decoder_but_the_promised_ones_is_loaded(tmp_path):
    (tmp_path / "x.png").write_bytes(EPS)
    program = (
        "import sys; from tf_translate import images\n"
        "try: images.read('x.png')\nexcept Exception as error: print(type(error).__name__)\n"
        "print([name for name in sys.modules if 'Eps' in name or 'Avif' in name])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["DataError", "[]"]


def test_the_first_frame_of_a_gif_and_the_first_page_of_a_tiff_are_read():
    first, second = Image.new("RGB", (4, 3), "red"), Image.new("RGB", (4, 3), "blue")
    for form in ("GIF", "TIFF", "WEBP", "PNG", "MPO"):
        contents = encoded(first, form, save_all=True, append_images=[second])
        pixels = decode(contents, channels=3, origin="x")
        assert np.abs(pixels[0, 0].astype(int) - (255, 0, 0)).max() <= 3, form


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_broken_exif_data_never_raises_anything_but_a_data_error(form):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    exif.get_ifd(0x8769)[0x9003] = "2024:01:01 00:00:00"
    clean = encoded(Image.new("RGB", (8, 4), "green"), form, exif=exif)
    start = clean.find(b"a description")
    assert start > 0
    random = np.random.default_rng(0)
    read, refusals = 0, []
    for _ in range(400):
        damaged = np.frombuffer(clean, np.uint8).copy()
        near = random.integers(max(0, start - 90), min(len(clean), start + 60), 3)
        damaged[near] = random.integers(0, 256, 3)
        contents = damaged.tobytes()
        if form == "PNG":  # with a right checksum, or the chunk is refused
            at = contents.find(b"eXIf")
            size = struct.unpack(">I", contents[at - 4 : at])[0] if at > 0 else 0
            body = contents[at : at + 4 + size]
            crc = struct.pack(">I", zlib.crc32(body))
            contents = contents[: at + len(body)] + crc + contents[at + len(body) + 4 :]
        try:
            assert decode(contents, channels=3, origin="x").shape[2] == 3
            read += 1
        except DataError as error:
            refusals.append(str(error))
    assert read > 0
    assert not [sentence for sentence in refusals if "\n" in sentence]


def test_an_image_with_exif_that_cannot_be_read_is_used_without_rotation_and_this_is_said():
    exif = _chunk(b"eXIf", b"MM\0J\0\0\0\x08")
    contents = _png(1, 2, 8, 0, b"\0\x01\0\x02", extra=exif)
    pixels, sentences = noticed(lambda: decode(contents, channels=1, origin="x.png"))
    assert pixels[..., 0].tolist() == [[1], [2]]
    assert "x.png has EXIF data that cannot be read; it is used as stored" in sentences[0]


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width, height, bits, kind, rows, *, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    data = _chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + extra + data + _chunk(b"IEND", b"")


def test_an_image_above_the_limit_is_refused_by_its_header_with_limit_and_way_out():
    assert MAX_PIXELS == 178_956_970
    contents = _png(20_000, 20_000, 8, 0, b"")
    with pytest.raises(DataError) as raised:
        decode(contents, channels=3, origin="big.png")
    assert (
        "big.png has 20000 x 20000 = 400 million pixels, more than the limit of 179 million; make "
        "it smaller first, for example with: magick IN -resize 50% OUT, or use translate --tiles, "
        "whose limit is 1,000 million"
    ) in str(raised.value)
    with pytest.raises(DataError) as raised:
        decode(
            _png(40_000, 40_000, 8, 0, b""),
            channels=3,
            origin="big.png",
            max_pixels=MAX_TILED_PIXELS,
        )
    assert "1,600 million pixels, more than the limit of 1,000 million" in str(raised.value)
    assert "--tiles" not in str(raised.value)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_conversion_in_bands_gives_what_conversion_at_once_gives(monkeypatch, mode, channels):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (23, 17, 4), np.uint8)
    image = Image.fromarray(pixels).convert("RGB" if mode == "P" else mode.replace("I;16", "L"))
    if mode == "P":
        image = image.quantize(16)
    if mode == "I;16":
        image = Image.fromarray(random.integers(0, 65536, (23, 17)).astype(np.uint16))
    contents = encoded(image, "PNG", **({"transparency": 3} if mode in ("P", "L") else {}))
    whole = decode(contents, channels=channels, origin="x")
    monkeypatch.setattr("tf_translate.image_decoding._BAND", 17 * 5)
    np.testing.assert_array_equal(decode(contents, channels=channels, origin="x"), whole)


MEMORY = """
import resource, sys
from tf_translate.images import read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pixels = read(sys.argv[1])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / pixels[..., 0].size)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_large_image_needs_seven_bytes_of_memory_for_each_pixel(tmp_path, form):
    options = {"compression": "tiff_adobe_deflate"} if form == "TIFF" else {}
    Image.new("RGB", (6000, 5000), (9, 8, 7)).save(tmp_path / "x", form, **options)
    command = [sys.executable, "-c", MEMORY, tmp_path / "x"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 9  # 4 in Pillow, 3 in the result, and bands of 4 million pixels


def test_a_label_map_keeps_its_colours_only_with_nearest():
    labels = images.read(CASES / "lab.png")
    colours = np.unique(labels.reshape(-1, 3), axis=0)
    assert len(colours) == 4
    small = images.resize(labels, (64, 64), interpolation="nearest")
    assert np.unique(small.reshape(-1, 3), axis=0).tolist() == colours.tolist()
    assert len(np.unique(images.resize(labels, (64, 64)).reshape(-1, 3), axis=0)) > 4
