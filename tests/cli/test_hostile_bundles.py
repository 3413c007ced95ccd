"""Bundles that someone broke or forged: each is refused in a sentence, by the command itself.

What is wrong is a failed check (exit 1) where the folder still is a bundle, else a mistake
(exit 2). A forger signs: hashes, sizes and digest agree with what is there, unless the case
is about them.
"""

import hashlib
import io
import json
import os
import pickle
import re
import resource
import shutil
import zipfile

import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import exporters
from exporters.bundle import file_records
from tests.exporters.fakes import negative

MANIFEST, GOLDEN, LITE = "manifest.json", "golden.npz", "float32.tflite"
SHAPE = (2, 1, 8, 12, 3)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return exporters.export({"a_to_b": negative()}, tmp_path_factory.mktemp("honest") / "bundle")


@pytest.fixture
def bundle(honest, tmp_path):
    return shutil.copytree(honest, tmp_path / "bundle")


def _write(bundle, manifest):
    """Writes a manifest with the digest that belongs to it."""
    content = {key: value for key, value in manifest.items() if key != "digest"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (bundle / MANIFEST).write_text(json.dumps(content | {"digest": digest}))


def _read(bundle):
    return json.loads((bundle / MANIFEST).read_text())


def manifest(change):
    """A forged manifest, its digest right."""

    def spoil(bundle):
        content = _read(bundle)
        change(content)
        _write(bundle, content)

    return spoil


def text(change):
    """A manifest whose text is changed."""

    def spoil(bundle):
        content = change((bundle / MANIFEST).read_text())
        (bundle / MANIFEST).write_bytes(content if isinstance(content, bytes) else content.encode())

    return spoil


def signed(path, change):
    """A file of other content, with hash and size as they are then."""

    def spoil(bundle):
        file = bundle / path
        file.write_bytes(change(file.read_bytes()))
        content = _read(bundle)
        record = file_records(bundle)[path].model_dump()
        _write(bundle, content | {"files": content["files"] | {path: record}})

    return spoil


def unsigned(path, change):
    """A file of other content, hash and size left as they were."""
    return lambda bundle: (bundle / path).write_bytes(change((bundle / path).read_bytes()))


def _flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def _model(change):
    """A .tflite file taken apart, changed and put together, well-formed in itself."""

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
        definition.inputs[0].name = b"picture"


def _no_signature(model):
    model.signatureDefs = model.signatureDefs[:1]


def member(array):
    """`golden.npz` with another first input; `array` is its content, or makes one."""

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


def removed(path):
    def spoil(bundle):
        shutil.rmtree(bundle / path) if (bundle / path).is_dir() else (bundle / path).unlink()

    return spoil


def replaced_by_folder(path):
    def spoil(bundle):
        (bundle / path).unlink()
        (bundle / path).mkdir()

    return spoil


def linked(path, target):
    """A link to elsewhere in place of a file or folder."""

    def spoil(bundle):
        place = bundle / path
        elsewhere = bundle.parent / "elsewhere"
        place.rename(elsewhere)
        place.symlink_to(target or elsewhere)

    return spoil


def pipe(path):
    """A named pipe, which would be waited for forever."""

    def spoil(bundle):
        (bundle / path).unlink()
        os.mkfifo(bundle / path)

    return spoil


def sparse(path, size):
    return lambda bundle: os.truncate(bundle / path, size)


def listed(path):
    """The manifest names a path for its golden file."""

    def change(content):
        content["files"][path] = content["files"][GOLDEN]
        content["golden"]["path"] = path

    return manifest(change)


def _vast_cases(content):
    """64 cases of 67 million numbers: a few kilobytes of archive could unpack to them."""
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
        _write(bundle, _read(bundle) | {"files": files})

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


def _first_input(**change):
    return manifest(lambda m: m["signatures"]["a_to_b"]["inputs"][0].update(change))


def _twice(where):
    def change(content):
        tensors = content["signatures"]["a_to_b"][where]
        tensors.append(dict(tensors[0]))

    return manifest(change)


def _second_artifact(content):
    content["artifacts"]["again"] = content["artifacts"]["float32"]


MISTAKES = {
    "empty folder": (removed(MANIFEST), "holds no manifest.json"),
    "manifest is a folder": (replaced_by_folder(MANIFEST), "holds no manifest.json"),
    "manifest is a link": (linked(MANIFEST, None), "manifest.json leads outside the bundle"),
    "manifest is a device": (linked(MANIFEST, "/dev/zero"), "holds no manifest.json"),
    "manifest is a pipe": (pipe(MANIFEST), "holds no manifest.json"),
    "no JSON": (text(lambda _: "{'format': "), "is not valid JSON"),
    "no text": (text(lambda _: os.urandom(2000)), "is not valid JSON"),
    "cut off": (text(lambda old: old[: len(old) // 2]), "is not valid JSON"),
    "huge": (sparse(MANIFEST, 10**11), "is larger than 16777216 bytes"),
    "nested without end": (text(lambda _: "[" * 200_000), "is not valid JSON"),
    "nested settings": (
        text(lambda old: old.replace('"source": {}', f'"source": {{"a": {"[" * 99}{"]" * 99}}}')),
        "nested 32 deep at most",
    ),
    "a number of a million digits": (
        text(lambda old: old.replace('"seed": 0', f'"seed": {"9" * 10**6}')),
        "is not valid JSON",
    ),
    "not a number": (
        text(lambda old: old.replace('"source": {}', '"source": {"a": NaN}')),
        "NaN is no number that JSON knows",
    ),
    "a key twice": (
        text(lambda old: old.replace('"created"', '"format": "image-model-bundle", "created"')),
        "the key 'format' is there twice",
    ),
    "no object": (text(lambda _: '["image-model-bundle"]'), "its `format` is not"),
    "another format": (manifest(lambda m: m.update(format="other")), "its `format` is not"),
    "future version": (
        manifest(lambda m: m.update(format_version=9)), "written in bundle format 9",
    ),
    "wrong version": (
        manifest(lambda m: m.update(format_version="1")), "`format_version` must be 1, got '1'",
    ),
    "unknown key": (manifest(lambda m: m.update(run="rm -rf")), "Extra inputs are not permitted"),
    "no signature": (manifest(lambda m: m.update(signatures={})), "at least 1 item"),
    "unknown recipe": (
        manifest(lambda m: m["artifacts"]["float32"].update(recipe="int3")),
        "there is no recipe 'int3'; known are float32",
    ),
    "unknown kind": (
        manifest(lambda m: m["artifacts"]["float32"].update(kind="python")), "'saved_model' or",
    ),
    "path upwards": (listed("../golden.npz"), "'../golden.npz' leads outside the bundle"),
    "absolute path": (listed("/etc/passwd"), "'/etc/passwd' leads outside the bundle"),
    "path of Windows": (listed("C:\\golden.npz"), "leads outside the bundle"),
    "artifact upwards": (
        manifest(lambda m: m["artifacts"]["float32"].update(path="a/../../x")), "leads outside",
    ),
    "artifact twice": (manifest(_second_artifact), "the path 'float32.tflite' is there twice"),
    "input twice": (_twice("inputs"), "the tensor 'image' is there twice"),
    "output twice": (_twice("outputs"), "the tensor 'image' is there twice"),
    "vast shape": (_first_input(shape=[1, 10**9, 10**9, 3]), "at most 268435456 elements"),
    "negative shape": (_first_input(shape=[1, -8, 12, 3]), "sides of at least 1"),
    "type of objects": (_first_input(dtype="object"), "'float32', 'int32' or 'uint8'"),
    "name as code": (_first_input(name="__import__('os')"), "should match pattern"),
    "cases without end": (
        manifest(lambda m: m["golden"]["cases"].update(a_to_b=10**9)), "less than or equal to 64",
    ),
    "negative size": (
        manifest(lambda m: m["files"][LITE].update(size=-1)), "greater than or equal to 0",
    ),
}  # fmt: skip

FAILURES = {
    "manifest edited": (
        text(lambda old: old.replace('"max_abs": 0.0001', '"max_abs": 9.0')),
        "manifest.json was changed after export",
    ),
    "wrong hash": (unsigned(LITE, _flipped), "float32.tflite was changed after export"),
    "missing file": (removed(LITE), "float32.tflite is missing"),
    "missing folder": (removed("saved_model"), "saved_model/saved_model.pb is missing"),
    "folder in place of a file": (replaced_by_folder(LITE), "float32.tflite is missing"),
    "pipe in place of a file": (pipe(LITE), "float32.tflite is missing"),
    "link to a copy": (linked(LITE, None), "float32.tflite leads outside the bundle"),
    "link to a device": (linked(LITE, "/dev/zero"), "float32.tflite leads outside the bundle"),
    "link to the root": (linked("saved_model", "/"), "saved_model.pb leads outside the bundle"),
    "oversized file": (sparse(LITE, 10**12), "has 1000000000000 bytes where the manifest says"),
    "oversized golden file": (sparse(GOLDEN, 10**12), "nothing was replayed"),
    "cut off model": (signed(LITE, lambda old: old[:-100]), "float32 cannot be replayed"),
    "empty model": (signed(LITE, lambda _: b""), "is no TensorFlow Lite model"),
    "random model": (signed(LITE, lambda old: os.urandom(len(old))), "is no TensorFlow Lite model"),
    "random model with a head": (
        signed(LITE, lambda old: old[:8] + os.urandom(len(old))), "is no TensorFlow Lite model",
    ),
    "vast tensor": (_model(_vast_tensor), "takes more than 268435456 elements"),
    "operation without input": (_model(_missing_input), "is tensor -1, and there are"),
    "graph without output": (_model(_missing_output), "an output of the graph is tensor -1"),
    "operation of its own": (_model(_own_operation), "'FlexWriteFile', which is not built in"),
    "other tensor names": (_model(_other_tensor_names), "has tensors {'picture'"),
    "signature missing": (_model(_no_signature), "has no signature 'a_to_b"),
    "golden file that is none": (signed(GOLDEN, lambda _: b"PK"), "golden.npz cannot be read"),
    "golden file cut off": (signed(GOLDEN, lambda old: old[:-40]), "golden.npz cannot be read"),
    "pickled golden case": (member(_pickled), "is object .* where the manifest asks for float32"),
    "golden case of another type": (
        member(lambda _: _header("<i4", SHAPE)), "is int32 .* where the manifest asks for float32",
    ),
    "golden case of a vast shape": (
        member(lambda _: _header("<f4", (10**6, 10**6))), "is float32 .1000000, 1000000. where",
    ),
    "golden case unpacking without end": (
        member(lambda _: bytes(10**7)), "unpacks to 10000000 bytes where float32",
    ),
    "golden case of NaN": (member(_nan), "holds values that are not finite"),
    "golden case out of range": (
        member(lambda _: _npy(np.full(SHAPE, 7, np.float32))), r"values outside \[-1.0, 1.0\]",
    ),
    "golden cases without end": (manifest(_vast_cases), "would unpack to .* bytes; at most"),
    "SavedModel that is none": (
        signed("saved_model/saved_model.pb", lambda _: b"\xff" * 99), "is no SavedModel",
    ),
    "SavedModel that writes": (saved_model(_writes_a_file), "do more than compute: .*WriteFile"),
    "SavedModel of a vast constant": (
        signed("saved_model/saved_model.pb", _inflate_constant), "constant 'vast' of more than",
    ),
    "file added to the SavedModel": (
        lambda bundle: (bundle / "saved_model" / "saved_model.pbtxt").write_text(""),
        "saved_model.pbtxt was added after export",
    ),
}  # fmt: skip


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes


@pytest.fixture(scope="module")
def used(honest):
    """Memory once an honest bundle was verified: what the libraries take is in it."""
    assert exporters.verify(honest).passed
    return _peak()


def _check(command, bundle, used, code, sentence):
    found, out, error = command("verify", bundle)
    said = " ".join((out + error).split())
    assert found == code, said
    assert "Traceback" not in said
    assert re.search(sentence, said), said
    assert not (bundle / "written").exists()
    assert _peak() - used < 400_000, "kilobytes"


@pytest.mark.parametrize("case", MISTAKES)
def test_what_is_no_bundle_is_a_mistake(command, bundle, used, case):
    spoil, sentence = MISTAKES[case]
    spoil(bundle)
    _check(command, bundle, used, 2, sentence)


@pytest.mark.parametrize("case", FAILURES)
def test_a_bundle_that_does_not_hold_what_it_says_fails(command, bundle, used, case):
    spoil, sentence = FAILURES[case]
    spoil(bundle)
    _check(command, bundle, used, 1, sentence)


def test_a_file_and_nothing_at_all_are_no_folder(command, tmp_path, used):
    (tmp_path / "file").write_text("")
    _check(command, tmp_path / "file", used, 2, "is a file; a bundle is a folder")
    _check(command, tmp_path / "none", used, 2, "there is no bundle folder")
