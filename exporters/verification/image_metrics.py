"""Differences between two outputs: errors, PSNR, structural similarity and colour shift."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from exporters.bundle.manifest import TensorRecord

_WINDOW, _SIGMA = 11, 1.5  # Wang et al. 2004, sec. III-C
_K1, _K2 = 0.01, 0.03  # Wang et al. 2004, sec. III-C


@dataclass(frozen=True)
class OutputDifference:
    """The difference between an output and the expected one, over some cases.

    For uint8 the unit is a level (0 to 255). For floats it is that of an image in [-1, 1]: a
    range of another width is scaled to 2, and a tensor without a range is divided by the largest
    expected magnitude if that is above 1.

    Attributes:
        cases: Number of compared cases.
        max_abs, mean_abs: Largest and mean absolute difference; NaN if an output is not finite.
        psnr: Decibels over all cases, with the range's width as the peak; infinite if equal.
        ssim: Mean structural similarity over cases and channels, 1 if equal; None for tensors
            that are not images or have a side below 11 pixels.
        colour_shift: For images the signed mean difference of each channel, in the same unit as
            the errors; positive if the output is too bright.
    """

    cases: int
    max_abs: float
    mean_abs: float
    psnr: float
    ssim: float | None = None
    colour_shift: tuple[float, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; an infinite PSNR (equal outputs) and differences of NaN are null."""
        return {key: _finite(value) for key, value in asdict(self).items()}


def compare(expected: np.ndarray, actual: np.ndarray, tensor: TensorRecord) -> OutputDifference:
    """Compares cases of one output, both `(cases, *shape of the tensor)`."""
    scale, peak = 1.0, 255.0
    if tensor.dtype != "uint8":
        largest = max(abs(float(expected.min())), abs(float(expected.max())))
        scale, peak = 2.0 / (tensor.width or 2.0 * max(1.0, largest)), 2.0
    found = [_differences(*case, scale) for case in zip(expected, actual, strict=True)]
    if not all(math.isfinite(each.largest) for each in found):
        return OutputDifference(len(expected), math.nan, math.nan, math.nan)
    squared = float(np.mean([each.squared for each in found]))
    colours = np.mean([each.colours for each in found], axis=0)
    return OutputDifference(
        len(expected),
        max_abs=max(each.largest for each in found),
        mean_abs=float(np.mean([each.absolute for each in found])),
        psnr=math.inf if squared == 0 else 10.0 * math.log10(peak**2 / squared),
        ssim=_mean_ssim(expected, actual, tensor),
        colour_shift=tuple(map(float, colours)) if is_image(tensor) else None,
    )


@dataclass(frozen=True)
class _Differences:
    """Differences of one case: the largest, and means of magnitudes, squares and channels."""

    largest: float
    absolute: float
    squared: float
    colours: np.ndarray


def _differences(expected: np.ndarray, actual: np.ndarray, scale: float) -> _Differences:
    """One case at a time: all at once in float64 would take many times a bundle's memory."""
    difference = np.array(actual, np.float64)
    difference -= expected
    difference *= scale
    channels = difference.reshape(-1, difference.shape[-1] if difference.ndim else 1)
    colours, squared = channels.mean(0), float(np.mean(np.square(difference)))
    absolute = np.abs(difference, out=difference)
    return _Differences(float(absolute.max()), float(absolute.mean()), squared, colours)


def is_image(tensor: TensorRecord) -> bool:
    """Whether a tensor is a batch of images: it has a range and at most four channels."""
    return (
        len(tensor.shape) == 4 and tensor.shape[-1] <= 4 and bool(tensor.width)
    ) and tensor.dtype in ("float32", "uint8")


def ssim(expected: np.ndarray, actual: np.ndarray, *, data_range: float) -> float:
    """Structural similarity of two images, the mean over positions and channels.

    Windows lie completely inside the image; variances are weighted by the window.

    Args:
        expected, actual: `(height, width, channels)` in [0, data_range], sides of at least 11.
        data_range: Width of the range of values.

    Returns:
        In [-1, 1]; 1 for equal images.

    Raises:
        ValueError: If a side is shorter than the window of 11 pixels.

    Source: Wang et al. 2004, "Image quality assessment: from error visibility to structural
    similarity", eq. 13.
    """
    if min(expected.shape[:2]) < _WINDOW:
        raise ValueError(
            f"`expected` must have sides of at least {_WINDOW} pixels, got {expected.shape[:2]}"
        )
    one, two = expected.astype(np.float64), actual.astype(np.float64)
    mean_one, mean_two = _blurred(one), _blurred(two)
    variances = _blurred(one * one) - mean_one**2 + _blurred(two * two) - mean_two**2
    covariance = _blurred(one * two) - mean_one * mean_two
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    luminance = (2.0 * mean_one * mean_two + c1) / (mean_one**2 + mean_two**2 + c1)
    similarity = float(np.mean(luminance * (2.0 * covariance + c2) / (variances + c2)))
    return min(1.0, similarity)  # rounding may exceed 1


def _mean_ssim(expected: np.ndarray, actual: np.ndarray, tensor: TensorRecord) -> float | None:
    if not is_image(tensor) or min(tensor.shape[1:3]) < _WINDOW:
        return None
    low, high = tensor.value_range or (0.0, 255.0)
    images = (each.reshape(-1, *tensor.shape[1:]) for each in (expected, actual))
    # The formula is defined for non-negative values.
    values = [
        ssim(one.astype(np.float64) - low, two.astype(np.float64) - low, data_range=high - low)
        for one, two in zip(*images, strict=True)
    ]
    return float(np.mean(values))


def _blurred(values: np.ndarray) -> np.ndarray:
    """`(h, w, c)` convolved with the Gaussian window, without padding: `(h - 10, w - 10, c)`."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-0.5 * (offsets / _SIGMA) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        length = values.shape[axis] - _WINDOW + 1
        taps = (np.take(values, range(k, k + length), axis) for k in range(_WINDOW))
        values = sum(weight * tap for weight, tap in zip(weights, taps, strict=True))
    return values


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return list(value) if isinstance(value, tuple) else value
