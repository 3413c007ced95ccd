"""Real inputs of every signature of a run, from which integer recipes fix ranges."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_translate import images
from tf_translate.data.layouts.folders import images_in
from tf_translate.errors import DataError
from tf_translate.experiment.dataset import preview
from tf_translate.experiment.load_run import Examples, Trained, with_latents

MOST_CANDIDATES = 1000  # to choose from, spread evenly over the split or folder
_IMAGES = ("image", "a", "b")  # of a batch, as methods name them

Pick = Callable[[np.ndarray], Sequence[int]]


def calibration_inputs(trained: Trained, folder: Path | None, pick: Pick) -> Examples:
    """Chosen images as inputs of every signature, with what else the signatures take.

    Args:
        trained: A run.
        folder: Images to choose from in place of the run's training split; where the run has
            two domains, `a` and `b` within it hold theirs. Attributes are the training split's.
        pick: Chooses from images `(n, height, width, channels)` in [-1, 1], by position.

    Returns:
        For each signature and input a batch; latents come from the chosen images.

    Raises:
        DataError: If the folder is missing or holds no image, or one is broken.
    """
    candidates = preview(trained.data, "train", MOST_CANDIDATES)
    if folder is not None:
        candidates = _with_images_of(folder, candidates)
    chosen = _chosen(candidates, pick)
    translator = trained.translator
    return with_latents(translator.signatures(), translator.examples(chosen))


def _with_images_of(folder: Path, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The batch with a folder's images in place of its own; other values are repeated."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder} of calibration images")
    read = {
        key: _read(folder / key if (folder / key).is_dir() else folder, batch[key].shape[1:])
        for key in _IMAGES
        if key in batch
    }
    count = max(map(len, read.values()))
    return {key: read[key] if key in read else _repeated(batch[key], count) for key in batch}


def _read(folder: Path, shape: tuple[int, int, int]) -> np.ndarray:
    height, width, channels = shape
    files = images_in(folder)
    at = np.linspace(0, len(files) - 1, min(len(files), MOST_CANDIDATES)).round().astype(int)
    pixels = [images.read(files[index].path, channels=channels) for index in at]
    return images.to_float(np.stack([images.resize(each, (height, width)) for each in pixels]))


def _repeated(values: np.ndarray, count: int) -> np.ndarray:
    return values[np.arange(count) % len(values)]


def _chosen(batch: Mapping[str, np.ndarray], pick: Pick) -> dict[str, np.ndarray]:
    """Chooses from each domain by itself; what belongs to a image goes with it."""
    picked = {key: list(pick(batch[key])) for key in _IMAGES if key in batch}
    least = min(map(len, picked.values()))
    return {key: batch[key][picked.get(key, picked.get("image"))][:least] for key in batch}
