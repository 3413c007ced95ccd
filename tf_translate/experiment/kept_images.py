"""A few images that a run keeps, so that it can be exported when its data set is gone."""

import functools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tf_translate import images
from tf_translate.atomic_files import write_atomically
from tf_translate.data.attribute_dataset import AttributeDataset
from tf_translate.data.image_dataset import ImageDataset
from tf_translate.errors import RunError
from tf_translate.experiment.dataset import Data, evenly_spaced, held_out_split, preview
from tf_translate.exporters_package import check_exporters
from tf_translate.training.run_dir import RunDir

HELD_OUT = 32  # images of each domain, for golden outputs and to measure frozen norms
MAX_CANDIDATES = 1000  # training images, evenly spaced, of which the calibration images are chosen
_HELD_OUT, _CALIBRATION = "held_out", "calibration"

Batch = dict[str, np.ndarray]


@dataclass(frozen=True)
class KeptImages:
    """The images that `export` needs, with the keys of the method's batches.

    Attributes:
        held_out: At most 32 evenly spaced samples of the held-out split. Images are float32 in
            [-1, 1].
        calibration: 64 training samples, chosen to differ in colour and contrast.
    """

    held_out: Batch
    calibration: Batch


def choose_kept_images(data: Data, seed: int) -> KeptImages:
    """Chooses the images that a run keeps; equal data and seeds give equal choices."""
    return KeptImages(
        held_out=preview(data, held_out_split(data), HELD_OUT),
        calibration=_calibration(data, seed),
    )


def write_kept_images(run: RunDir, kept: KeptImages) -> None:
    """Writes `kept_images.npz`: images as uint8, attributes as they are."""
    arrays = {
        f"{part}/{key}": images.to_uint8(values) if values.ndim == 4 else values
        for part, batch in ((_HELD_OUT, kept.held_out), (_CALIBRATION, kept.calibration))
        for key, values in batch.items()
    }
    write_atomically(
        run.kept_images, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays)
    )


def read_kept_images(run: RunDir) -> KeptImages:
    """Reads `kept_images.npz`.

    Raises:
        RunError: If it is broken.
    """
    parts: dict[str, Batch] = {_HELD_OUT: {}, _CALIBRATION: {}}
    try:
        with np.load(run.kept_images, allow_pickle=False) as file:
            for name in file.files:
                part, _, key = name.partition("/")
                values = file[name]
                parts[part][key] = images.to_float(values) if values.ndim == 4 else values
        if not all(parts.values()):
            raise ValueError("it has no images")
        return KeptImages(*parts.values())
    except (OSError, EOFError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{run.kept_images} is broken ({error}); delete it, and continue the run with --resume "
            "to write it again from the data set"
        ) from error


def _calibration(data: Data, seed: int) -> Batch:
    """Chooses images of each domain by itself; attributes are those of the chosen images."""
    if isinstance(data, ImageDataset):
        at = _choose_diverse(lambda at: data.images("train", at=at), data.splits["train"], seed)
        batch = {"image": data.images("train", at=at)}
        if isinstance(data, AttributeDataset):
            batch["attributes"] = data.values("train")[at]
        return batch
    batch = {}
    for side, count in zip(("a", "b"), data.splits["train"], strict=True):
        read = functools.partial(data.images, "train", side)  # type: ignore[arg-type]
        batch[side] = read(_choose_diverse(read, count, seed))
    size = min(map(len, batch.values()))
    return {side: values[:size] for side, values in batch.items()}


def _choose_diverse(read: Callable[[np.ndarray], np.ndarray], count: int, seed: int) -> np.ndarray:
    """Positions of images that differ; only one image is in memory at a time."""
    check_exporters()
    # Imported here, because exporters load LiteRT, which the start of training does not need.
    from exporters import pick_diverse_images

    candidates = evenly_spaced(count, MAX_CANDIDATES)
    one_by_one = (read(candidates[[index]])[0] for index in range(len(candidates)))
    return candidates[pick_diverse_images(one_by_one, seed=seed)]
