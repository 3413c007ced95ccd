"""Known damage of images, each kind at five strengths.

A metric is trusted for what it claims to see only if it falls as such damage grows, and hardly
changes with damage it should not see. Images are float32 `(n, h, w, c)` in [-1, 1]; damage depends
on a seed alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import ndimage

STRENGTHS = 5
_HUE = np.array(  # rows of YIQ; turning I and Q turns the hue and keeps the luminance
    [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]
)


@dataclass(frozen=True)
class Context:
    """What damage may mix into images.

    Attributes:
        sources: The source of each image, of the images' shape.
        random: Generator of all random numbers.
    """

    sources: np.ndarray
    random: np.random.Generator


@dataclass(frozen=True)
class Damage:
    """A kind of damage.

    Attributes:
        meaning: What it does, for people.
        lowers: What it lowers: "content", "domain", or both.
        amounts: One for each strength, growing.
        apply: `(images, amount, context)` to damaged images of the same shape.
    """

    meaning: str
    lowers: tuple[str, ...]
    amounts: tuple[float, ...]
    apply: Callable[[np.ndarray, float, Context], np.ndarray]

    def at(self, strength: int, images: np.ndarray, sources: np.ndarray, seed: int) -> np.ndarray:
        """Images damaged at a strength, 1 to 5; 0 returns them unchanged."""
        if strength == 0:
            return images
        context = Context(sources, np.random.default_rng(seed))  # alike at every strength
        damaged = self.apply(images, self.amounts[strength - 1], context)
        return np.clip(damaged, -1.0, 1.0).astype(np.float32)


def _blurred(images: np.ndarray, pixels: float, context: Context) -> np.ndarray:
    return ndimage.gaussian_filter(images, (0, pixels, pixels, 0), mode="nearest")


def _noisy(images: np.ndarray, standard_deviation: float, context: Context) -> np.ndarray:
    return images + standard_deviation * context.random.standard_normal(images.shape)


def _turned_hue(images: np.ndarray, degrees: float, context: Context) -> np.ndarray:
    angle = np.deg2rad(degrees)
    turn = np.eye(3)
    turn[1:, 1:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return images @ (np.linalg.inv(_HUE) @ turn @ _HUE).T


def _warped(images: np.ndarray, pixels: float, context: Context) -> np.ndarray:
    """Moves pixels by a smooth random field whose largest displacement is `pixels`."""
    count, height, width, channels = images.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    warped = np.empty_like(images)
    for index in range(count):
        field = context.random.standard_normal((2, height, width))
        field = ndimage.gaussian_filter(field, (0, height / 10, width / 10))
        field *= pixels / np.abs(field).max()
        positions = [rows + field[0], columns + field[1]]
        for channel in range(channels):
            warped[index, ..., channel] = ndimage.map_coordinates(
                images[index, ..., channel], positions, order=1, mode="nearest"
            )
    return warped


def _mosaic(images: np.ndarray, tile: float, context: Context) -> np.ndarray:
    """Each square of `tile` pixels gets its mean colour."""
    side = int(tile)
    height, width = images.shape[1:3]
    padding = ((0, 0), (0, -height % side), (0, -width % side), (0, 0))
    padded = np.pad(images, padding, mode="edge")
    count, full_height, full_width, channels = padded.shape
    tiles = padded.reshape(count, full_height // side, side, full_width // side, side, channels)
    means = tiles.mean((2, 4), keepdims=True)
    return np.broadcast_to(means, tiles.shape).reshape(padded.shape)[:, :height, :width]


def _swapped(images: np.ndarray, fraction: float, context: Context) -> np.ndarray:
    """A fraction of the images is exchanged in a ring: each shows another one's content."""
    count = len(images)
    chosen = context.random.permutation(count)[: max(2, round(fraction * count))]
    swapped = images.copy()
    swapped[chosen] = images[np.roll(chosen, 1)]
    return swapped


def _undone(images: np.ndarray, fraction: float, context: Context) -> np.ndarray:
    """A fraction of the images is the unchanged source."""
    count = len(images)
    chosen = context.random.permutation(count)[: max(1, round(fraction * count))]
    undone = images.copy()
    undone[chosen] = context.sources[chosen]
    return undone


def _faded(images: np.ndarray, weight: float, context: Context) -> np.ndarray:
    """Blends each image with the source: the edit is done in part."""
    return (1.0 - weight) * images + weight * context.sources


def _averaged(images: np.ndarray, weight: float, context: Context) -> np.ndarray:
    """Blends each image with the mean of all: what a model that gives one image does."""
    return (1.0 - weight) * images + weight * images.mean(0)


BOTH = ("content", "domain")
_ALL = {
    "blur": Damage("Gaussian blur, in pixels", BOTH, (0.5, 1.0, 2.0, 3.0, 4.0), _blurred),
    "noise": Damage("noise, by its standard deviation", BOTH, (0.1, 0.2, 0.4, 0.7, 1.0), _noisy),
    "hue": Damage(
        "hue, turned by degrees", ("domain",), (15.0, 30.0, 60.0, 90.0, 120.0), _turned_hue
    ),
    "warp": Damage("smooth warp, by pixels", ("content",), (1.0, 2.0, 4.0, 6.0, 8.0), _warped),
    "mosaic": Damage("mosaic, by pixels of a tile", BOTH, (2.0, 3.0, 4.0, 8.0, 16.0), _mosaic),
    "swap": Damage(
        "fraction shows another content", ("content",), (0.1, 0.25, 0.5, 0.75, 1.0), _swapped
    ),
    "undo": Damage("fraction is the source", ("domain",), (0.1, 0.25, 0.5, 0.75, 1.0), _undone),
    "fade": Damage(
        "blend with the source, by its weight", ("domain",), (0.1, 0.25, 0.5, 0.75, 1.0), _faded
    ),
    "average": Damage(
        "blend with the mean image, by its weight", BOTH, (0.1, 0.25, 0.5, 0.75, 1.0), _averaged
    ),
}
DAMAGES: Mapping[str, Damage] = MappingProxyType(_ALL)
