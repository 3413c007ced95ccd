"""Norm statistics of a whole image, for models that take them as inputs of each tile.

Such a bundle has two more signatures beside `NAME`: `NAME_statistics` takes a batch of tiles and
gives rows of numbers, `means` and `scales` among them, of the tiles as if they were one image;
`NAME_tile` takes those rows beside the image. All tiles of a image then get the same rows.
"""

import math

import numpy as np

from exporters.bundle.manifest import SignatureRecord
from exporters.bundle.signatures import PIXEL_SUFFIX
from exporters.inference.signature_selection import ImageSignature, Model

STATISTICS, TILE = "_statistics", "_tile"
MOST_TILES = 64  # that a image's statistics are taken from
_ROWS = {"means", "scales"}


def tile_signature(model: Model, chosen: ImageSignature) -> str | None:
    """Name of the uint8 signature that takes statistics beside a tile; None if there is none."""
    names = (chosen.pixels_of + kind + PIXEL_SUFFIX for kind in (STATISTICS, TILE))
    statistics, tile = ((name, model.signatures.get(name)) for name in names)
    if statistics[1] is None or tile[1] is None or not _belong(statistics[1], tile[1], chosen):
        return None
    return tile[0]


def whole_statistics(
    model: Model, chosen: ImageSignature, pixels: np.ndarray
) -> dict[str, np.ndarray]:
    """What the norms find in a whole image, from up to 64 tiles spread over it.

    The signature's batch of tiles, or several batches one after the other, run as one image; what
    batches find is pooled, so memory does not grow with the image.

    Args:
        model: Has a `tile_signature` for `chosen`.
        chosen: What is to be translated by.
        pixels: uint8 `(height, width, channels)`, no side below the model's.

    Returns:
        `means` and `scales`, float32 `(1, channels of all norms)`.
    """
    name = chosen.pixels_of + STATISTICS + PIXEL_SUFFIX
    (tiles,) = model.signatures[name].inputs
    batch, height, width, _ = tiles.shape
    rows, columns = pixels.shape[0] - height, pixels.shape[1] - width
    wanted = min(MOST_TILES, math.ceil(pixels.shape[0] * pixels.shape[1] / (height * width)))
    found = []
    for first in range(0, wanted, batch):
        places = spread(first, batch, rows, columns)
        cut = [pixels[top : top + height, left : left + width] for top, left in places]
        found.append(model.run(name, {tiles.name: np.stack(cut)}))
    return pooled([np.asarray(each["means"]) for each in found], [each["scales"] for each in found])


def spread(first: int, count: int, rows: int, columns: int) -> list[tuple[int, int]]:
    """Places `first` to `first + count` of a sequence that fills an area evenly.

    Args:
        first: How many places ahead of these to leave out.
        count: How many to give.
        rows, columns: The largest top and left, both counted.

    Source: Halton 1960, "On the efficiency of certain quasi-random sequences of points", bases 2
    and 3.
    """
    return [
        (int(_mirrored(at, 2) * (rows + 1)), int(_mirrored(at, 3) * (columns + 1)))
        for at in range(first + 1, first + count + 1)
    ]


def pooled(means: list[np.ndarray], scales: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Statistics of batches taken together: scales are 1 / sqrt(variance + epsilon).

    The variance of all is the mean of the batches' variances and the variance of their means.
    """
    mean = np.mean(means, 0, dtype=np.float64)
    variance = np.mean(np.asarray(scales, np.float64) ** -2.0, 0) + np.var(
        means, 0, dtype=np.float64
    )
    return {"means": mean.astype(np.float32), "scales": (variance**-0.5).astype(np.float32)}


def _belong(statistics: SignatureRecord, tile: SignatureRecord, chosen: ImageSignature) -> bool:
    """Whether two signatures are what their names say: their tensors fit those of `chosen`."""
    given = {tensor.name: tensor.shape for tensor in statistics.outputs}
    taken = {tensor.name: tensor.shape for tensor in tile.inputs}
    rows_fit = set(given) == _ROWS and taken == given | {chosen.image.name: chosen.image.shape}
    tiles = statistics.inputs[0]
    tiles_fit = len(statistics.inputs) == 1 and tiles.shape[1:] == chosen.image.shape[1:]
    results = {tensor.name: tensor.shape for tensor in tile.outputs}
    return (
        rows_fit
        and tiles_fit
        and tiles.dtype == "uint8"
        and results.get(chosen.result.name) == chosen.result.shape
    )


def _mirrored(number: int, base: int) -> float:
    """The digits of a number behind the point, in reverse."""
    value, place = 0.0, 1.0
    while number:
        place /= base
        number, digit = divmod(number, base)
        value += digit * place
    return value
