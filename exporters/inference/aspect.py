"""Letterboxing: images of any size on a model's canvas of fixed size, and back.

An image is resized to fit with its aspect ratio kept. The rest of the canvas is filled by
reflection, because a flat border would change the statistics of instance normalization.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Box:
    """Where an image lies on the model's canvas, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def scaled(self, vertical: float, horizontal: float) -> "Box":
        """The same box on a canvas of another size."""
        return Box(
            round(self.top * vertical),
            round(self.left * horizontal),
            max(1, round(self.height * vertical)),
            max(1, round(self.width * horizontal)),
        )


def fit(size: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Centres an image of `size` (height, width) on a canvas, as large as its aspect allows."""
    scale = min(canvas[0] / size[0], canvas[1] / size[1])
    height = min(canvas[0], max(1, round(size[0] * scale)))
    width = min(canvas[1], max(1, round(size[1] * scale)))
    return Box((canvas[0] - height) // 2, (canvas[1] - width) // 2, height, width)


def onto_canvas(pixels: np.ndarray, canvas: tuple[int, int]) -> np.ndarray:
    """Resizes and pads uint8 `(height, width, channels)` to a canvas of (height, width)."""
    box = fit(pixels.shape[:2], canvas)
    below = canvas[0] - box.top - box.height
    right = canvas[1] - box.left - box.width
    borders = ((box.top, below), (box.left, right), (0, 0))
    return np.pad(_resize(pixels, (box.height, box.width)), borders, mode="reflect")


def off_canvas(output: np.ndarray, canvas: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Undoes `onto_canvas` for a model's output.

    Args:
        output: uint8 `(height, width, channels)`, as large as the canvas or a multiple of it.
        canvas: Height and width of the model's input.
        size: Height and width of the image that was fitted to it, and of the result.
    """
    box = fit(size, canvas).scaled(output.shape[0] / canvas[0], output.shape[1] / canvas[1])
    inner = output[box.top : box.top + box.height, box.left : box.left + box.width]
    return _resize(inner, size)


def _resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if pixels.shape[:2] == size:
        return pixels
    height, width = size
    channels = [
        # Rows first, then columns, as the web page does. In one call Pillow 13 may resize columns
        # first where that is faster (its pull request 9549), which changes some levels by 1.
        Image.fromarray(np.ascontiguousarray(pixels[..., channel]))
        .resize((width, pixels.shape[0]), Image.Resampling.BICUBIC)
        .resize((width, height), Image.Resampling.BICUBIC)
        for channel in range(pixels.shape[-1])
    ]
    return np.stack([np.asarray(channel, np.uint8) for channel in channels], axis=-1)
