"""Opens the two file formats of Keras 2 networks, H5 and `.keras`."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tf_translate.errors import DataError
from tf_translate.keras_files import archive as archives
from tf_translate.keras_files.description import parse_description
from tf_translate.keras_files.loading import keras_version
from tf_translate.keras_files.memory import check_arrays

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
        size: Bytes of the weights in the file, or of the whole H5 file.
    """

    entry: dict[str, Any]
    weights: h5py.Group
    root: str
    size: int


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
        with archives.open_archive(path) as archive:
            entry = _read_description(archive)
            weights = archives.read_member(archive, archives.WEIGHTS)
        with h5py.File(io.BytesIO(weights), "r") as file:
            check_arrays(file, len(weights))
            root = next((r for r in _ROOTS if r in file), _ROOTS[0])
            yield SavedFile(entry, file, root, len(weights))
    elif h5py.is_hdf5(path):
        size = path.stat().st_size
        with h5py.File(path, "r") as file:
            check_arrays(file, size)
            if "model_config" not in file.attrs or "model_weights" not in file:
                raise DataError(
                    "holds weights without a network; save the whole model (`model.save`)"
                )
            version = _text(file.attrs.get("keras_version", "2."))[:30]
            if not version.startswith("2."):
                raise DataError(
                    f"was saved by Keras {version}; save the network as .keras instead of .h5"
                )
            entry = parse_description(file.attrs["model_config"], "model_config")
            yield SavedFile(entry, file["model_weights"], "", size)
    else:
        raise DataError("is neither an H5 file nor a .keras file")


def _text(attribute: str | bytes) -> str:
    return attribute.decode("utf-8", "replace") if isinstance(attribute, bytes) else str(attribute)


def _read_description(archive: zipfile.ZipFile) -> dict[str, Any]:
    limit = archives.MAX_DESCRIPTION
    version = keras_version(archives.read_member(archive, archives.METADATA, limit))
    if not version.startswith("2."):
        reader = "tf_translate.keras_files.loading.load_keras_file"
        raise DataError(f"was saved by Keras {version}; read it with `{reader}`")
    return parse_description(archives.read_member(archive, archives.CONFIG, limit))


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
