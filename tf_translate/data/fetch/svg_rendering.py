"""Renders SVG images and writes the table of rendered images."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tf_translate.atomic_files import write_atomically
from tf_translate.errors import DataError

MISSING_PACKAGES = (
    "rendering needs the packages of the extra `samples`: pip install -e '.[samples]', in the "
    "clone of the project"
)


def render_svg(text: str, side: int | None = None) -> Image.Image:
    """Renders an SVG on a white background; arguments and errors as of `rgba_of_svg`."""
    image = rgba_of_svg(text, side)
    background = Image.new("RGBA", image.size, "white")
    background.alpha_composite(image)
    return background.convert("RGB")


def rgba_of_svg(text: str, side: int | None = None) -> Image.Image:
    """Renders an SVG on a transparent background.

    Args:
        text: The SVG.
        side: Width and height in pixels; None uses those of the SVG.

    Raises:
        DataError: If the rendering package is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise DataError(MISSING_PACKAGES) from error
    size: dict[str, Any] = {} if side is None else {"width": side, "height": side}
    rendered = resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True, **size)
    return Image.open(io.BytesIO(bytes(rendered))).convert("RGBA")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Writes a csv table atomically. Called after all images: if the table exists, they do too."""

    def write(file: Path) -> None:
        with file.open("w", newline="", encoding="utf-8") as opened:
            csv.writer(opened, lineterminator="\n").writerows([columns, *rows])

    write_atomically(path, write)
    return path
