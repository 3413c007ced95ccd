"""Weights out of a legacy .pth file, written here as torch.save did, and files that mean harm."""

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
    """What a pickle of tensors names, without PyTorch."""
    module, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(module, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*arguments):
        raise AssertionError("only its name is written")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    module._utils = utils
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return module


class Storage:
    def __init__(self, kind, key, numbers):
        self.pid = ("storage", kind, key, "cpu", len(numbers), None)
        self.key, self.numbers = key, numbers


class Tensor:
    def __init__(self, torch, storage, offset, shape, strides):
        self._torch = torch
        self._given = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return self._torch._utils._rebuild_tensor_v2, self._given


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.pid if isinstance(value, Storage) else None


def saved(named, storages, *, magic=MAGIC):
    """A legacy file of some tensors."""
    stream = BytesIO()
    keys = [storage.key for storage in storages]
    for part in (magic, VERSION, {"little_endian": True}, named, keys):
        Pickler(stream, protocol=2).dump(part)
    for storage in storages:
        stream.write(struct.pack("<q", len(storage.numbers)) + storage.numbers.tobytes())
    return stream.getvalue()


@pytest.fixture
def storages(torch):
    floats = Storage(torch.FloatStorage, "7", np.arange(10, dtype="<f4"))
    return floats, Storage(torch.LongStorage, "8", np.array([5], "<i8"))


def test_tensors_come_out_as_arrays_in_any_order_of_steps(torch, storages):
    floats, whole = storages
    named = OrderedDict(
        packed=Tensor(torch, floats, 0, (2, 3), (3, 1)),
        turned=Tensor(torch, floats, 4, (3, 2), (1, 3)),
        count=Tensor(torch, whole, 0, (), ()),
        note="not a tensor",
    )
    named._metadata = OrderedDict()  # torch leaves it on what it saves
    found = read_state_dict(saved(named, storages))
    assert set(found) == {"packed", "turned", "count"}
    np.testing.assert_array_equal(found["packed"], [[0, 1, 2], [3, 4, 5]])
    # From 4 on, steps 1 and 3: rows 4 7, 5 8, 6 9.
    np.testing.assert_array_equal(found["turned"], [[4, 7], [5, 8], [6, 9]])
    assert found["count"] == 5
    assert found["packed"].dtype == np.float32


class Harm:
    def __init__(self, function, *arguments):
        self._call = function, arguments

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize("where", ["magic", "named"])
def test_a_file_that_calls_anything_is_refused_before_it_does(torch, storages, tmp_path, where):
    mark = tmp_path / "ran"
    harm = Harm(os.system, f"touch {mark}")
    data = saved({"a": harm}, []) if where == "named" else saved({}, [], magic=harm)
    with pytest.raises(DataError, match=r"name \w+\.system, but only tensors may be in them"):
        read_state_dict(data)
    for function, argument in ((eval, "1"), (getattr, "x"), (pickle.loads, b"")):
        with pytest.raises(DataError, match="the file is refused, and nothing of it was run"):
            read_state_dict(saved({"a": Harm(function, argument)}, []))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (11,), (1,)), (8, (3,), (1,)), (-1, (2,), (1,)), (5, (2,), (-1,)), (0, (2, 2), (9, 1))],
)
def test_a_tensor_outside_its_storage_is_refused(torch, storages, offset, shape, strides):
    named = {"a": Tensor(torch, storages[0], offset, shape, strides)}
    with pytest.raises(DataError, match="leaves its storage"):
        read_state_dict(saved(named, storages[:1]))


def test_a_file_cut_short_or_of_another_form_is_told(torch, storages):
    named = {"a": Tensor(torch, storages[0], 0, (10,), (1,))}
    data = saved(named, storages[:1])
    with pytest.raises(DataError, match="cut short or damaged"):
        read_state_dict(data[:-4])
    with pytest.raises(DataError, match="its first numbers are others"):
        read_state_dict(saved(named, storages[:1], magic=1))
    with pytest.raises(DataError, match=r"cannot be read as a legacy \.pth file"):
        read_state_dict(b"PK\x03\x04 a zip file, as newer versions write")
    half = Storage(torch.HalfStorage, "1", np.zeros(2, "<f2"))
    with pytest.raises(DataError, match=r"name torch\.HalfStorage"):
        read_state_dict(saved({"a": Tensor(torch, half, 0, (2,), (1,))}, [half]))
