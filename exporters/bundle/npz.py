"""Arrays in a `.npz` file that may come from anyone: nothing in it is trusted.

The expected names, shapes and types are known beforehand, which also bounds the memory used.
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

from exporters.errors import BundleError, ExportError

Arrays = dict[str, np.ndarray]
ShapeAndType = tuple[tuple[int, ...], str]

MAX_BYTES = 2**30  # of all arrays of a file together; read or written
_MAX_HEADER = 4096
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(ValueError, EOFError, RuntimeError, OSError, KeyError),
)


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by name; equal arrays produce equal bytes.

    Raises:
        ExportError: If they take more than `MAX_BYTES`, which nobody would read again.
    """
    total = sum(value.nbytes for value in arrays.values())
    if total > MAX_BYTES:
        raise ExportError(
            f"{path.name} would hold arrays of {total} bytes, and at most {MAX_BYTES} are read; "
            "give fewer golden images"
        )
    ordered = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    np.savez_compressed(path, allow_pickle=False, **ordered)


def read(content: bytes, expected: Mapping[str, ShapeAndType], name: str) -> Arrays:
    """Reads the content of a `.npz` file.

    Args:
        content: The whole file.
        expected: Shape and type of the arrays it must hold, no more and no fewer.
        name: The file's name in error messages.

    Raises:
        BundleError: If the content is anything else, or would take more than `MAX_BYTES`.
            Pickled objects are refused.
    """
    total = sum(map(_size, expected.values()))
    if total > MAX_BYTES:
        raise BundleError(f"{name} would unpack to {total} bytes; at most {MAX_BYTES} are read")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            found, members = sorted(archive.namelist()), sorted(f"{key}.npy" for key in expected)
            if found != members:
                raise BundleError(f"{name} must hold the members {members}, got {found[:20]}")
            return {key: _read_member(archive, key, each, name) for key, each in expected.items()}
    except _BROKEN as error:
        raise BundleError(f"{name} cannot be read: {error}") from error


def _size(shape_and_type: ShapeAndType) -> int:
    shape, dtype = shape_and_type
    return math.prod(shape) * np.dtype(dtype).itemsize


def _read_member(
    archive: zipfile.ZipFile, key: str, expected: ShapeAndType, name: str
) -> np.ndarray:
    member, (shape, dtype), size = f"{key}.npy", expected, _size(expected)
    stored = archive.getinfo(member).file_size
    if not size <= stored <= size + _MAX_HEADER:
        raise BundleError(
            f"{name}: {member} unpacks to {stored} bytes where {dtype} {shape} takes {size}"
        )
    with archive.open(member) as file:
        _check_header(file, f"{name}: {member}", shape, np.dtype(dtype))
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _check_header(file: IO[bytes], member: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    # The header is compared before the array is read, because a false shape reserves memory.
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise BundleError(f"{member} has array format {version}, not (1, 0)")
    header = np.lib.format.read_array_header_1_0(file, max_header_size=_MAX_HEADER)
    if header != (shape, False, dtype):
        raise BundleError(
            f"{member} is {header[2]} {header[0]} where the manifest says {dtype} {shape}"
        )
