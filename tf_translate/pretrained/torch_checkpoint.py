"""Weights out of a PyTorch file, without PyTorch and without running what the file says.

A `.pth` file is a pickle, and a pickle can call anything. This reader knows four names and
refuses every other: an ordered dictionary, a tensor, and two kinds of storage. What comes out
are numpy arrays.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NoReturn

import numpy as np

from tf_translate.errors import DataError

# The form that torch.save had before version 1.6: five pickles, then the numbers.
MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
_STORAGES: dict[str, np.dtype] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


@dataclass(frozen=True)
class _Storage:
    """A row of numbers that depends_on the pickles."""

    key: str
    dtype: np.dtype
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A part of a storage, with a shape and the steps along each of its axes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(data: bytes) -> dict[str, np.ndarray]:
    """Reads the tensors of a legacy `.pth` file by name.

    Args:
        data: The file.

    Raises:
        DataError: If it is of another form, names anything but tensors, or is cut short.
    """
    stream = BytesIO(data)
    try:
        if _load(stream) != MAGIC or _load(stream) != VERSION:
            raise DataError("the weights are no legacy .pth file: its first numbers are others")
        _load(stream)  # sizes of C's numbers on the machine that wrote it
        named, keys = _load(stream), _load(stream)
        numbers = _numbers(stream, keys, _storages(named))
        return {
            str(name): _array(tensor, numbers)
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
    """Reads numbers, text, lists, dictionaries and tensors; of all else it calls nothing."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # Made anew each time: a pickle may set attributes of what it is given.
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
        f"the weights name {name}, but only tensors may be in them: the file is refused, and "
        "nothing of it was run"
    )


def _tensor(storage, offset, shape, strides, *_rest) -> _Tensor:
    """As PyTorch calls it; steps are counted in numbers and may be in any order."""
    shape, strides = (tuple(int(value) for value in values) for values in (shape, strides))
    last = int(offset) + sum(
        (side - 1) * step for side, step in zip(shape, strides, strict=True)
    )  # fmt: skip
    inside = min((int(offset), *strides, *(side - 1 for side in shape))) >= 0
    if not isinstance(storage, _Storage) or not inside or last >= storage.count:
        raise DataError(f"the weights have a tensor of shape {shape} that leaves its storage")
    return _Tensor(storage, int(offset), shape, strides)


def _storages(named: Any) -> dict[str, _Storage]:
    tensors = [tensor for tensor in named.values() if isinstance(tensor, _Tensor)]
    return {tensor.storage.key: tensor.storage for tensor in tensors}


def _numbers(stream: BytesIO, keys: Any, storages: dict[str, _Storage]) -> dict[str, np.ndarray]:
    """The numbers of every storage: a count of 8 bytes, then as many numbers."""
    found = {}
    for key in keys:
        storage = storages[key]
        count = int.from_bytes(stream.read(8), "little")
        data = stream.read(count * storage.dtype.itemsize)
        if count != storage.count or len(data) != count * storage.dtype.itemsize:
            raise DataError("the weights are cut short or damaged: fetch them again")
        found[key] = np.frombuffer(data, storage.dtype)
    return found


def _array(tensor: _Tensor, numbers: dict[str, np.ndarray]) -> np.ndarray:
    part = numbers[tensor.storage.key][tensor.offset :]  # `_tensor` saw that it is long enough
    steps = [step * part.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(part, tensor.shape, steps, writeable=False).copy()
