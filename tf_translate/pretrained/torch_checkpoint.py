"""A reader of weights in PyTorch files, without PyTorch and without running code of the file.

A `.pth` file is a pickle, and a pickle can call any function. This reader allows four names and
refuses all others: an ordered dictionary, a tensor, and two kinds of storage. It returns NumPy
arrays.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NoReturn

import numpy as np

from tf_translate.errors import DataError

# The format of torch.save before version 1.6: five pickles, then the values of the tensors.
MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
_STORAGES: dict[str, np.dtype] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class _Storage:
    """A one-dimensional array of values, stored after the pickles."""

    key: str
    dtype: np.dtype
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage, with a shape and a stride per axis."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(data: bytes) -> dict[str, np.ndarray]:
    """Reads the tensors of a legacy `.pth` file by name.

    Args:
        data: Content of the file.

    Raises:
        DataError: If the format is another, the file names anything but tensors, or is truncated.
    """
    stream = BytesIO(data)
    try:
        if _load(stream) != MAGIC or _load(stream) != VERSION:
            raise DataError("the weights are no legacy .pth file: magic number and version differ")
        _load(stream)  # byte order and sizes of C types on the machine that wrote it
        named, keys = _load(stream), _load(stream)
        values = _storage_values(stream, keys, _storages(named))
        return {
            str(name): _array(tensor, values)
            for name, tensor in named.items()
            if isinstance(tensor, _Tensor)
        }
    except DataError:
        raise
    except Exception as error:  # a pickle can fail in any way
        raise DataError(f"the weights cannot be read as a legacy .pth file: {error}") from error


def _load(stream: BytesIO) -> Any:
    return _Reader(stream).load()


class _Reader(pickle.Unpickler):
    """Reads numbers, strings, lists, dictionaries and tensors, and refuses any other object."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # A new function each time: a pickle can set attributes of the object it gets.
            return lambda *arguments: _tensor(*arguments)
        if module == "torch" and name in _STORAGES:
            return name
        return _refuse(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, name, key, _, count = pid[:5]
        if kind != "storage" or name not in _STORAGES:
            _refuse(f"{kind} {name}")
        return _Storage(str(key), _STORAGES[name], int(count))


def _refuse(name: str) -> NoReturn:
    raise DataError(
        f"the weights name {name}, but only tensors are allowed: the file is refused, and "
        "none of its code was run"
    )


def _tensor(storage, offset, shape, strides, *_rest) -> _Tensor:
    """Has PyTorch's arguments; strides count elements and may be in any order."""
    shape, strides = (tuple(int(value) for value in values) for values in (shape, strides))
    last = int(offset) + sum(
        (side - 1) * stride for side, stride in zip(shape, strides, strict=True)
    )  # fmt: skip
    non_negative = min((int(offset), *strides, *(side - 1 for side in shape))) >= 0
    if not isinstance(storage, _Storage) or not non_negative or last >= storage.count:
        raise DataError(f"the weights have a tensor of shape {shape} that exceeds its storage")
    return _Tensor(storage, int(offset), shape, strides)


def _storages(named: Any) -> dict[str, _Storage]:
    tensors = [tensor for tensor in named.values() if isinstance(tensor, _Tensor)]
    return {tensor.storage.key: tensor.storage for tensor in tensors}


def _storage_values(
    stream: BytesIO, keys: Any, storages: dict[str, _Storage]
) -> dict[str, np.ndarray]:
    """Reads the values of each storage: a count of 8 bytes, then that many values."""
    values = {}
    for key in keys:
        storage = storages[key]
        count = int.from_bytes(stream.read(8), "little")
        data = stream.read(count * storage.dtype.itemsize)
        if count != storage.count or len(data) != count * storage.dtype.itemsize:
            raise DataError("the weights are truncated or damaged: download them again")
        values[key] = np.frombuffer(data, storage.dtype)
    return values


def _array(tensor: _Tensor, values: dict[str, np.ndarray]) -> np.ndarray:
    part = values[tensor.storage.key][tensor.offset :]  # `_tensor` checked its length
    strides = [stride * part.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(part, tensor.shape, strides, writeable=False).copy()
