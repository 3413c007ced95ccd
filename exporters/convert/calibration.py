"""Calibration: real examples from which integer recipes fix the range of every tensor.

Ranges are the least and the greatest value met, so what matters is that the examples reach as
far as images do: a picker takes those that lie furthest apart in colour and brightness.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exporters.bundle.manifest import SignatureRecord
from exporters.errors import ExportError
from exporters.verification import golden

COUNT = 64  # some hundred at most help; below some ten the tails of activations are cut
_GRID = 2  # a image's colour is looked at in 2x2 parts


@dataclass(frozen=True)
class Calibration:
    """Examples for every input of every float signature.

    Attributes:
        inputs: For each signature and each of its inputs a batch `(n, *shape without batch)` of
            its type and range; row k of all inputs of a signature belongs together.
        chosen: How they were chosen, in values that JSON can say; kept in the manifest.
    """

    inputs: Mapping[str, Mapping[str, np.ndarray]]
    chosen: Mapping[str, Any] = field(default_factory=dict)


def pick(images: Iterable[np.ndarray], *, count: int = COUNT, seed: int = 0) -> list[int]:
    """Chooses images that cover the colours, brightnesses and contrasts of all of them.

    The first is the one nearest to the mean; each further one is the one least like those
    chosen, by mean colours in four quarters and by contrast. Of images equally unlike,
    `seed` decides.

    Args:
        images: Images `(height, width, channels)` in [-1, 1]; one at a time is held.
        count: How many, at least 1; all of them if there are no more.
        seed: Any integer; equal seeds give equal choices.

    Returns:
        Positions in the order they were chosen.

    Raises:
        ExportError: If `count` is below 1 or there is no image.
    """
    if count < 1:
        raise ExportError(f"`count` must be at least 1, got {count}")
    features = np.array([_features(image) for image in images])
    if not len(features):
        raise ExportError("`images` is empty; give the images to choose from")
    order = np.random.default_rng(seed % 2**32).permutation(len(features))
    shuffled = features[order]
    nearest = int(np.argmin(_distances(shuffled, shuffled.mean(0))))
    positions, apart = [nearest], _distances(shuffled, shuffled[nearest])
    while len(positions) < min(count, len(features)):
        apart[positions] = -1.0  # equal images must not be chosen twice
        positions.append(int(np.argmax(apart)))
        apart = np.minimum(apart, _distances(shuffled, shuffled[positions[-1]]))
    return [int(order[position]) for position in positions]


def cases(
    records: Mapping[str, SignatureRecord], calibration: Calibration | None, recipe: str
) -> dict[str, list[golden.Arrays]]:
    """The examples case by case for every signature, uint8 variants included.

    Raises:
        ExportError: If none are given, or not for every input of every signature.
    """
    if calibration is None:
        raise ExportError(
            f"recipe {recipe!r} fixes ranges from examples and none are given; give real ones as "
            "`calibration`, or choose a recipe without such as dynamic_int8"
        )
    floats = [name for name, record in records.items() if record.pixels_of is None]
    if unknown := sorted(set(calibration.inputs) - set(floats)):
        raise ExportError(
            f"`calibration` names the signature {unknown[0]!r}; known are {', '.join(floats)}"
        )
    batches = {
        name: _checked(name, record, calibration.inputs.get(name, {}), recipe)
        for name, record in records.items()
        if name in floats
    }
    for name, record in records.items():
        if record.pixels_of is not None:
            batches[name] = golden.on_pixels(records[record.pixels_of], batches[record.pixels_of])
    return {name: _split(batch) for name, batch in batches.items()}


def _features(image: np.ndarray) -> np.ndarray:
    rows = np.array_split(image, _GRID)
    parts = [part for row in rows for part in np.array_split(row, _GRID, axis=1)]
    colours = [(part if part.size else image).mean((0, 1)) for part in parts]
    # Contrast counts as much as the colours together, which are _GRID**2 times as many numbers.
    contrast = image.std((0, 1)) * _GRID
    return np.concatenate([*colours, contrast]).astype(np.float64)


def _distances(features: np.ndarray, one: np.ndarray) -> np.ndarray:
    return ((features - one) ** 2).sum(1)


def _checked(
    name: str, record: SignatureRecord, given: Mapping[str, np.ndarray], recipe: str
) -> golden.Arrays:
    batches = golden.checked(name, record, given, argument="calibration")
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
