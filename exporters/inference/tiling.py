"""Maps a function of fixed input size over a large image: overlapping tiles that are blended.

Along each axis tiles are spaced evenly, and neighbours overlap by at least the given width. In
the middle of the overlap one tile fades out while the next fades in, over half of that width.
The outer quarters are not used, because padding affects them most. The weights of all tiles at
a pixel add up to 1.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

Progress = Callable[[int, int], None]  # finished tiles, all tiles


MIN_OVERLAP = 32  # pixels, because a generator's receptive field does not grow with the tile


def default_overlap(tile: tuple[int, int]) -> int:
    """A quarter of the shorter side, at least 32 pixels, at most half of the side."""
    side = min(tile)
    return min(max(side // 4, MIN_OVERLAP), side // 2)


def tile_starts(size: int, tile: int, overlap: int) -> list[int]:
    """First pixels of the fewest evenly spaced tiles that cover an axis with enough overlap.

    Args:
        size: Length of the axis in pixels; below `tile` one tile covers it.
        tile: Length of a tile.
        overlap: Minimum overlap of neighbours in pixels, 0 to `tile // 2`.

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
    return [round(index * (size - tile) / (count - 1)) for index in range(count)]


def blend_weights(size: int, tile: int, overlap: int) -> list[np.ndarray]:
    """The weight of each tile at each of its pixels along an axis, float32 `(tile,)` each.

    Arguments and errors as in `tile_starts`.
    """
    return _weights_at(tile_starts(size, tile, overlap), tile, overlap)


def _weights_at(starts: Sequence[int], tile: int, overlap: int) -> list[np.ndarray]:
    """The weights of tiles that begin at `starts`."""
    ramp = overlap / 2
    # At these positions both neighbours have weight 0.5; without a ramp the weight jumps there.
    centres = [(later + start + tile) / 2 for start, later in itertools.pairwise(starts)]
    weights = []
    for index, start in enumerate(starts):
        pixel_centres = start + np.arange(tile) + 0.5
        weight = np.ones(tile)
        if index > 0:
            weight *= _fade_in(pixel_centres, centres[index - 1], ramp)
        if index < len(centres):
            weight *= 1.0 - _fade_in(pixel_centres, centres[index], ramp)
        weights.append(weight.astype(np.float32))
    return weights


def map_tiles(
    function: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    tile: tuple[int, int],
    *,
    overlap: int,
    scale: int = 1,
    progress: Progress | None = None,
) -> np.ndarray:
    """Applies a function to every tile of an image and blends the results.

    Besides the image and the result it holds only one row of tiles in memory.

    Args:
        function: From `(*tile, channels)` to `(scale * height, scale * width, other channels)`.
        image: `(height, width, channels)`. A side shorter than a tile is padded by reflection,
            and the padding is cut off the result.
        tile: Height and width of a tile.
        overlap: Minimum overlap of neighbours, as in `tile_starts`, for both axes.
        scale: How many times as long the function makes the sides of a tile.
        progress: Called after each tile.

    Returns:
        `(scale * height, scale * width, other channels)`: float32 if the function returns floats,
        else its integer type, rounded.
    """
    height, width = image.shape[:2]
    image = _pad_to_tile(image, tile)
    rows, columns = (tile_starts(image.shape[axis], tile[axis], overlap) for axis in (0, 1))
    blend = _RowBlend([scale * row for row in rows], scale * image.shape[0], scale * tile[0])
    row_weights, column_weights = (
        _weights_at([scale * start for start in starts], scale * side, scale * overlap)
        for starts, side in ((rows, tile[0]), (columns, tile[1]))
    )
    for row, top in enumerate(rows):
        for column, left in enumerate(columns):
            output = function(image[top : top + tile[0], left : left + tile[1]])
            weights = row_weights[row][:, None, None] * column_weights[column][:, None]
            blend.add(output, weights, scale * left, scale * image.shape[1])
            if progress is not None:
                progress(row * len(columns) + column + 1, len(columns) * len(rows))
        blend.finish(row)
    return blend.result[: scale * height, : scale * width]


def _pad_to_tile(image: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Pads an image by reflection until no side is shorter than a tile's."""
    below, right = (max(0, side - size) for side, size in zip(tile, image.shape, strict=False))
    if not (below or right):
        return image
    return np.pad(image, ((0, below), (0, right), (0, 0)), mode="reflect")


class _RowBlend:
    """Sums weighted tiles one row of tiles at a time, and writes out finished rows of pixels."""

    def __init__(self, starts: Sequence[int], height: int, tile: int) -> None:
        self.starts = starts
        self._height, self._tile = height, tile
        self.result = np.zeros((0, 0, 0))
        self._sums = np.zeros((0, 0, 0), np.float32)  # pixels of one row of tiles

    def add(self, output: np.ndarray, weights: np.ndarray, left: int, width: int) -> None:
        if not self.result.size:
            dtype = output.dtype if np.issubdtype(output.dtype, np.integer) else np.float32
            self.result = np.empty((self._height, width, output.shape[-1]), dtype)
            self._sums = np.zeros((self._tile, width, output.shape[-1]), np.float32)
        self._sums[:, left : left + output.shape[1]] += output * weights

    def finish(self, row: int) -> None:
        start = self.starts[row]
        end = self.starts[row + 1] if row + 1 < len(self.starts) else self._height
        finished = self._sums[: end - start]
        is_integer = np.issubdtype(self.result.dtype, np.integer)
        self.result[start:end] = np.rint(finished, out=finished) if is_integer else finished
        remaining = len(self._sums) - len(finished)
        self._sums[:remaining] = self._sums[len(finished) :].copy()
        self._sums[remaining:] = 0.0


def _fade_in(positions: np.ndarray, centre: float, ramp: float) -> np.ndarray:
    """Weights that rise from 0 to 1 over `ramp` pixels around `centre`."""
    if ramp == 0:
        return (positions > centre).astype(np.float64)
    return np.clip((positions - centre) / ramp + 0.5, 0.0, 1.0)
