"""The contact sheet: what the original and every artifact make of the golden images."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from exporters.bundle.bundle import Bundle
from exporters.bundle.manifest import Manifest, TensorRecord
from exporters.bundle.signatures import is_image
from exporters.errors import ExportError
from exporters.inference.images import to_uint8
from exporters.verification.golden import SEEDED_CASES, Golden
from exporters.verification.image_metrics import Likeness

ROWS = 8
TIMES = 8  # how often a difference is shown
_LEAST, _MOST = 112, 256  # sides of a cell in pixels; narrower ones hold no heading
_GAP, _HEADING, _TITLE = 4, 18, 26
_INK = (60, 60, 60)

Column = tuple[str, np.ndarray]  # heading, and uint8 images (rows, height, width, 3)


def check_place(file: Path, bundle: Bundle) -> None:
    """Raises ExportError if a sheet cannot be put there, or would show nothing.

    A place within the bundle is refused: a bundle stays as it was exported.
    """
    if not any(map(is_image, _outputs(bundle.manifest))):
        raise ExportError("`sheet` has nothing to show: no signature of the bundle gives images")
    if file.suffix.lower() != ".png":
        raise ExportError(f"`sheet` must be a file that ends in .png, got {file.name!r}")
    if file.is_dir():
        raise ExportError(f"`sheet` must be a file, and {file} is a folder")
    if file.resolve().is_relative_to(bundle.root.resolve()):
        raise ExportError(
            f"`sheet` must lie outside the bundle, which stays as it was exported, got {file}; "
            f"for example {bundle.root.resolve().with_suffix('.png').name} beside it"
        )


class Sheet:
    """Gathers images while artifacts are replayed, then writes them side by side.

    A block for each output of a float signature that is a image; in it a row for each golden
    case, those given to `export` before the seeded ones, at most 8; columns are the input (where
    it is a image), what the original gave (Keras), and for each artifact what it gave and its
    difference of pixels times 8, black where they are equal.

    Args:
        manifest: Of the bundle.
        cases: Golden cases by signature.
    """

    def __init__(self, manifest: Manifest, cases: Mapping[str, Golden]) -> None:
        self._blocks: dict[tuple[str, str], list[Column]] = {}
        self._originals: dict[tuple[str, str], np.ndarray] = {}
        for name, record in manifest.signatures.items():
            for tensor in filter(is_image, record.outputs):
                place = (name, tensor.name)
                self._originals[place] = _shown(cases[name].outputs[tensor.name])
                images = [each for each in record.inputs if is_image(each)]
                self._blocks[place] = [
                    *((each.name, _shown(cases[name].inputs[each.name])) for each in images),
                    ("Keras", self._originals[place]),
                ]

    def add(
        self, artifact: str, signature: str, tensor: TensorRecord, given: np.ndarray, how: Likeness
    ) -> None:
        """Adds what an artifact gave for all golden cases; what is no float image is left out."""
        place = (signature, tensor.name)
        if place not in self._blocks:
            return
        shown = _shown(given)
        apart = np.abs(shown.astype(np.int32) - self._originals[place]) * TIMES
        told = "equal" if math.isinf(how.psnr) else f"{how.psnr:.1f} dB"
        self._blocks[place] += [
            (f"{artifact} {told}", shown),
            (f"difference x{TIMES}", np.minimum(apart, 255).astype(np.uint8)),
        ]

    def write(self, file: Path) -> None:
        """Writes the PNG, whole or not at all.

        Raises:
            ExportError: If there is no image to show.
        """
        if not self._blocks:
            raise ExportError(
                "`sheet` has nothing to show: no signature of the bundle gives images"
            )
        blocks = [
            _block(f"{signature}: {output}", columns)
            for (signature, output), columns in self._blocks.items()
        ]
        width = max(block.width for block in blocks)
        sheet = Image.new("RGB", (width, sum(block.height for block in blocks)), "white")
        top = 0
        for block in blocks:
            sheet.paste(block, (0, top))
            top += block.height
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.stem}.{os.getpid()}.png")
        sheet.save(unfinished)
        unfinished.replace(file)


def _outputs(manifest: Manifest) -> list[TensorRecord]:
    return [tensor for record in manifest.signatures.values() for tensor in record.outputs]


def _shown(images: np.ndarray) -> np.ndarray:
    """Golden cases `(cases, 1, h, w, c)` as uint8 `(rows, h, w, 3)`, given ones first."""
    count = len(images)
    order = [*range(min(SEEDED_CASES, count), count), *range(min(SEEDED_CASES, count))]
    images = np.nan_to_num(images[order[:ROWS], 0], nan=-1.0)
    if images.shape[-1] == 4:  # alpha over white
        alpha = (images[..., 3:] + 1.0) / 2.0
        images = images[..., :3] * alpha + (1.0 - alpha)
    pixels = to_uint8(images)
    return pixels if pixels.shape[-1] == 3 else np.repeat(pixels[..., :1], 3, axis=-1)


def _block(title: str, columns: list[Column]) -> Image.Image:
    """A title, a heading a column, and the columns' images in rows."""
    cells = [[_cell(image) for image in images] for _, images in columns]
    widths = [max(_LEAST, *(cell.width for cell in column)) for column in cells]
    heights = [max(column[row].height for column in cells) for row in range(len(cells[0]))]
    top = _TITLE + _HEADING
    size = (sum(widths) + _GAP * (len(widths) + 1), top + sum(heights) + _GAP * len(heights))
    block = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(block)
    draw.text((_GAP, 5), title, fill="black", font=ImageFont.load_default(size=15))
    left = _GAP
    for (heading, _), column, width in zip(columns, cells, widths, strict=True):
        draw.text((left, _TITLE), heading, fill=_INK, font=ImageFont.load_default(size=11))
        at = top
        for cell, height in zip(column, heights, strict=True):
            block.paste(cell, (left, at))
            at += height + _GAP
        left += width + _GAP
    return block


def _cell(image: np.ndarray) -> Image.Image:
    """A small image is enlarged by a whole number, a large one made to fit."""
    shown = Image.fromarray(image)
    longer = max(shown.size)
    if longer > _MOST:
        shown.thumbnail((_MOST, _MOST), Image.Resampling.BOX)
        return shown
    scale = max(1, -(-_LEAST // longer))
    return shown.resize((shown.width * scale, shown.height * scale), Image.Resampling.NEAREST)
