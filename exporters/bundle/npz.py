"""Arrays in a `.npz` file, read as data from whoever: nothing in it is trusted.

What must be in it is known beforehand, which also bounds what is unpacked.
"""

import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from exporters.errors import BundleError

Arrays = dict[str, np.ndarray]
Form = tuple[tuple[int, ...], str]  # shape and type of an array

MAX_BYTES = 2**31  # of all arrays of a file
_MAX_HEADER = 4096
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(ValueError, EOFError, RuntimeError, OSError, KeyError),
)


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by name; equal arrays give equal bytes."""
    ordered = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    np.savez_compressed(path, allow_pickle=False, **ordered)


def read(content: bytes, forms: Mapping[str, Form], name: str) -> Arrays:
    """Reads the content of a `.npz` file.

    Args:
        content: All of the file.
        forms: The arrays it must hold, no more and no fewer.
        name: What errors call the file.

    Raises:
        BundleError: If the content is anything else, or would take more than `MAX_BYTES`.
            Pickled objects are refused.
    """
    total = sum(map(_size, forms.values()))
    if total > MAX_BYTES:
        raise BundleError(f"{name} would unpack to {total} bytes; at most {MAX_BYTES} are read")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            found, expected = sorted(archive.namelist()), sorted(f"{key}.npy" for key in forms)
            if found != expected:
                raise BundleError(f"{name} must hold the members {expected}, got {found[:20]}")
            return {key: _read_member(archive, key, form, name) for key, form in forms.items()}
    except _BROKEN as error:
        raise BundleError(f"{name} cannot be read: {error}") from error


def _size(form: Form) -> int:
    shape, dtype = form
    return math.prod(shape) * np.dtype(dtype).itemsize


def _read_member(archive: zipfile.ZipFile, key: str, form: Form, name: str) -> np.ndarray:
    member, (shape, dtype), size = f"{key}.npy", form, _size(form)
    stored = archive.getinfo(member).file_size
    if not size <= stored <= size + _MAX_HEADER:
        raise BundleError(
            f"{name}: {member} unpacks to {stored} bytes where {dtype} {shape} takes {size}"
        )
    with archive.open(member) as file:
        _check_header(file, f"{name}: {member}", shape, np.dtype(dtype))
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _check_header(file: IO[bytes], place: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    # The header is compared before the array is read: a false shape would reserve memory.
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise BundleError(f"{place} has array format {version}, not (1, 0)")
    header = np.lib.format.read_array_header_1_0(file, max_header_size=_MAX_HEADER)
    if header != (shape, False, dtype):
        raise BundleError(
            f"{place} is {header[2]} {header[0]} where the manifest asks for {dtype} {shape}"
        )
