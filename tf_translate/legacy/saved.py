"""The two forms of file in which Keras 2 saved networks: what is described, where numbers are."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tf_translate.errors import DataError

_WITHOUT_SUBCLASSES = "save its functional or Sequential generator alone, as .h5 or .keras"
# The folder of a network's layers in Keras 2.15, and in 2.13 (as Keras 3's saving_lib says).
_ROOTS = ("layers", "_layer_checkpoint_dependencies")


@dataclass(frozen=True)
class Saved:
    """An open file.

    Attributes:
        entry: How the network is described: `{"class_name", "config", ...}`.
        weights: Where the numbers are.
        root: Name of the folder of a network's layers; empty in the H5 form, which has one
            group for each layer of the outermost network, by the layer's name.
    """

    entry: dict[str, Any]
    weights: h5py.Group
    root: str


@contextmanager
def open_saved(path: Path) -> Iterator[Saved]:
    """Opens an H5 file or a `.keras` file of Keras 2; their content decides.

    Raises:
        DataError: If it is missing or of another kind.
    """
    if path.is_dir():
        raise DataError(f"is a folder, perhaps a SavedModel; {_WITHOUT_SUBCLASSES}")
    if not path.is_file():
        raise DataError("there is no such file")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entry = _described(archive)
            with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
                yield Saved(entry, file, next((r for r in _ROOTS if r in file), _ROOTS[0]))
    elif h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs or "model_weights" not in file:
                raise DataError(
                    "holds weights without a network; save the whole model (`model.save`)"
                )
            yield Saved(json.loads(file.attrs["model_config"]), file["model_weights"], "")
    else:
        raise DataError("is neither an H5 file nor a .keras file")


def _described(archive: zipfile.ZipFile) -> dict[str, Any]:
    names = archive.namelist()
    if not {"metadata.json", "config.json", "model.weights.h5"} <= set(names):
        raise DataError("is a zip file, but none that Keras wrote")
    version = str(json.loads(archive.read("metadata.json"))["keras_version"])
    if not version.startswith("2."):
        raise DataError(f"is of Keras {version}; read it with `keras.models.load_model`")
    return json.loads(archive.read("config.json"))


def numbers(weights: h5py.Group, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Reads an array, float32, if it is of the shape that is looked for and in this very file.

    Raises:
        DataError: If it is of another shape, or a link to another file.
    """
    dataset = weights[name]
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(f"{name!r} is no array")
    if dataset.external or dataset.is_virtual or dataset.file.id != weights.file.id:
        raise DataError(f"{name!r} leads to another file, which is not read")
    if dataset.shape != shape:
        raise DataError(f"{name!r} has the shape {dataset.shape}, its layer needs {shape}")
    return np.asarray(dataset[()], np.float32)
