import hashlib
import json

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

import exporters
from exporters import BundleError
from exporters.bundle.bundle import file_records
from exporters.untrusted import saved_model


def _saved(folder, function):
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    spec = tf.TensorSpec((1, 8, 12, 3), tf.float32, name="image")
    traced = tf.function(lambda image: function(image * module.weight)).get_concrete_function(
        image=spec
    )
    tf.saved_model.save(module, str(folder), signatures={"a_to_b": traced})
    return folder


def test_what_export_writes_is_harmless(exported, small):
    saved_model.check(exported / "saved_model")
    saved_model.check(small / "saved_model")


def _writes(path):
    def function(image):
        with tf.control_dependencies([tf.io.write_file(str(path), "written")]):
            return {"image": tf.identity(image)}

    return function


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (_writes("/nowhere/at/all"), "WriteFile"),
        (lambda image: {"image": image, "text": tf.io.read_file("/etc/hostname")}, "ReadFile"),
        (
            lambda image: {"image": tf.numpy_function(lambda x: x, [image], tf.float32)},
            "PyFunc",
        ),
        (
            lambda image: {
                "image": tf.raw_ops.RestoreV2(
                    prefix="/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
                )[0]
            },
            "RestoreV2",
        ),
        (
            lambda image: {"image": tf.map_fn(lambda x: x + len(_printed(x)), image)},
            "PrintV2",
        ),
    ],
)
def test_operations_with_effects_are_refused_by_name(tmp_path, function, operation):
    folder = _saved(tmp_path / "saved_model", function)
    with pytest.raises(BundleError, match=f"do more than compute: .*{operation}"):
        saved_model.check(folder)


def _printed(value):
    tf.print(value)
    return ()


def test_a_signature_that_bears_the_savers_name_is_still_a_signature(tmp_path):
    def function(image):
        tf.raw_ops.SaveV2(
            prefix="/nowhere", tensor_names=["a"], shape_and_slices=[""], tensors=[image]
        )
        return {"image": tf.identity(image)}

    file = _saved(tmp_path / "saved_model", function) / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    (name,) = (
        each.signature.name
        for each in model.meta_graphs[0].graph_def.library.function
        if any(node.op == "SaveV2" for node in each.node_def)
        and "traced_save" not in each.signature.name
    )
    text = text_format.MessageToString(model).replace(name, "__inference__traced_save_666")
    file.write_bytes(text_format.Parse(text, saved_model_pb2.SavedModel()).SerializeToString())
    with pytest.raises(BundleError, match=r"do more than compute: .*SaveV2"):
        saved_model.check(file.parent)


def test_broken_and_text_format_saved_models_are_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(BundleError, match="is not a SavedModel"):
        saved_model.check(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(BundleError, match="is not a SavedModel of TensorFlow 2 with one graph"):
        saved_model.check(tmp_path)
    (tmp_path / "saved_model.pbtxt").write_text("")
    with pytest.raises(BundleError, match="in text form"):
        saved_model.check(tmp_path)


def test_verify_does_not_run_a_signature_that_writes(copy, tmp_path):
    """The whole way, with hashes and digest as a forger would make them."""
    victim = tmp_path / "victim"
    folder = copy / "saved_model"
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        file.unlink()
    _saved(folder, _writes(victim))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"] = {
        path: record.model_dump()
        for path, record in file_records(copy).items()
        if path != "manifest.json"
    }
    del manifest["digest"]
    text = json.dumps(manifest, sort_keys=True)
    manifest["digest"] = hashlib.sha256(text.encode()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    verification = exporters.verify(copy)
    assert not victim.exists()
    assert all(check.passed for check in verification.files)
    assert any("saved_model cannot be replayed" in fault for fault in verification.faults)
    assert any("WriteFile" in fault for fault in verification.faults)
