"""Pictures of any size through a model of one size, and pixels to numbers and back.

Files hold uint8 in [0, 255]; float signatures take float32 in [-1, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from exporters.errors import ExportError
from exporters.manifest import TensorRecord
from exporters.runtime import Runner

IMAGE_RANGE = (-1.0, 1.0)


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Maps uint8 [0, 255] to float32 [-1, 1]; any shape."""
    return pixels.astype(np.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Maps float [-1, 1] to uint8 [0, 255], rounding to nearest and clipping; any shape."""
    scaled = np.rint((np.asarray(images, np.float32) + 1.0) * 127.5)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def translate_picture(
    runner: Runner, pixels: np.ndarray, *, signature: str | None = None
) -> np.ndarray:
    """Translates one picture of any size and gives it back in that size.

    The picture is made to fit the model with its aspect kept, the rest is filled with its
    mirror image (a flat border would move the statistics of instance norm), and after the
    model the filling is cut off.

    Args:
        runner: A bundle's model.
        pixels: uint8 `(height, width, channels)`, channels as the signature takes them.
        signature: `a_to_b` or `a_to_b_uint8`; None where the bundle translates one way only.

    Returns:
        uint8 `(height, width, output channels)`.

    Raises:
        ExportError: If the signature is unknown or does not turn one picture into one, or the
            channels are not its own.
        ValueError: If `pixels` is not a uint8 array of rank 3.
    """
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(
            "`pixels` must be uint8 of shape (height, width, channels) with no empty side, "
            f"got {pixels.dtype} {pixels.shape}"
        )
    name, source, result = picture_signature(runner, signature)
    _, height, width, channels = source.shape
    if pixels.shape[-1] != channels:
        raise ExportError(
            f"signature {name!r} takes pictures of {channels} channels, got one of "
            f"{pixels.shape[-1]}"
        )
    return through_canvas(
        pixels,
        (height, width),
        lambda canvas: runner.run(name, {source.name: canvas[None]})[result.name][0],
    )


def through_canvas(
    pixels: np.ndarray, canvas: tuple[int, int], model: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Fits a picture to a model's canvas, runs the model, and undoes the fitting.

    Args:
        pixels: uint8 `(height, width, channels)`.
        canvas: Height and width the model takes.
        model: From a uint8 canvas to a uint8 one, of that size or a multiple of it.

    Returns:
        uint8, as high and wide as `pixels`.
    """
    box = fit(pixels.shape[:2], canvas)
    output = model(_pad(_resize(pixels, (box.height, box.width)), box, canvas))
    inner = box.scaled(output.shape[0] / canvas[0], output.shape[1] / canvas[1])
    cropped = output[inner.top : inner.top + inner.height, inner.left : inner.left + inner.width]
    return _resize(cropped, pixels.shape[:2])


def picture_signature(
    runner: Runner, signature: str | None
) -> tuple[str, TensorRecord, TensorRecord]:
    """Finds the uint8 signature to use, with its one input and its one output.

    Raises:
        ExportError: As `translate_picture`.
    """
    known = runner.bundle.manifest.signatures
    pixels_of = {record.pixels_of: name for name, record in known.items() if record.pixels_of}
    if signature is None and len(pixels_of) != 1:
        raise ExportError(
            f"`signature` must be given: {runner.bundle.root} translates pictures by "
            f"{', '.join(pixels_of.values()) or 'none of its signatures'}"
        )
    name = next(iter(pixels_of.values())) if signature is None else signature
    name = pixels_of.get(name, name)
    record = runner.signature(name)
    if record.pixels_of is None or len(record.inputs) != 1 or len(record.outputs) != 1:
        raise ExportError(f"signature {name!r} does not turn one picture into one picture")
    source, result = record.inputs[0], record.outputs[0]
    if source.dtype != "uint8" or result.dtype != "uint8":
        raise ExportError(f"signature {name!r} does not turn one picture into one picture")
    return name, source, result


@dataclass(frozen=True)
class Box:
    """Where a picture lies on the model's canvas, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def scaled(self, vertical: float, horizontal: float) -> "Box":
        """The same place on a canvas of another size."""
        return Box(
            round(self.top * vertical),
            round(self.left * horizontal),
            max(1, round(self.height * vertical)),
            max(1, round(self.width * horizontal)),
        )


def fit(size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Centres a picture of `size` (height, width) on a canvas, as large as its aspect lets it."""
    scale = min(canvas[0] / size[0], canvas[1] / size[1])
    height = min(canvas[0], max(1, round(size[0] * scale)))
    width = min(canvas[1], max(1, round(size[1] * scale)))
    return Box((canvas[0] - height) // 2, (canvas[1] - width) // 2, height, width)


def _pad(pixels: np.ndarray, box: Box, canvas: tuple[int, int]) -> np.ndarray:
    below = canvas[0] - box.top - box.height
    right = canvas[1] - box.left - box.width
    return np.pad(pixels, ((box.top, below), (box.left, right), (0, 0)), mode="reflect")


def _resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if pixels.shape[:2] == size:
        return pixels
    channels = [
        Image.fromarray(np.ascontiguousarray(pixels[..., channel])).resize(
            (size[1], size[0]), Image.Resampling.BICUBIC
        )
        for channel in range(pixels.shape[-1])
    ]
    return np.stack([np.asarray(channel, np.uint8) for channel in channels], axis=-1)
