"""The wall: the same inputs down, methods across, the truth last; and best, median and worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_translate.errors import RunError
from tf_translate.experiment.compare.cells.cell_images import (
    BEST,
    CHOSEN,
    MEDIAN,
    WORST,
    KeptImage,
)
from tf_translate.experiment.compare.report.rows import TaskSummary
from tf_translate.images import resize, write

ROWS = 8
INPUT, TRUTH = "input", "truth"
KINDS = (BEST, MEDIAN, WORST)
_WALL_SIDE, _EXTREMES_SIDE, _MOST_SIDE = 128, 48, 160  # px of an image in a file; a title fits
_GAP, _WIDE_GAP, _NAME_WIDTH = 4, 16, 130
_WALL_FONT, _FONT = 22, 15  # a wall of ten methods is shown at half its size
_LINE = 1.25  # height of a line of text, by its size
_INK, _GROUND = (35, 33, 30), (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Wall:
    """Images of all methods for the same inputs.

    Attributes:
        titles: Of the columns: the input, the methods, and the truth if it is known.
        rows: For each input the images of the columns, uint8 `(h, w, 3)`.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[np.ndarray, ...], ...]


def make_wall(summary: TaskSummary, *, rows: int = ROWS) -> Wall | None:
    """The wall of a task: images drawn by a seed, which all methods with images share.

    Returns:
        None if no cell keeps images, or methods share none.
    """
    images = {
        name: {each.key: each for each in kept if each.kind == CHOSEN}
        for name, kept in summary.images.items()
    }
    if not images:
        return None
    first = next(iter(images.values()))
    keys = [key for key in first if all(key in each for each in images.values())][:rows]
    if not keys:
        return None
    columns = [row for row in summary.methods if row.name in images]
    has_truth = all(_truth(images, key) is not None for key in keys)
    lines = []
    for key in keys:
        line = [first[key].source, *(images[row.name][key].output for row in columns)]
        truth = _truth(images, key)
        lines.append((*line, truth) if has_truth and truth is not None else tuple(line))
    titles = (INPUT, *(row.title for row in columns), *([TRUTH] if has_truth else []))
    return Wall(titles, tuple(lines))


def write_wall(summary: TaskSummary, file: Path, *, rows: int = ROWS) -> Path:
    """Writes the wall alone as an image, with the names of the methods above.

    Args:
        summary: The task.
        file: A path that ends in .png.
        rows: Number of inputs, at most 16.

    Raises:
        RunError: If no cell of the task keeps images.
    """
    wall = make_wall(summary, rows=rows)
    if wall is None:
        raise RunError(
            f"no cell of the task {summary.name} keeps images; run its cells again to get them"
        )
    write(file, draw_wall(wall))
    return file


def draw_wall(wall: Wall) -> np.ndarray:
    """The wall as one image, uint8 `(h, w, 3)`, on white."""
    gaps = {1, len(wall.titles) - 1} if wall.titles[-1] == TRUTH else {1}
    return _draw(
        wall.rows,
        wall.titles,
        ("",) * len(wall.rows),
        gaps,
        rows_apart=1,
        side=_WALL_SIDE,
        size=_WALL_FONT,
    )


def extremes(kept: Sequence[KeptImage]) -> dict[str, list[KeptImage]]:
    """The best, median and worst images of a cell, by kind."""
    return {kind: [each for each in kept if each.kind == kind] for kind in KINDS}


def draw_extremes(summary: TaskSummary) -> np.ndarray | None:
    """Best, median and worst images of each method: input above output above truth.

    Returns:
        uint8 `(h, w, 3)`, or None if no cell keeps images.
    """
    lines: list[tuple[np.ndarray, ...]] = []
    names: list[str] = []
    columns: dict[str, int] = {}
    stacked = 0
    for row in summary.methods:
        if row.name not in summary.images:
            continue
        found = extremes(summary.images[row.name])
        columns = {kind: len(each) for kind, each in found.items()}
        chosen = [each for kind in KINDS for each in found[kind]]
        stack = [tuple(each.source for each in chosen), tuple(each.output for each in chosen)]
        truths = tuple(each.truth for each in chosen if each.truth is not None)
        stack += [truths] if truths and len(truths) == len(chosen) else []
        lines += stack
        names += ["input", row.title, "truth"][: len(stack)]
        stacked = len(stack)
    if not lines or not lines[0]:
        return None
    titles = [kind if place == 0 else "" for kind in KINDS for place in range(columns[kind])]
    starts = {sum(columns[kind] for kind in KINDS[:place]) for place in (1, 2)}
    return _draw(lines, titles, names, starts, rows_apart=stacked, side=_EXTREMES_SIDE, size=_FONT)


def _draw(
    rows: Sequence[Sequence[np.ndarray]],
    titles: Sequence[str],
    names: Sequence[str],
    wide_before: set[int],
    *,
    rows_apart: int,
    side: int,
    size: int,
) -> np.ndarray:
    """Draws images of one size in a grid, with titles above and names on the left.

    Args:
        rows: Images, uint8 `(h, w, 3)`; other sizes are brought to that of the largest.
        titles: One for each column.
        names: One for each row; no space is left for empty ones.
        wide_before: Columns that have a wide gap before them.
        rows_apart: Every so many rows a wide gap follows; 1: none does.
        side: Least side of an image; small ones are enlarged.
        size: Size of text.
    """
    height, width = _tile(rows, side)
    left = _NAME_WIDTH if any(names) else _GAP
    font, line_height = ImageFont.load_default(size=size), round(_LINE * size)
    wrapped = [_wrapped(title, width, font) for title in titles]
    top = 2 * _GAP + line_height * max(len(lines) for lines in wrapped)
    lefts, x = [], left
    for column in range(len(titles)):
        x += _WIDE_GAP if column in wide_before else 0
        lefts.append(x)
        x += width + _GAP
    tops, y = [], top
    for row in range(len(rows)):
        y += _WIDE_GAP if rows_apart > 1 and row and row % rows_apart == 0 else 0
        tops.append(y)
        y += height + _GAP
    canvas = Image.new("RGB", (x, y), _GROUND)
    draw = ImageDraw.Draw(canvas)
    for start, lines in zip(lefts, wrapped, strict=True):
        for number, line in enumerate(lines):
            bottom = top - _GAP - line_height * (len(lines) - number)
            middle = start + (width - draw.textlength(line, font=font)) / 2
            draw.text((middle, bottom), line, fill=_INK, font=font)
    for y, name, images in zip(tops, names, rows, strict=True):
        for number, line in enumerate(_wrapped(name, left - 3 * _GAP, font)):
            draw.text((_GAP, y + line_height * number), line, fill=_INK, font=font)
        for x, image in zip(lefts, images, strict=True):
            canvas.paste(Image.fromarray(_scaled(image, (height, width))), (x, y))
    return np.asarray(canvas)


def _tile(rows: Sequence[Sequence[np.ndarray]], side: int) -> tuple[int, int]:
    """Size of an image on the canvas: whole multiples of small images, large ones made smaller."""
    shapes = [image.shape for row in rows for image in row]
    height, width = max(shape[0] for shape in shapes), max(shape[1] for shape in shapes)
    if max(height, width) > _MOST_SIDE:
        scale = _MOST_SIDE / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))
    scale = max(1, -(-side // max(height, width)))
    return height * scale, width * scale


def _scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    is_multiple = size[0] % image.shape[0] == 0 and size[1] % image.shape[1] == 0
    return resize(image, size, interpolation="nearest" if is_multiple else "bicubic")


def _wrapped(
    text: str, width: float, font: "ImageFont.ImageFont | ImageFont.FreeTypeFont"
) -> list[str]:
    """Text in lines that are no wider, broken at spaces, underscores and within long words."""
    lines = [""]
    for word in text.replace("_", "_ ").split():
        joined = f"{lines[-1]}{'' if lines[-1].endswith('_') or not lines[-1] else ' '}{word}"
        if font.getlength(joined) <= width:
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _truth(images: Mapping[str, Mapping[int, KeptImage]], key: int) -> np.ndarray | None:
    """The truth of an input, from the first method that knows it."""
    return next((e[key].truth for e in images.values() if e[key].truth is not None), None)
