"""Drawing of vector images, and tables of what was drawn."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tf_translate.errors import DataError

NEEDED = "drawing needs the packages of the extra `samples`: pip install 'tf-translate[samples]'"


def draw_svg(text: str, side: int | None = None) -> Image.Image:
    """Draws an SVG over white.

    Args:
        text: The SVG.
        side: Width and height in pixels; None takes those of the SVG.

    Raises:
        DataError: If the package that draws is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise DataError(NEEDED) from error
    size: dict[str, Any] = {} if side is None else {"width": side, "height": side}
    drawn = resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True, **size)
    image = Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return paper.convert("RGB")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Writes a csv table whole or not at all; last, so that where it is, its images are."""
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written, lineterminator="\n").writerows([columns, *rows])
    return unfinished.replace(path)
