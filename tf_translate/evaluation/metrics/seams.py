"""Whether a image that was put together shows where: jumps and tints along its borders.

Both are measured against the same image made in one piece, at the same places, so that edges
of what the image shows do not count. Read them together: wide blending spreads a step over so
many pixels that jumps look like those of any image, though parts are tinted unlike.
"""

import itertools
from collections.abc import Sequence

import numpy as np

Borders = tuple[Sequence[int], Sequence[int]]  # rows and columns ahead of which a border lies


def seam_ratio(tiled: np.ndarray, whole: np.ndarray, borders: Borders) -> float:
    """Gives how much more the image jumps across borders than inside, by the same for whole.

    A jump is the absolute difference of two pixels that are neighbours along an axis. Over both
    axes together the mean jump across borders is divided by the mean jump everywhere else; the
    quotient of `tiled` is divided by that of `whole`.

    Args:
        tiled: Float or uint8 `(height, width, channels)`, put together.
        whole: The same made in one piece, of the same shape and units.
        borders: Rows and columns, each at least 1 and below the side; a border lies between that
            row or column and the one before.

    Returns:
        1 if borders cannot be told, above where they show. NaN if `whole` is flat.

    Raises:
        ValueError: If shapes differ, or there is no border or nothing but borders.
    """
    tiled, whole = _checked(tiled, whole)
    counts = sum(len(set(along)) for along in borders)
    if not 0 < counts < tiled.shape[0] + tiled.shape[1] - 2:
        raise ValueError(f"`borders` must be some rows and columns and not all, got {counts}")
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(_across_to_inside(tiled, borders) / _across_to_inside(whole, borders))


def tint_step(tiled: np.ndarray, whole: np.ndarray, borders: Borders) -> float:
    """Gives by how much neighbouring parts are tinted unlike, which blending hides from jumps.

    The tint of a part between borders is the mean of `tiled - whole` over it, channel by channel;
    the step is the mean absolute difference of the tints of parts that are neighbours along an
    axis. Parts thinner than two pixels, such as the ramps of blending, are passed over.

    Arguments as in `seam_ratio`, in whose units the step is; 0 with no neighbours.
    """
    tiled, whole = _checked(tiled, whole)
    rows, columns = (_parts(along, side) for along, side in zip(borders, tiled.shape, strict=False))
    apart = tiled - whole
    tints = np.array(
        [[apart[row, column].mean((0, 1)) for column in columns] for row in rows]
    )  # (rows of parts, columns of parts, C)
    steps = [np.abs(np.diff(tints, axis=axis)).ravel() for axis in (0, 1)]
    every = np.concatenate(steps)
    return float(every.mean()) if every.size else 0.0


def _across_to_inside(image: np.ndarray, borders: Borders) -> np.float64:
    across, inside = [], []
    for axis, along in enumerate(borders):
        jumps = np.abs(np.diff(image, axis=axis)).mean(-1)  # [i]: from i to i + 1
        at_border = np.isin(np.arange(1, image.shape[axis]), list(along))
        across.append(np.compress(at_border, jumps, axis=axis).ravel())
        inside.append(np.compress(~at_border, jumps, axis=axis).ravel())
    return np.concatenate(across).mean() / np.concatenate(inside).mean()


def _parts(along: Sequence[int], side: int) -> list[slice]:
    edges = [0, *sorted(set(along)), side]
    pairs = itertools.pairwise(edges)
    return [slice(begin, end) for begin, end in pairs if end - begin >= 2]


def _checked(tiled: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tiled, whole = np.asarray(tiled, np.float64), np.asarray(whole, np.float64)
    if tiled.shape != whole.shape or tiled.ndim != 3:
        raise ValueError(
            "`tiled` and `whole` must have one equal shape (height, width, channels), "
            f"got {tiled.shape} and {whole.shape}"
        )
    return tiled, whole
