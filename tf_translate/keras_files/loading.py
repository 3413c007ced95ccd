"""The one entry for files of Keras 3; what could run code or fill memory is refused."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import keras

from tf_translate.errors import DataError
from tf_translate.keras_files import archive as archives
from tf_translate.keras_files.description import check_classes, parse_description
from tf_translate.keras_files.memory import bounded_variables, check_arrays


def load_keras_file(
    path: str | Path,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
) -> keras.Model:
    """Loads a network or translator from a `.keras` file of Keras 3, and runs no code of it.

    Before anything is built, the archive, the description and the arrays are checked: sizes,
    depth, and that only layers of Keras that compute and classes that this process registered are
    named. The memory of weights is bounded by what the file holds of them.

    Args:
        path: The file; its name must end in `.keras`.
        custom_objects: Further classes by their name in the file.
        compile: Whether its optimizers are restored.

    Returns:
        The network.

    Raises:
        DataError: If the file is missing, damaged, of another format or unsafe, or Keras cannot
            build what it describes. The text is one sentence that begins with the path.
    """
    file = Path(path)
    try:
        _check(file, custom_objects or {})
        with bounded_variables(file.stat().st_size):
            return keras.saving.load_model(
                file, custom_objects=dict(custom_objects or {}), compile=compile, safe_mode=True
            )
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    except Exception as error:  # classes fail in their own ways on settings that make no sense
        raise DataError(f"{path} cannot be read: {_reason(error)}") from error


def _check(file: Path, known: Mapping[str, Any]) -> None:
    if file.is_dir():
        raise DataError("is a folder, perhaps a SavedModel; save the network as one .keras file")
    if not file.is_file():
        raise DataError("does not exist")
    if file.suffix != ".keras":
        raise DataError("must end in .keras")
    with archives.open_archive(file) as archive:
        check_version(archives.read_member(archive, archives.METADATA, archives.MAX_DESCRIPTION))
        content = archives.read_member(archive, archives.CONFIG, archives.MAX_DESCRIPTION)
        check_classes(parse_description(content), known)
        weights = archives.read_member(archive, archives.WEIGHTS)
    try:
        with h5py.File(io.BytesIO(weights), "r") as arrays:
            check_arrays(arrays, len(weights))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise DataError(f"holds weights that cannot be read: {error}") from error


def check_version(metadata: bytes) -> None:
    """Raises DataError unless `metadata.json` says that Keras 3 wrote the file."""
    version = keras_version(metadata)
    if not version.startswith("3."):
        raise DataError(f"was saved by Keras {version}; read it with `tf_translate.load_legacy`")


def keras_version(metadata: bytes) -> str:
    """The version of Keras that wrote a file, from its `metadata.json`; DataError without one."""
    try:
        return str(json.loads(metadata)["keras_version"])[:30]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise DataError("holds metadata.json without a `keras_version`") from error


def _reason(error: Exception) -> str:
    """The first sentence of an exception, or its kind; Keras adds whole descriptions to some."""
    text = next((line for line in str(error).splitlines() if line.strip()), "").strip()
    return f"{text[:300]}" if text else type(error).__name__
