"""Reading legacy .pth files, written here like torch.save did, and malicious files."""

import os
import pickle
import struct
import sys
import types
from collections import OrderedDict
from io import BytesIO

import numpy as np
import pytest

from tf_translate.errors import DataError
from tf_translate.pretrained.torch_checkpoint import MAGIC, VERSION, read_state_dict


@pytest.fixture
def torch(monkeypatch):
    """A fake `torch` module with the names that a pickle of tensors contains."""
    module, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(module, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*arguments):
        raise AssertionError("a pickle contains its name only")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    module._utils = utils
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return module


class Storage:
    def __init__(self, kind, key, values):
        self.pid = ("storage", kind, key, "cpu", len(values), None)
        self.key, self.values = key, values


class Tensor:
    def __init__(self, torch, storage, offset, shape, strides):
        self._torch = torch
        self._arguments = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return self._torch._utils._rebuild_tensor_v2, self._arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.pid if isinstance(value, Storage) else None


def saved(named, storages, *, magic=MAGIC):
    """Content of a legacy file with some tensors."""
    stream = BytesIO()
    keys = [storage.key for storage in storages]
    for part in (magic, VERSION, {"little_endian": True}, named, keys):
        Pickler(stream, protocol=2).dump(part)
    for storage in storages:
        stream.write(struct.pack("<q", len(storage.values)) + storage.values.tobytes())
    return stream.getvalue()


@pytest.fixture
def storages(torch):
    floats = Storage(torch.FloatStorage, "7", np.arange(10, dtype="<f4"))
    return floats, Storage(torch.LongStorage, "8", np.array([5], "<i8"))


def test_tensors_of_any_strides_are_read_as_arrays(torch, storages):
    floats, integers = storages
    named = OrderedDict(
        packed=Tensor(torch, floats, 0, (2, 3), (3, 1)),
        transposed=Tensor(torch, floats, 4, (3, 2), (1, 3)),
        count=Tensor(torch, integers, 0, (), ()),
        note="not a tensor",
    )
    named._metadata = OrderedDict()  # torch saves this attribute too
    arrays = read_state_dict(saved(named, storages))
    assert set(arrays) == {"packed", "transposed", "count"}
    np.testing.assert_array_equal(arrays["packed"], [[0, 1, 2], [3, 4, 5]])
    # Offset 4, strides 1 and 3: rows 4 7, 5 8, 6 9.
    np.testing.assert_array_equal(arrays["transposed"], [[4, 7], [5, 8], [6, 9]])
    assert arrays["count"] == 5
    assert arrays["packed"].dtype == np.float32


class MaliciousObject:
    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize("where", ["magic", "named"])
def test_a_file_that_calls_a_function_is_refused_before_the_call(torch, storages, tmp_path, where):
    created = tmp_path / "created"
    malicious = MaliciousObject(os.system, f"touch {created}")
    data = saved({"a": malicious}, []) if where == "named" else saved({}, [], magic=malicious)
    with pytest.raises(DataError, match=r"name \w+\.system, but only tensors are allowed"):
        read_state_dict(data)
    for function, argument in ((eval, "1"), (getattr, "x"), (pickle.loads, b"")):
        with pytest.raises(DataError, match="the file is refused, and none of its code was run"):
            read_state_dict(saved({"a": MaliciousObject(function, argument)}, []))
    assert not created.exists()


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (11,), (1,)), (8, (3,), (1,)), (-1, (2,), (1,)), (5, (2,), (-1,)), (0, (2, 2), (9, 1))],
)
def test_a_tensor_outside_its_storage_is_refused(torch, storages, offset, shape, strides):
    named = {"a": Tensor(torch, storages[0], offset, shape, strides)}
    with pytest.raises(DataError, match="exceeds its storage"):
        read_state_dict(saved(named, storages[:1]))


def test_a_truncated_file_or_one_of_another_format_is_refused(torch, storages):
    named = {"a": Tensor(torch, storages[0], 0, (10,), (1,))}
    data = saved(named, storages[:1])
    with pytest.raises(DataError, match="truncated or damaged"):
        read_state_dict(data[:-4])
    with pytest.raises(DataError, match="magic number and version differ"):
        read_state_dict(saved(named, storages[:1], magic=1))
    with pytest.raises(DataError, match=r"cannot be read as a legacy \.pth file"):
        read_state_dict(b"PK\x03\x04 a zip file, as newer versions write")
    half = Storage(torch.HalfStorage, "1", np.zeros(2, "<f2"))
    with pytest.raises(DataError, match=r"name torch\.HalfStorage"):
        read_state_dict(saved({"a": Tensor(torch, half, 0, (2,), (1,))}, [half]))
