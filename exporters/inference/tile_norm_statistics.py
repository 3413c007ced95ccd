"""Normalization statistics of a whole image, for models that take them as inputs of each tile.

Such a bundle has two more signatures for `NAME`. `NAME_statistics` takes a batch of tiles and
returns the `means` and `scales` of all normalization layers, computed as if the tiles were one
image. `NAME_tile` takes these statistics and an image. All tiles of an image get the same ones.
"""

import math

import numpy as np

from exporters.bundle.manifest import SignatureRecord
from exporters.bundle.signatures import PIXEL_SUFFIX
from exporters.inference.signature_selection import ImageSignature, Model

STATISTICS, TILE = "_statistics", "_tile"
MAX_TILES = 64  # used to compute the statistics of an image
_STATISTICS_NAMES = {"means", "scales"}


def tile_signature(model: Model, chosen: ImageSignature) -> str | None:
    """Name of the uint8 signature that takes a tile and statistics; None if there is none."""
    names = (chosen.pixels_of + kind + PIXEL_SUFFIX for kind in (STATISTICS, TILE))
    statistics, tile = ((name, model.signatures.get(name)) for name in names)
    if statistics[1] is None or tile[1] is None or not _match(statistics[1], tile[1], chosen):
        return None
    return tile[0]


def whole_image_statistics(
    model: Model, chosen: ImageSignature, pixels: np.ndarray
) -> dict[str, np.ndarray]:
    """Normalization statistics of a whole image, from up to 64 tiles distributed over it.

    Tiles run in batches of the signature's size, and the statistics of all batches are pooled.
    The memory needed therefore does not grow with the image.

    Args:
        model: Has a `tile_signature` for `chosen`.
        chosen: The signature that translates.
        pixels: uint8 `(height, width, channels)`, no side below the model's.

    Returns:
        `means` and `scales`, float32 `(1, channels of all normalization layers)`.
    """
    name = chosen.pixels_of + STATISTICS + PIXEL_SUFFIX
    (tiles,) = model.signatures[name].inputs
    batch, height, width, _ = tiles.shape
    rows, columns = pixels.shape[0] - height, pixels.shape[1] - width
    count = min(MAX_TILES, math.ceil(pixels.shape[0] * pixels.shape[1] / (height * width)))
    statistics = []
    for first in range(0, count, batch):
        positions = halton_positions(first, batch, rows, columns)
        cut = [pixels[top : top + height, left : left + width] for top, left in positions]
        statistics.append(model.run(name, {tiles.name: np.stack(cut)}))
    return pool_statistics(
        [np.asarray(each["means"]) for each in statistics],
        [each["scales"] for each in statistics],
    )


def halton_positions(first: int, count: int, rows: int, columns: int) -> list[tuple[int, int]]:
    """Points `first` to `first + count` of a Halton sequence, which covers an area evenly.

    Args:
        first: Index of the first point.
        count: Number of points.
        rows, columns: The largest top and left, both included.

    Returns:
        Top and left of each point.

    Source: Halton 1960, "On the efficiency of certain quasi-random sequences of points", bases 2
    and 3.
    """
    return [
        (int(_radical_inverse(i, 2) * (rows + 1)), int(_radical_inverse(i, 3) * (columns + 1)))
        for i in range(first + 1, first + count + 1)
    ]


def pool_statistics(means: list[np.ndarray], scales: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Statistics of all batches together; a scale is 1 / sqrt(variance + epsilon).

    The total variance is the mean of the batches' variances plus the variance of their means.
    """
    mean = np.mean(means, 0, dtype=np.float64)
    variance = np.mean(np.asarray(scales, np.float64) ** -2.0, 0) + np.var(
        means, 0, dtype=np.float64
    )
    return {"means": mean.astype(np.float32), "scales": (variance**-0.5).astype(np.float32)}


def _match(statistics: SignatureRecord, tile: SignatureRecord, chosen: ImageSignature) -> bool:
    """Whether the tensors of both signatures match those of `chosen`, not only their names."""
    rows = {tensor.name: tensor.shape for tensor in statistics.outputs}
    tile_inputs = {tensor.name: tensor.shape for tensor in tile.inputs}
    rows_match = set(rows) == _STATISTICS_NAMES and tile_inputs == rows | {
        chosen.image.name: chosen.image.shape
    }
    tiles = statistics.inputs[0]
    tiles_match = len(statistics.inputs) == 1 and tiles.shape[1:] == chosen.image.shape[1:]
    results = {tensor.name: tensor.shape for tensor in tile.outputs}
    return (
        rows_match
        and tiles_match
        and tiles.dtype == "uint8"
        and results.get(chosen.result.name) == chosen.result.shape
    )


def _radical_inverse(index: int, base: int) -> float:
    """The digits of an index in some base, reversed and written behind the point."""
    value, weight = 0.0, 1.0
    while index:
        weight /= base
        index, digit = divmod(index, base)
        value += digit * weight
    return value
