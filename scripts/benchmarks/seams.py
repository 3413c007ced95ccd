"""Measures whether the borders of tiles are visible: jumps across seams, and colour steps.

Both compare with the same image computed in one piece, at the same positions, so that edges in the
image content do not count. Read them together. Wide blending spreads a step over many pixels: then
the jumps look like those of any image, although neighbouring tiles differ in colour.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from exporters.inference.tiling import blend_weights, tile_starts

Seams = tuple[Sequence[int], Sequence[int]]  # rows and columns; a seam lies before each


def seam_positions(size: int, tile: int, overlap: int) -> list[int]:
    """Pixels whose blend weights differ from the pixel before: where a seam could be visible.

    Arguments and errors as in `exporters.inference.tiling.tile_starts`.
    """
    length = max(size, tile)
    changes = np.zeros(length, bool)
    for start, weight in zip(
        tile_starts(size, tile, overlap), blend_weights(size, tile, overlap), strict=True
    ):
        along_axis = np.zeros(length, np.float32)
        along_axis[start : start + tile] = weight
        changes[1:] |= np.diff(along_axis) != 0
    return [int(position) for position in np.flatnonzero(changes[:size])]


def seam_ratio(tiled: np.ndarray, whole: np.ndarray, seams: Seams) -> float:
    """The mean jump across seams divided by the mean jump elsewhere, relative to the whole image.

    A jump is the absolute difference of two neighbouring pixels along one axis. The means are over
    both axes together. The quotient of `tiled` is divided by the quotient of `whole`.

    Args:
        tiled: Float or uint8 `(height, width, channels)`, assembled from tiles.
        whole: The same image computed in one piece, of the same shape and units.
        seams: Rows and columns, each at least 1 and below the side. A seam lies between such a
            row or column and the one before.

    Returns:
        1 if seams are invisible, more where they are visible. NaN if `whole` is constant.

    Raises:
        ValueError: If shapes differ, or there are no seams or nothing but seams.
    """
    tiled, whole = _checked(tiled, whole)
    count = sum(len(set(positions)) for positions in seams)
    if not 0 < count < tiled.shape[0] + tiled.shape[1] - 2:
        raise ValueError(f"`seams` must be some rows and columns but not all, got {count}")
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(_jump_quotient(tiled, seams) / _jump_quotient(whole, seams))


def tint_step(tiled: np.ndarray, whole: np.ndarray, seams: Seams) -> float:
    """The mean colour difference of neighbouring parts, which blending hides from the jumps.

    The tint of a part between seams is the mean of `tiled - whole` over it, per channel. The step
    is the mean absolute difference between the tints of neighbouring parts. Parts narrower than
    two pixels, such as the ramps of blending, are skipped.

    Arguments as in `seam_ratio`. The step has the units of the images; it is 0 without neighbours.
    """
    tiled, whole = _checked(tiled, whole)
    rows, columns = (_parts(seam, side) for seam, side in zip(seams, tiled.shape, strict=False))
    difference = tiled - whole
    tints = np.array(
        [[difference[row, column].mean((0, 1)) for column in columns] for row in rows]
    )  # (rows of parts, columns of parts, C)
    steps = [np.abs(np.diff(tints, axis=axis)).ravel() for axis in (0, 1)]
    all_steps = np.concatenate(steps)
    return float(all_steps.mean()) if all_steps.size else 0.0


def _jump_quotient(image: np.ndarray, seams: Seams) -> np.float64:
    across, elsewhere = [], []
    for axis, positions in enumerate(seams):
        jumps = np.abs(np.diff(image, axis=axis)).mean(-1)  # [i]: from i to i + 1
        at_seam = np.isin(np.arange(1, image.shape[axis]), list(positions))
        across.append(np.compress(at_seam, jumps, axis=axis).ravel())
        elsewhere.append(np.compress(~at_seam, jumps, axis=axis).ravel())
    return np.concatenate(across).mean() / np.concatenate(elsewhere).mean()


def _parts(positions: Sequence[int], side: int) -> list[slice]:
    edges = [0, *sorted(set(positions)), side]
    pairs = itertools.pairwise(edges)
    return [slice(start, end) for start, end in pairs if end - start >= 2]


def _checked(tiled: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tiled, whole = np.asarray(tiled, np.float64), np.asarray(whole, np.float64)
    if tiled.shape != whole.shape or tiled.ndim != 3:
        raise ValueError(
            "`tiled` and `whole` must have one equal shape (height, width, channels), "
            f"got {tiled.shape} and {whole.shape}"
        )
    return tiled, whole
