"""Brings images of any size onto a model's canvas of fixed size, and results back.

How is one decision for a model, its *aspect*. A bundle records it, and training used the same:

- `stretch` resizes height and width independently to those of the canvas. The result is resized
  back to the size of the image.
- `letterbox` resizes an image to fit with its aspect ratio kept. The rest of the canvas is filled
  by reflection, because a flat border would change the statistics of instance normalization. The
  result is cut out and resized back to the size of the image.
- `crop` takes the centre part of an image with the aspect ratio of the canvas. The result shows
  that part alone, at its own resolution.

`exporters/web/static/canvas.js` and the app examples compute the same, and so does
`tf_translate/aspect.py` for training.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from exporters.bundle.field_types import Aspect, Interpolation

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Box:
    """A part of an image or canvas, in its pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def size(self) -> Size:
        """Height and width."""
        return self.height, self.width

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """This part of `(height, width, channels)`."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]

    def scaled(self, vertical: float, horizontal: float) -> "Box":
        """The same part of a canvas of another size."""
        return Box(
            round(self.top * vertical),
            round(self.left * horizontal),
            max(1, round(self.height * vertical)),
            max(1, round(self.width * horizontal)),
        )


@dataclass(frozen=True)
class Placement:
    """Which part of an image is resized onto which part of a canvas.

    Attributes:
        part: Of the image. The result of the model shows it.
        box: Where it goes. Around it the canvas is filled by reflection.
        canvas: Height and width of the canvas.
    """

    part: Box
    box: Box
    canvas: Size

    def onto_canvas(
        self, pixels: np.ndarray, interpolation: Interpolation = "bicubic"
    ) -> np.ndarray:
        """Resizes and pads uint8 `(height, width, channels)` to the canvas."""
        below = self.canvas[0] - self.box.top - self.box.height
        right = self.canvas[1] - self.box.left - self.box.width
        inner = resize(self.part.cut(pixels), self.box.size, interpolation)
        if not (self.box.top or below or self.box.left or right):
            return inner
        borders = ((self.box.top, below), (self.box.left, right), (0, 0))
        return np.pad(inner, borders, mode="reflect")

    def off_canvas(
        self, output: np.ndarray, interpolation: Interpolation = "bicubic", scale: int = 1
    ) -> np.ndarray:
        """Undoes `onto_canvas` for a model's output.

        Args:
            output: uint8 `(height, width, channels)`, as large as the canvas or a multiple of it.
            interpolation: How it is resized.
            scale: How many times as long the sides of the result are as those of `part`.

        Returns:
            uint8 of the height and width of `part`, each times `scale`.
        """
        vertical, horizontal = np.divide(output.shape[:2], self.canvas)
        inner = self.box.scaled(vertical, horizontal).cut(output)
        size = scale * self.part.height, scale * self.part.width
        return resize(inner, size, interpolation)


def place(size: Size, canvas: Size, aspect: Aspect) -> Placement:
    """Where an image of `size` goes on a model's canvas."""
    if aspect == "crop":
        return Placement(centre_part(size, canvas), _whole(canvas), canvas)
    if aspect == "letterbox":
        return Placement(_whole(size), _centred(_fitted(size, canvas), canvas), canvas)
    return Placement(_whole(size), _whole(canvas), canvas)


def place_on_tiles(size: Size, tile: Size, aspect: Aspect) -> Placement:
    """Where an image goes on a canvas that tiles are cut from, no side of it below a tile's.

    The canvas has the size of the image, and every pixel of it is kept, unless the image has a
    side shorter than a tile. `stretch` lengthens that side. An image that a single tile covers is
    enlarged: with `letterbox` as without tiles, with `crop` until both sides are long enough. Of
    an image with another side longer than a tile, both fill the short side by reflection. The
    result always shows the whole image.
    """
    height, width = max(size[0], tile[0]), max(size[1], tile[1])
    if size == (height, width) or aspect == "stretch":
        return Placement(_whole(size), _whole((height, width)), (height, width))
    is_small = (height, width) == tile
    if aspect == "crop" and is_small:
        scale = max(tile[0] / size[0], tile[1] / size[1])
        canvas = max(tile[0], round(size[0] * scale)), max(tile[1], round(size[1] * scale))
        return Placement(_whole(size), _whole(canvas), canvas)
    inner = _fitted(size, tile) if is_small else size
    return Placement(_whole(size), _centred(inner, (height, width)), (height, width))


def centre_part(size: Size, canvas: Size) -> Box:
    """The largest centre part of an image with the aspect ratio of a canvas.

    Its shorter side is rounded up, so the centre part of a centre part is all of it.
    """
    height = min(size[0], -(-size[1] * canvas[0] // canvas[1]))
    width = min(size[1], -(-size[0] * canvas[1] // canvas[0]))
    return _centred((height, width), size)


def onto_canvas(
    pixels: np.ndarray, canvas: Size, aspect: Aspect, interpolation: Interpolation = "bicubic"
) -> np.ndarray:
    """Brings uint8 `(height, width, channels)` to a canvas of (height, width)."""
    return place(_size(pixels), canvas, aspect).onto_canvas(pixels, interpolation)


def resize(pixels: np.ndarray, size: Size, interpolation: Interpolation = "bicubic") -> np.ndarray:
    """Resizes uint8 `(h, w, c)` to `size` (height, width).

    Bicubic has antialiasing, and weights the colours of 4 channels by alpha, so that hidden ones do
    not bleed. Nearest takes the pixel at the centre of each new one, so no new colours appear.
    """
    if _size(pixels) == size:
        return pixels
    if interpolation == "nearest":
        rows, columns = map(_nearest, _size(pixels), size)
        return pixels[rows[:, None], columns]
    if pixels.shape[-1] == 4:
        weighted = Image.fromarray(np.ascontiguousarray(pixels)).convert("RGBa")
        return np.array(_resize(weighted, size).convert("RGBA"), np.uint8)
    if pixels.shape[-1] == 3:
        return np.array(_resize(Image.fromarray(np.ascontiguousarray(pixels)), size), np.uint8)
    channels = (np.ascontiguousarray(pixels[..., index]) for index in range(pixels.shape[-1]))
    resized = [_resize(Image.fromarray(channel), size) for channel in channels]
    return np.stack([np.asarray(channel, np.uint8) for channel in resized], axis=-1)


def _nearest(length: int, new_length: int) -> np.ndarray:
    """The position in an axis at the centre of each position of the resized axis."""
    return (2 * np.arange(new_length) + 1) * length // (2 * new_length)


def _resize(image: Image.Image, size: Size) -> Image.Image:
    # Rows first, then columns, as everywhere. In one call Pillow 13 may resize columns first where
    # that is faster (its pull request 9549), which changes some levels by 1.
    rows = image.resize((size[1], image.height), Image.Resampling.BICUBIC)
    return rows.resize((size[1], size[0]), Image.Resampling.BICUBIC)


def _size(pixels: np.ndarray) -> Size:
    return pixels.shape[0], pixels.shape[1]


def _fitted(size: Size, canvas: Size) -> Size:
    """The largest size with this aspect ratio that fits."""
    scale = min(canvas[0] / size[0], canvas[1] / size[1])
    height = min(canvas[0], max(1, round(size[0] * scale)))
    return height, min(canvas[1], max(1, round(size[1] * scale)))


def _centred(size: Size, around: Size) -> Box:
    return Box((around[0] - size[0]) // 2, (around[1] - size[1]) // 2, *size)


def _whole(size: Size) -> Box:
    return Box(0, 0, *size)
