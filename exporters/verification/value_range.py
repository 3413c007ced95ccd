"""Holds the values of an output to the range that its signature declares.

Pixels are scaled by that range, and clipping to 0..255 would hide a wrong one. So the range is
checked on float values, before anything is clipped.
"""

import numpy as np

from exporters.bundle.manifest import TensorRecord
from exporters.convert.recipes import Tolerance

ROUNDING = 0.5 / 255  # of the range's width: half a level, which no pixel shows
ALLOWED = "by more than half a level of 255"


def range_fault(
    tensor: TensorRecord, values: np.ndarray, tolerance: Tolerance | None = None
) -> str | None:
    """Says where values lie if they leave the range of a tensor; None if they keep to it.

    Each value may be outside by half a level of 255, and by what a recipe's tolerance allows: its
    `max_abs`, or on the root mean square of all values the error of its `psnr`.

    Args:
        tensor: An output. Without limits (no range, or a typical one) every value is allowed.
        values: Its values, any shape. Values that are not finite are not judged here.
        tolerance: Allowed errors of a converted file; None for the original.

    Returns:
        Such as `from -0.2 to 254, outside its value range [-1, 1] by more than half a level of
        255`.
    """
    low, high = tensor.limits
    if not np.isfinite((low, high)).all() or not np.isfinite(values).all():
        return None
    exact = values.astype(np.float64)
    excess = np.maximum(np.maximum(low - exact, exact - high), 0.0) / (high - low)
    if _is_allowed(excess, tolerance):
        return None
    return (
        f"from {exact.min():.4g} to {exact.max():.4g}, outside its value range "
        f"[{low:g}, {high:g}] {ALLOWED}"
    )


def _is_allowed(excess: np.ndarray, tolerance: Tolerance | None) -> bool:
    """Whether values may be this far outside, as fractions of the range's width."""
    largest = float(excess.max())
    if largest <= ROUNDING:
        return True
    if tolerance is None:
        return False
    # Tolerances are errors of images in [-1, 1], whose width is 2.
    if tolerance.max_abs is not None and largest > ROUNDING + tolerance.max_abs / 2.0:
        return False
    if tolerance.mean_abs is not None and excess.mean() > ROUNDING + tolerance.mean_abs / 2.0:
        return False
    if tolerance.psnr is not None:
        root_mean_square = float(np.sqrt(np.mean(excess**2)))
        return root_mean_square <= ROUNDING + 10.0 ** (-tolerance.psnr / 20.0)
    return True
