"""Messages between a command and the child process that runs a foreign model: JSON and arrays.

A message is the length of a JSON header (8 bytes, little-endian), the header, and the bytes of
the arrays that the header lists, one after the other. Nothing is unpickled. A child that runs a
hostile file may send anything, so the reader passes the names, types and shapes that it expects,
and they are compared with the header before memory is reserved for an array.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

Arrays = Mapping[str, np.ndarray]
Specs = Mapping[str, tuple[tuple[int, ...], str]]  # shape and type of each array by its name

MAX_HEADER = 2**24  # bytes; the report of a lint is the largest
_LENGTH = struct.Struct("<Q")
_ARRAYS = "arrays"


class MessageError(Exception):
    """A message is cut off, malformed, or holds other arrays than expected."""


def write(stream: IO[bytes], content: Mapping[str, Any], arrays: Arrays | None = None) -> None:
    """Writes one message.

    Args:
        stream: A pipe.
        content: JSON values by key; the key `arrays` is taken.
        arrays: Arrays by name, of any shape and any type without objects.
    """
    ordered = {name: np.asarray(value, order="C") for name, value in (arrays or {}).items()}
    listed = [[name, value.dtype.str, value.shape] for name, value in ordered.items()]
    header = json.dumps({**content, _ARRAYS: listed}).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for value in ordered.values():
        stream.write(value.reshape(-1).view(np.uint8).data)
    stream.flush()


def read_header(stream: IO[bytes]) -> dict[str, Any]:
    """Reads the header of one message; `read_arrays` must follow.

    Raises:
        EOFError: If the stream ends before a message begins.
        MessageError: If the header is cut off, too long or not a JSON object.
    """
    start = stream.read(_LENGTH.size)
    if not start:
        raise EOFError
    if len(start) < _LENGTH.size:
        raise MessageError("a message is cut off")
    (length,) = _LENGTH.unpack(start)
    if length > MAX_HEADER:
        raise MessageError(f"a header of {length} bytes is longer than {MAX_HEADER}")
    text = stream.read(length)
    if len(text) < length:
        raise MessageError("a message is cut off")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"a header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise MessageError("a header is not a JSON object")
    return header


def read_arrays(stream: IO[bytes], header: Mapping[str, Any], expected: Specs) -> Arrays:
    """Reads the arrays of a message into new memory.

    Args:
        stream: The stream that the header was read from.
        header: From `read_header`.
        expected: The arrays that the message must hold, no more and no fewer.

    Raises:
        MessageError: If it holds other arrays, or is cut off.
    """
    wanted = [[name, np.dtype(dtype).str, [*shape]] for name, (shape, dtype) in expected.items()]
    if header.get(_ARRAYS) != wanted:
        raise MessageError(f"it sent the arrays {header.get(_ARRAYS)!r} instead of {wanted}")
    arrays = {}
    for name, (shape, dtype) in expected.items():
        value = np.empty(math.prod(shape), dtype)
        _fill(stream, value.view(np.uint8).data)
        arrays[name] = value.reshape(shape)
    return arrays


def specs_of(header: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    """The arrays that a trusted header announces, in their order."""
    return {name: (tuple(shape), dtype) for name, dtype, shape in header[_ARRAYS]}


def _fill(stream: IO[bytes], buffer: memoryview) -> None:
    filled = 0
    while filled < len(buffer):
        count = stream.readinto(buffer[filled:])  # type: ignore[attr-defined]
        if not count:
            raise MessageError("a message is cut off")
        filled += count
