"""Images of any size through a function of one size: tiles that overlap and are blended.

Along each axis tiles are spread evenly, so that neighbours overlap by at least what is asked.
In the middle of the overlap one tile fades out while the next fades in, over half of the asked
width; the outer quarters, which a model that pads its borders sees worst, are not used. Weights
of all tiles at a pixel add up to 1.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np

Progress = Callable[[int, int], None]  # tiles done, tiles in all


LEAST_OVERLAP = 32  # what a generator sees around a pixel is measured in pixels, not in tiles


def usual_overlap(tile: tuple[int, int]) -> int:
    """A quarter of the shorter side, but at least 32 pixels if half of it lets that in."""
    side = min(tile)
    return min(max(side // 4, LEAST_OVERLAP), side // 2)


def starts(size: int, tile: int, overlap: int) -> list[int]:
    """Where the fewest tiles begin that cover an axis and overlap enough, spread evenly.

    Args:
        size: Length of the axis in pixels; below `tile` it counts as one tile.
        tile: Length of a tile.
        overlap: Pixels that neighbours share at least, 0 to `tile // 2`.

    Raises:
        ValueError: If `overlap` is out of that range or a length is below 1.
    """
    if min(size, tile) < 1 or not 0 <= overlap <= tile // 2:
        raise ValueError(
            "`overlap` must be 0 to half of a tile and lengths at least 1, got "
            f"size {size}, tile {tile}, overlap {overlap}"
        )
    if size <= tile:
        return [0]
    count = math.ceil((size - overlap) / (tile - overlap))
    return [round(at * (size - tile) / (count - 1)) for at in range(count)]


def weights(size: int, tile: int, overlap: int) -> list[np.ndarray]:
    """How much each tile counts at each of its pixels along an axis, float32 `(tile,)` each.

    Arguments and errors as in `starts`.
    """
    begins = starts(size, tile, overlap)
    ramp = overlap / 2
    # Where the later of two neighbours has risen to a half; with no ramp it takes over at once.
    cuts = [(later + begin + tile) / 2 for begin, later in itertools.pairwise(begins)]
    found = []
    for at, begin in enumerate(begins):
        middles = begin + np.arange(tile) + 0.5
        weight = np.ones(tile)
        if at > 0:
            weight *= _risen(middles, cuts[at - 1], ramp)
        if at < len(cuts):
            weight *= 1.0 - _risen(middles, cuts[at], ramp)
        found.append(weight.astype(np.float32))
    return found


def borders(size: int, tile: int, overlap: int) -> list[int]:
    """Pixels whose blend of tiles is not that of the pixel before: where a seam could show.

    Arguments and errors as in `starts`.
    """
    length = max(size, tile)
    changes = np.zeros(length, bool)
    for begin, weight in zip(
        starts(size, tile, overlap), weights(size, tile, overlap), strict=True
    ):
        whole = np.zeros(length, np.float32)
        whole[begin : begin + tile] = weight
        changes[1:] |= np.diff(whole) != 0
    return [int(at) for at in np.flatnonzero(changes[:size])]


def through_tiles(
    function: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    tile: tuple[int, int],
    *,
    overlap: int,
    progress: Progress | None = None,
) -> np.ndarray:
    """Gives what a function of tiles makes of a image; holds one row of tiles beside both.

    Args:
        function: From `(*tile, channels)` to `(*tile, other channels)`.
        image: `(height, width, channels)`; a side shorter than a tile is filled with its
            mirror image, which is cut off again.
        tile: Height and width of a tile.
        overlap: Pixels that neighbours share at least; as in `starts`, for both sides.
        progress: Called after each tile.

    Returns:
        `(height, width, other channels)` of the type the function gives: floats in float32,
        integers rounded.
    """
    height, width = image.shape[:2]
    image = filled_up(image, tile)
    strips = _Strips(image.shape[0], tile, overlap)
    columns = starts(image.shape[1], tile[1], overlap)
    across = weights(image.shape[1], tile[1], overlap)
    for row, top in enumerate(strips.begins):
        for column, left in enumerate(columns):
            made = function(image[top : top + tile[0], left : left + tile[1]])
            strips.add(made, row, left, across[column], image.shape[1])
            if progress is not None:
                progress(row * len(columns) + column + 1, len(columns) * len(strips.begins))
        strips.finish(row)
    return strips.result[:height, :width]


def filled_up(image: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """A image whose sides are no shorter than a tile's: the rest is its mirror image."""
    below, right = (max(0, side - have) for side, have in zip(tile, image.shape, strict=False))
    if not (below or right):
        return image
    return np.pad(image, ((0, below), (0, right), (0, 0)), mode="reflect")


class _Strips:
    """Adds weighted tiles up, row by row; rows of pixels that no further tile meets are done."""

    def __init__(self, height: int, tile: tuple[int, int], overlap: int) -> None:
        self.begins = starts(height, tile[0], overlap)
        self._weights = weights(height, tile[0], overlap)
        self._height, self._tile = height, tile
        self.result = np.zeros((0, 0, 0))
        self._sums = np.zeros((0, 0, 0), np.float32)  # of the pixels of one row of tiles

    def add(self, made: np.ndarray, row: int, left: int, across: np.ndarray, width: int) -> None:
        if not self.result.size:
            kind = made.dtype if np.issubdtype(made.dtype, np.integer) else np.float32
            self.result = np.empty((self._height, width, made.shape[-1]), kind)
            self._sums = np.zeros((self._tile[0], width, made.shape[-1]), np.float32)
        weight = self._weights[row][:, None, None] * across[:, None]
        self._sums[:, left : left + self._tile[1]] += made * weight

    def finish(self, row: int) -> None:
        begin = self.begins[row]
        end = self.begins[row + 1] if row + 1 < len(self.begins) else self._height
        done = self._sums[: end - begin]
        whole = np.issubdtype(self.result.dtype, np.integer)
        self.result[begin:end] = np.rint(done, out=done) if whole else done
        left = len(self._sums) - len(done)
        self._sums[:left] = self._sums[len(done) :].copy()
        self._sums[left:] = 0.0


def _risen(middles: np.ndarray, cut: float, ramp: float) -> np.ndarray:
    if ramp == 0:
        return (middles > cut).astype(np.float64)
    return np.clip((middles - cut) / ramp + 0.5, 0.0, 1.0)
