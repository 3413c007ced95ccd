"""Opens the two file formats of Keras 2 networks, H5 and `.keras`."""

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
# The folder of a network's layers in Keras 2.15, and in 2.13 (see saving_lib of Keras 3).
_ROOTS = ("layers", "_layer_checkpoint_dependencies")


@dataclass(frozen=True)
class SavedFile:
    """An open file of a network.

    Attributes:
        entry: Description of the network: `{"class_name", "config", ...}`.
        weights: The group that holds the weights.
        root: Name of the folder of a network's layers; empty in the H5 format, which has one
            group for each layer of the outermost network, named like the layer.
    """

    entry: dict[str, Any]
    weights: h5py.Group
    root: str


@contextmanager
def open_saved_file(path: Path) -> Iterator[SavedFile]:
    """Opens an H5 file or a `.keras` file of Keras 2; the content decides which.

    Raises:
        DataError: If the file is missing or of another format.
    """
    if path.is_dir():
        raise DataError(f"is a folder, perhaps a SavedModel; {_WITHOUT_SUBCLASSES}")
    if not path.is_file():
        raise DataError("there is no such file")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entry = _read_description(archive)
            with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
                yield SavedFile(entry, file, next((r for r in _ROOTS if r in file), _ROOTS[0]))
    elif h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs or "model_weights" not in file:
                raise DataError(
                    "holds weights without a network; save the whole model (`model.save`)"
                )
            yield SavedFile(json.loads(file.attrs["model_config"]), file["model_weights"], "")
    else:
        raise DataError("is neither an H5 file nor a .keras file")


def _read_description(archive: zipfile.ZipFile) -> dict[str, Any]:
    names = archive.namelist()
    if not {"metadata.json", "config.json", "model.weights.h5"} <= set(names):
        raise DataError("is a zip file, but not one that Keras wrote")
    version = str(json.loads(archive.read("metadata.json"))["keras_version"])
    if not version.startswith("2."):
        raise DataError(f"was saved by Keras {version}; read it with `keras.models.load_model`")
    return json.loads(archive.read("config.json"))


def read_array(weights: h5py.Group, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Reads a float32 array of the expected shape that is stored in the file itself.

    Raises:
        DataError: If it has another shape, or is a link to another file.
    """
    dataset = weights[name]
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(f"{name!r} is not an array")
    if dataset.external or dataset.is_virtual or dataset.file.id != weights.file.id:
        raise DataError(f"{name!r} is a link to another file, which is not read")
    if dataset.shape != shape:
        raise DataError(f"{name!r} has the shape {dataset.shape}, its layer needs {shape}")
    return np.asarray(dataset[()], np.float32)
