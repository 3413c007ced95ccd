"""Brings images of any size to the size of a model's images: stretched, letterboxed or cropped.

`data.aspect` is one decision for training, evaluation, export and inference. A bundle records it,
and `exporters/inference/aspect.py` does the same with its images, pixel by pixel, and undoes it.
"""

import numpy as np

from tf_translate import images
from tf_translate.config.data import Aspect, Interpolation

Size = tuple[int, int]  # height, width


def onto_canvas(
    pixels: np.ndarray, canvas: Size, aspect: Aspect, *, interpolation: Interpolation = "bicubic"
) -> np.ndarray:
    """Brings an image to a canvas of another size.

    Args:
        pixels: uint8 `(height, width, channels)`.
        canvas: Height and width of the result.
        aspect: `stretch` resizes both sides independently. `letterbox` keeps the aspect ratio and
            fills the rest by reflection. `crop` takes the centre part with the canvas's aspect
            ratio.
        interpolation: As for `images.resize`.

    Returns:
        uint8 `(*canvas, channels)`.
    """
    if aspect == "crop":
        return images.resize(_centre_part(pixels, canvas), canvas, interpolation=interpolation)
    if aspect == "letterbox":
        return _letterbox(pixels, canvas, interpolation)
    return images.resize(pixels, canvas, interpolation=interpolation)


def _letterbox(pixels: np.ndarray, canvas: Size, interpolation: Interpolation) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(canvas[0] / height, canvas[1] / width)
    inner = (
        min(canvas[0], max(1, round(height * scale))),
        min(canvas[1], max(1, round(width * scale))),
    )
    top, left = (canvas[0] - inner[0]) // 2, (canvas[1] - inner[1]) // 2
    below, right = canvas[0] - inner[0] - top, canvas[1] - inner[1] - left
    resized = images.resize(pixels, inner, interpolation=interpolation)
    return np.pad(resized, ((top, below), (left, right), (0, 0)), "reflect")


def _centre_part(pixels: np.ndarray, canvas: Size) -> np.ndarray:
    """The largest centre part with the canvas's aspect ratio; its shorter side is rounded up."""
    height = min(pixels.shape[0], -(-pixels.shape[1] * canvas[0] // canvas[1]))
    width = min(pixels.shape[1], -(-pixels.shape[0] * canvas[1] // canvas[0]))
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]
