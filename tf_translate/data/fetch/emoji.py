"""Emoji in four styles, rendered at any size from pinned npm packages, and tables of them."""

import csv
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tf_translate.data.fetch.fetch_options import FetchOptions, Progress
from tf_translate.data.fetch.svg_rendering import rgba_of_svg, write_table
from tf_translate.data.shipped_samples import samples_folder
from tf_translate.packages import NpmPackage

PACKAGES = {
    "fluent_flat": NpmPackage(
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    ),
    "fluent_line": NpmPackage(
        "@iconify-json/fluent-emoji-high-contrast",
        "1.2.6",
        "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
    ),
    "noto": NpmPackage(
        "@iconify-json/noto",
        "1.2.9",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    ),
    "fluent_3d": NpmPackage(
        "@lobehub/fluent-emoji-3d",
        "1.1.0",
        "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    ),
}
RENDERS = "fluent_3d"  # the style that is rendered images, 256 pixels; the others are SVGs
RENDER_SIDE = 256
TABLES = ("flat_to_3d", "line_to_3d", "3d_to_noto")
_TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}


def write_emoji(
    files: Sequence[Path], folder: Path, options: FetchOptions, progress: Progress
) -> Path:
    """Writes the emoji of a shipped table at another size as PNG, and the table.

    Args:
        files: The package files of `PACKAGES`, in order.
        folder: Output folder.
        options: `size` of the images; `style`, one of `TABLES`.
        progress: Called after every image.
    """
    with (samples_folder() / f"{options.style}.csv").open(newline="", encoding="utf-8") as opened:
        header, *rows = csv.reader(opened)
    named = {cell for row in rows for cell in row[1:] if cell}
    renderers = readers_of(dict(zip(PACKAGES, files, strict=True)))
    for done, cell in enumerate(sorted(named), 1):
        style, code = Path(cell).parent.name, Path(cell).stem
        image = reduce(renderers[style].image(code), int(options.size or 0))
        path = folder / style / f"{code}.png"
        path.parent.mkdir(exist_ok=True)
        image.save(path)
        progress(done, len(named))
    as_png = [[row[0], *(cell.replace(".webp", ".png") for cell in row[1:])] for row in rows]
    return write_table(folder / "emoji.csv", header, as_png)


class Emoji:
    """The emoji of one style by code point.

    Args:
        drawings: SVG texts, or bytes of image files, by code point.
    """

    def __init__(self, drawings: Mapping[str, str | bytes]):
        self.drawings = drawings

    def image(self, code: str) -> Image.Image:
        """One of them as an RGBA image, about `RENDER_SIDE` pixels a side."""
        drawing = self.drawings[code]
        if isinstance(drawing, str):
            return rgba_of_svg(drawing, RENDER_SIDE)
        return Image.open(io.BytesIO(drawing)).convert("RGBA")


def readers_of(archives: Mapping[str, Path]) -> dict[str, Emoji]:
    """The emoji of some styles.

    Symbols, flags and skin tones of the drawn styles are left out, and skin tones of the renders.

    Args:
        archives: The package file of each style.
    """
    return {
        style: Emoji(_read_renders(path) if style == RENDERS else _read_icons(path))
        for style, path in archives.items()
    }


def reduce(image: Image.Image, side: int) -> Image.Image:
    """Composites an RGBA image on white at full size, then resizes it: no dark or bright edges."""
    background = Image.new("RGBA", image.size, "white")
    background.alpha_composite(image)
    # Hamming: as sharp as bicubic reduction but without bright rings along outlines.
    return background.convert("RGB").resize((side, side), Image.Resampling.HAMMING)


def _read_renders(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        files = {Path(member.name): member for member in opened if member.isfile()}
        return {
            strip_variation(path.stem): read.read()
            for path, member in files.items()
            if path.suffix == ".webp"
            and not _TONES & set(path.stem.split("-"))
            and (read := opened.extractfile(member)) is not None
        }


def _read_icons(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as opened:

        def read_json(name: str) -> dict:
            return json.load(opened.extractfile(f"package/{name}.json"))  # type: ignore[arg-type]

        icons, characters = read_json("icons"), read_json("chars")
        categories = read_json("metadata")["categories"]
    excluded = {*categories["Symbols"], *categories["Flags"]}
    known = {name for names in categories.values() for name in names} - excluded
    return {
        strip_variation(code): make_svg(icons["icons"][name], icons)
        for code, name in characters.items()
        if name in known and not _TONES & set(code.split("-"))
    }


def make_svg(icon: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """The SVG text of an icon of an Iconify set."""
    width = icon.get("width", defaults["width"])
    height = icon.get("height", defaults["height"])
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    body = icon["body"].replace("currentColor", "#000")
    return f'<svg {spaces} width="{width}" height="{height}" viewBox="{box}">{body}</svg>'


def strip_variation(code: str) -> str:
    """Removes `fe0f`: the packages disagree about when to write it."""
    return "-".join(part for part in code.split("-") if part != "fe0f")
