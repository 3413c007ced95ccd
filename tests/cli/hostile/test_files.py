"""Files of a bundle that someone broke or forged: a failed check (exit 1), with nothing run."""

import io
import os
import pickle
import shutil
import zipfile

import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from exporters.bundle.bundle import file_records
from tests.cli.hostile.forging import (
    GOLDEN,
    LITE,
    MANIFEST,
    linked,
    manifest,
    pipe,
    read,
    removed,
    replaced_by_folder,
    signed,
    sparse,
    text,
    unsigned,
    write,
)
from tests.exporters.untrusted.acting import aborts, debugs
from tests.marks import slow_but

SHAPE = (2, 1, 8, 12, 3)


def _flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def _model(change):
    """A changed .tflite file that is well-formed."""

    def changed(content):
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return signed(LITE, changed)


def _vast_tensor(model):
    model.subgraphs[0].tensors[0].shape = np.array([2**15, 2**15, 2**10], np.int32)


def _missing_input(model):
    model.subgraphs[0].operators[0].inputs = np.array([-1], np.int32)


def _missing_output(model):
    for graph in model.subgraphs:
        graph.outputs = np.array([-1], np.int32)


def _own_operation(model):
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].customCode = b"FlexWriteFile"


def _other_tensor_names(model):
    for definition in model.signatureDefs:
        definition.inputs[0].name = b"photo"


def _no_signature(model):
    model.signatureDefs = model.signatureDefs[:1]


def member(array):
    """`golden.npz` with another first input; `array` is its content or returns it."""

    def changed(content):
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
            for name in old.namelist():
                given = name == "a_to_b/inputs/image.npy"
                new.writestr(name, array(old.read(name)) if given else old.read(name))
        return buffer.getvalue()

    return signed(GOLDEN, changed)


def _npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _header(dtype, shape):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue().ljust(4 * np.prod(SHAPE) + 128, b"\0")


class _Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


def _pickled(_):
    return (_header("|O", SHAPE)[:128] + pickle.dumps(_Bomb())).ljust(2500, b"\0")


def _nan(_):
    return _npy(np.full(SHAPE, np.nan, np.float32))


def _vast_cases(content):
    """64 cases of 67 million values: an archive of a few kilobytes could unpack to them."""
    for record in content["signatures"].values():
        for tensor in record["inputs"] + record["outputs"]:
            tensor["shape"] = [1, 2**12, 2**12, 3]
    content["golden"]["cases"] = dict.fromkeys(content["golden"]["cases"], 64)


def saved_model(function):
    """A SavedModel of another function, signed."""

    def spoil(bundle):
        folder = bundle / "saved_model"
        shutil.rmtree(folder)
        spec = tf.TensorSpec((1, 8, 12, 3), tf.float32, name="image")
        traced = tf.function(function(bundle)).get_concrete_function(image=spec)
        tf.saved_model.save(tf.Module(), str(folder), signatures={"a_to_b": traced})
        files = {path: record.model_dump() for path, record in file_records(bundle).items()}
        files.pop(MANIFEST)
        write(bundle, read(bundle) | {"files": files})

    return spoil


def _writes_a_file(bundle):
    def function(image):
        with tf.control_dependencies([tf.io.write_file(str(bundle / "written"), "x")]):
            return {"image": tf.identity(image)}

    return function


def _inflate_constant(content):
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel.FromString(content)
    node = model.meta_graphs[0].graph_def.node.add(name="vast", op="Const")
    node.attr["dtype"].type = tf.float32.as_datatype_enum
    tensor = node.attr["value"].tensor
    tensor.dtype = tf.float32.as_datatype_enum
    tensor.float_val.append(1.0)
    for _ in range(2):
        tensor.tensor_shape.dim.add(size=2**20)
    return model.SerializeToString()


FAILURES = {
    "manifest edited": (
        text(lambda old: old.replace('"max_abs": 0.0001', '"max_abs": 9.0')),
        "manifest.json was changed after export",
    ),
    "wrong hash": (unsigned(LITE, _flipped), "float32.tflite was changed after export"),
    "missing file": (removed(LITE), "float32.tflite is missing"),
    "missing SavedModel": (removed("saved_model"), "saved_model/saved_model.pb is missing"),
    "folder in place of a file": (replaced_by_folder(LITE), "float32.tflite is missing"),
    "pipe in place of a file": (pipe(LITE), "float32.tflite is missing"),
    "link to a copy": (linked(LITE, None), "float32.tflite leads outside the bundle"),
    "link to a device": (linked(LITE, "/dev/zero"), "float32.tflite leads outside the bundle"),
    "SavedModel that is a link to /": (
        linked("saved_model", "/"), "saved_model.pb leads outside the bundle",
    ),
    "oversized file": (sparse(LITE, 10**12), "has 1000000000000 bytes where the manifest says"),
    "oversized golden file": (sparse(GOLDEN, 10**12), "nothing was replayed"),
    "cut off model": (signed(LITE, lambda old: old[:-100]), "float32 cannot be replayed"),
    "empty model": (signed(LITE, lambda _: b""), "is not a TensorFlow Lite model"),
    "random model": (
        signed(LITE, lambda old: os.urandom(len(old))), "is not a TensorFlow Lite model",
    ),
    "random model with a head": (
        signed(LITE, lambda old: old[:8] + os.urandom(len(old))), "is not a TensorFlow Lite model",
    ),
    "vast tensor": (_model(_vast_tensor), "takes more than 268435456 elements"),
    "operation without input": (_model(_missing_input), "is tensor -1, and there are"),
    "graph without output": (_model(_missing_output), "an output of the graph is tensor -1"),
    "operation of its own": (_model(_own_operation), "'FlexWriteFile', which is not built in"),
    "other tensor names": (_model(_other_tensor_names), "has tensors {'photo'"),
    "signature missing": (_model(_no_signature), "has no signature 'a_to_b"),
    "golden file that is none": (signed(GOLDEN, lambda _: b"PK"), "golden.npz cannot be read"),
    "golden file cut off": (signed(GOLDEN, lambda old: old[:-40]), "golden.npz cannot be read"),
    "pickled golden case": (member(_pickled), "is object .* where the manifest says float32"),
    "golden case of another type": (
        member(lambda _: _header("<i4", SHAPE)), "is int32 .* where the manifest says float32",
    ),
    "golden case of a vast shape": (
        member(lambda _: _header("<f4", (10**6, 10**6))), "is float32 .1000000, 1000000. where",
    ),
    "golden case unpacking without end": (
        member(lambda _: bytes(10**7)), "unpacks to 10000000 bytes where float32",
    ),
    "golden case of a kilobyte that unpacks to gigabytes": (
        member(lambda _: _header("<f4", (10**5, 10**4))), "is float32 .* where the manifest says",
    ),
    "golden case of NaN": (member(_nan), "holds values that are not finite"),
    "golden case out of range": (
        member(lambda _: _npy(np.full(SHAPE, 7, np.float32))), r"values outside \[-1.0, 1.0\]",
    ),
    "golden cases without end": (manifest(_vast_cases), "would unpack to .* bytes; at most"),
    "SavedModel that is none": (
        signed("saved_model/saved_model.pb", lambda _: b"\xff" * 99), "is not a SavedModel",
    ),
    "SavedModel that writes": (saved_model(_writes_a_file), "export does not write: .*WriteFile"),
    "SavedModel that writes by a debugger": (
        saved_model(lambda bundle: debugs(bundle / "written")),
        "export does not write: .*the operation DebugIdentity",
    ),
    "SavedModel that ends the process with exit code 0": (
        saved_model(lambda bundle: aborts()), "export does not write: .*the operation Abort",
    ),
    "SavedModel of a vast constant": (
        signed("saved_model/saved_model.pb", _inflate_constant), "constant 'vast' of more than",
    ),
    "file added to the SavedModel": (
        lambda bundle: (bundle / "saved_model" / "saved_model.pbtxt").write_text(""),
        "saved_model.pbtxt was added after export",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", [each for each in FAILURES if "SavedModel" not in each])
def test_a_bundle_with_forged_files_fails(bundle, refused, case):
    spoil, sentence = FAILURES[case]
    spoil(bundle)
    refused(bundle, 1, sentence)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "case",
    slow_but(
        [each for each in FAILURES if "SavedModel" in each],
        "SavedModel that writes",
    ),
)
def test_a_bundle_with_a_forged_saved_model_fails(bundle_with_saved_model, refused, case):
    spoil, sentence = FAILURES[case]
    spoil(bundle_with_saved_model)
    refused(bundle_with_saved_model, 1, sentence)
