"""The contact sheet: the golden images with the outputs of the original and every artifact."""

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
from exporters.inference.images import rescale, to_uint8
from exporters.verification.golden import SEEDED_CASES, Golden
from exporters.verification.image_metrics import OutputDifference

ROWS = 8
GAIN = 8  # differences are multiplied by it
_MIN_SIDE, _MAX_SIDE = 112, 256  # of a cell in pixels; a heading does not fit narrower ones
_GAP, _HEADING, _TITLE = 4, 18, 26  # pixels
_TEXT_COLOUR = (60, 60, 60)

Column = tuple[str, np.ndarray]  # heading, and uint8 images (rows, height, width, 3)


def check_sheet_path(file: Path, bundle: Bundle) -> None:
    """Raises ExportError if a sheet cannot be written there, or would show nothing.

    A path within the bundle is refused, because a bundle stays as it was exported.
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
    """Collects images while artifacts are replayed, then writes them side by side.

    There is a block for each image output of a float signature, with at most 8 rows. A row is a
    golden case; cases from examples come before seeded ones. The columns are the input images,
    the original's output (Keras), and for each artifact its output and the difference of pixels
    times 8, which is black where they are equal.

    Args:
        manifest: The bundle's manifest.
        cases: Golden cases by signature.
    """

    def __init__(self, manifest: Manifest, cases: Mapping[str, Golden]) -> None:
        self._blocks: dict[tuple[str, str], list[Column]] = {}
        self._originals: dict[tuple[str, str], np.ndarray] = {}
        for name, record in manifest.signatures.items():
            for tensor in filter(is_image, record.outputs):
                key = (name, tensor.name)
                self._originals[key] = _to_pixels(cases[name].outputs[tensor.name], tensor)
                images = [
                    (each.name, _to_pixels(cases[name].inputs[each.name], each))
                    for each in record.inputs
                    if is_image(each)
                ]
                self._blocks[key] = [*images, ("Keras", self._originals[key])]

    def add(
        self,
        artifact: str,
        signature: str,
        tensor: TensorRecord,
        *,
        outputs: np.ndarray,
        difference: OutputDifference,
    ) -> None:
        """Adds an artifact's outputs for all golden cases; only float images are shown."""
        key = (signature, tensor.name)
        if key not in self._blocks:
            return
        pixels = _to_pixels(outputs, tensor)
        amplified = np.abs(pixels.astype(np.int32) - self._originals[key]) * GAIN
        psnr = "equal" if math.isinf(difference.psnr) else f"{difference.psnr:.1f} dB"
        self._blocks[key] += [
            (f"{artifact} {psnr}", pixels),
            (f"difference x{GAIN}", np.minimum(amplified, 255).astype(np.uint8)),
        ]

    def write(self, file: Path) -> None:
        """Writes the PNG, completely or not at all.

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


def _to_pixels(images: np.ndarray, tensor: TensorRecord) -> np.ndarray:
    """Golden cases `(cases, 1, h, w, c)` as uint8 `(rows, h, w, 3)`, examples first."""
    count = len(images)
    order = [*range(min(SEEDED_CASES, count), count), *range(min(SEEDED_CASES, count))]
    images = np.nan_to_num(rescale(images[order[:ROWS], 0], tensor.limits), nan=-1.0)
    if images.shape[-1] == 4:  # alpha over white
        alpha = (images[..., 3:] + 1.0) / 2.0
        images = images[..., :3] * alpha + (1.0 - alpha)
    pixels = to_uint8(images)
    return pixels if pixels.shape[-1] == 3 else np.repeat(pixels[..., :1], 3, axis=-1)


def _block(title: str, columns: list[Column]) -> Image.Image:
    """A title, one heading per column, and the columns' images in rows."""
    cells = [[_cell(image) for image in images] for _, images in columns]
    widths = [max(_MIN_SIDE, *(cell.width for cell in column)) for column in cells]
    heights = [max(column[row].height for column in cells) for row in range(len(cells[0]))]
    top = _TITLE + _HEADING
    size = (sum(widths) + _GAP * (len(widths) + 1), top + sum(heights) + _GAP * len(heights))
    block = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(block)
    draw.text((_GAP, 5), title, fill="black", font=ImageFont.load_default(size=15))
    left = _GAP
    for (heading, _), column, width in zip(columns, cells, widths, strict=True):
        draw.text((left, _TITLE), heading, fill=_TEXT_COLOUR, font=ImageFont.load_default(size=11))
        y = top
        for cell, height in zip(column, heights, strict=True):
            block.paste(cell, (left, y))
            y += height + _GAP
        left += width + _GAP
    return block


def _cell(image: np.ndarray) -> Image.Image:
    """Enlarges a small image by an integer factor, and shrinks a large one to fit."""
    cell = Image.fromarray(image)
    longer = max(cell.size)
    if longer > _MAX_SIDE:
        cell.thumbnail((_MAX_SIDE, _MAX_SIDE), Image.Resampling.BOX)
        return cell
    scale = max(1, -(-_MIN_SIDE // longer))
    return cell.resize((cell.width * scale, cell.height * scale), Image.Resampling.NEAREST)
