"""Calibration: real examples from which integer recipes take the range of every tensor.

A range is the minimum and maximum over all examples, so the examples must be diverse.
`pick_diverse_images` chooses images that are far apart in colour and brightness.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np

from exporters.arguments import check_batches_by_signature, check_count, check_type, shown
from exporters.bundle.manifest import SignatureRecord
from exporters.errors import ExportError
from exporters.verification import golden

COUNT = 64  # more than about 100 do not help; fewer than about 10 clip the tails of activations
_GRID = 2  # mean colours are taken in 2x2 parts of an image


@dataclass(frozen=True)
class Calibration:
    """Examples for every input of every float signature.

    Attributes:
        inputs: For each signature and each of its inputs a batch `(n, *shape without batch)` of
            its type and range. Row k of all inputs of a signature is one example.
        chosen: How they were chosen, JSON-able; stored in the manifest.
    """

    inputs: Mapping[str, Mapping[str, np.ndarray]]
    chosen: Mapping[str, Any] = field(default_factory=dict)


def pick_diverse_images(
    images: Iterable[np.ndarray], *, count: int = COUNT, seed: int = 0
) -> list[int]:
    """Chooses images that cover the colours, brightnesses and contrasts of all images.

    Farthest-point sampling: the first image is the one nearest to the mean, each further one
    is the one farthest from those chosen. The features are the mean colours of the four
    quarters and the contrast. Ties are broken by `seed`.

    Args:
        images: Images `(height, width, channels)` in [-1, 1]; only one is in memory at a time.
        count: How many to choose, at least 1; all images if there are fewer.
        seed: Any integer; equal seeds give equal choices.

    Returns:
        Indices of the images in the order they were chosen.

    Raises:
        ExportError: If `count` is below 1 or there is no image.
    """
    check_count("count", count)
    check_type("seed", seed, Integral, "a whole number")
    features = np.array([_features(image) for image in _iterated(images)])
    if not len(features):
        raise ExportError("`images` is empty; give the images to choose from")
    order = np.random.default_rng(seed % 2**32).permutation(len(features))
    shuffled = features[order]
    nearest = int(np.argmin(_distances(shuffled, shuffled.mean(0))))
    chosen, distances = [nearest], _distances(shuffled, shuffled[nearest])
    while len(chosen) < min(count, len(features)):
        distances[chosen] = -1.0  # no image is chosen twice, even if several are equal
        chosen.append(int(np.argmax(distances)))
        distances = np.minimum(distances, _distances(shuffled, shuffled[chosen[-1]]))
    return [int(order[index]) for index in chosen]


def cases(
    records: Mapping[str, SignatureRecord], calibration: Calibration | None, recipe: str
) -> dict[str, list[golden.Arrays]]:
    """The examples of every signature as single cases, uint8 variants included.

    Raises:
        ExportError: If there are no examples, or not for every input of every signature.
    """
    if calibration is None:
        raise ExportError(
            f"recipe {recipe!r} takes ranges from examples and none are given; give real ones as "
            "`calibration`, or choose a recipe that needs none, such as dynamic_int8"
        )
    check_type("calibration", calibration, Calibration, "exporters.Calibration")
    check_batches_by_signature("calibration", calibration.inputs)
    floats = [name for name, record in records.items() if record.pixels_of is None]
    if unknown := sorted(set(calibration.inputs) - set(floats)):
        raise ExportError(
            f"`calibration` names the signature {unknown[0]!r}; known are {', '.join(floats)}"
        )
    batches = {
        name: _check_batches(name, record, calibration.inputs.get(name, {}), recipe)
        for name, record in records.items()
        if name in floats
    }
    for name, record in records.items():
        if record.pixels_of is not None:
            batches[name] = golden.to_pixel_inputs(
                records[record.pixels_of], batches[record.pixels_of]
            )
    return {name: _split(batch) for name, batch in batches.items()}


def _iterated(images: Any) -> Iterable[np.ndarray]:
    """The images, each checked when its turn comes: only one is in memory at a time."""
    what = "images of shape (height, width, channels)"
    if isinstance(images, (str, Mapping)) or not isinstance(images, Iterable):
        raise ExportError(f"`images` must hold {what}, got {shown(images)}")
    channels = None
    for image in images:
        if not isinstance(image, np.ndarray) or image.ndim != 3 or 0 in image.shape:
            raise ExportError(f"`images` must hold {what}, got {shown(image)} in it")
        channels = channels or image.shape[-1]
        if image.shape[-1] != channels:
            raise ExportError(
                f"`images` must have equally many channels, got {channels} and {image.shape[-1]}"
            )
        yield image


def _features(image: np.ndarray) -> np.ndarray:
    rows = np.array_split(image, _GRID)
    parts = [part for row in rows for part in np.array_split(row, _GRID, axis=1)]
    colours = [(part if part.size else image).mean((0, 1)) for part in parts]
    # Contrast is weighted like all colours together, which are _GRID**2 times as many features.
    contrast = image.std((0, 1)) * _GRID
    return np.concatenate([*colours, contrast]).astype(np.float64)


def _distances(features: np.ndarray, one: np.ndarray) -> np.ndarray:
    return ((features - one) ** 2).sum(1)


def _check_batches(
    name: str, record: SignatureRecord, examples: Mapping[str, np.ndarray], recipe: str
) -> golden.Arrays:
    batches = golden.check_batches(name, record, examples, argument="calibration")
    missing = [tensor.name for tensor in record.inputs if tensor.name not in batches]
    if missing:
        raise ExportError(
            f"recipe {recipe!r} needs `calibration` for every input, and signature {name!r} has "
            f"none for {missing[0]!r}; give a batch of real examples of it"
        )
    counts = {key: len(batch) for key, batch in batches.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise ExportError(
            f"`calibration` of signature {name!r} must have equally many examples, at least 1, "
            f"for each input, got {counts}"
        )
    return batches


def _split(batch: golden.Arrays) -> list[golden.Arrays]:
    count = len(next(iter(batch.values())))
    return [{key: values[[index]] for key, values in batch.items()} for index in range(count)]
