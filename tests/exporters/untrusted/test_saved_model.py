import hashlib
import json

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import config_pb2, saved_model_pb2

import exporters
from exporters import BundleError
from exporters.bundle.bundle import file_records
from exporters.untrusted import saved_model
from exporters.untrusted.allowed_operations import allowed_operations
from tests.exporters.untrusted.acting import aborts, debugs


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
    with pytest.raises(BundleError, match=f"export does not write: .*the operation {operation}"):
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
    with pytest.raises(BundleError, match=r"export does not write: .*the operation SaveV2"):
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


@pytest.mark.slow  # tests/cli/hostile/test_files.py has this case in CI
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


def test_writing_by_a_debugger_and_ending_the_process_are_refused(tmp_path):
    """Neither is marked stateful; the first writes a file, the second ends `verify` with 0."""
    for name, function in (
        ("DebugIdentity", debugs(tmp_path / "victim")),
        ("Abort", aborts()),
    ):
        folder = _saved(tmp_path / name, function)
        with pytest.raises(BundleError, match=f"export does not write: .*the operation {name}"):
            saved_model.check(folder)


def _edited(folder, change):
    file = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    change(model.meta_graphs[0])
    file.write_bytes(model.SerializeToString())
    return folder


def _signature(graph):
    """The function that computes."""
    (function,) = (
        each
        for each in graph.graph_def.library.function
        if any(node.op == "Mul" for node in each.node_def)
    )
    return function


def _call(graph):
    """A node that calls a function."""
    return next(
        node
        for function in graph.graph_def.library.function
        for node in function.node_def
        if node.op.endswith("PartitionedCall")
    )


def _on_another_device(graph):
    _signature(graph).node_def[0].device = "/job:worker/task:1"


def _by_another_executor(graph):
    _call(graph).attr["executor_type"].s = b"other"


def _with_other_processes(graph):
    settings = config_pb2.ConfigProto()
    settings.cluster_def.job.add(name="worker").tasks[0] = "example.com:2222"
    _call(graph).attr["config_proto"].s = settings.SerializeToString()


def _with_a_leader(graph):
    settings = config_pb2.ConfigProto()
    settings.experimental.collective_group_leader = "/job:worker"
    _call(graph).attr["config_proto"].s = settings.SerializeToString()


def _with_a_private_attribute(graph):
    _signature(graph).node_def[0].attr["_tpu_replicate"].s = b"cluster"


def _with_an_attribute_of_a_function(graph):
    _signature(graph).attr["api_implements"].s = b"something"


def _with_a_text(graph):
    node = _signature(graph).node_def.add(name="name", op="Const")
    node.attr["dtype"].type = node.attr["value"].tensor.dtype = tf.string.as_datatype_enum
    node.attr["value"].tensor.string_val.append(b"/etc/passwd")


def _calling_itself(graph):
    function = _signature(graph)
    node = function.node_def.add(name="again", op="PartitionedCall")
    node.attr["f"].func.name = function.signature.name


def _calling_without_end(graph):
    """Each of 40 functions calls the next one twice: 2^40 calls."""
    library = graph.graph_def.library
    for index in range(40):
        function = library.function.add()
        function.signature.name = f"doubling_{index}"
        for twice in range(2):
            node = function.node_def.add(name=f"call_{twice}", op="PartitionedCall")
            node.attr["f"].func.name = f"doubling_{index + 1}"
    library.function.add().signature.name = "doubling_40"


def _with_an_asset(graph):
    graph.asset_file_def.add().filename = "../../outside"


def _with_a_resource(graph):
    graph.object_graph_def.nodes.add().resource.device = ""


def _of_a_registered_class(graph):
    graph.object_graph_def.nodes[0].registered_name = "some.Class"


def _restoring(graph, tensor):
    """Lets the reader of weights read the file that a constant names."""
    (restore,) = (
        each
        for each in graph.graph_def.library.function
        if each.signature.name.startswith("__inference__traced_restore_")
    )
    node = restore.node_def.add(name="other", op="Const")
    node.attr["dtype"].type = tf.string.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tensor)
    (reader,) = (node for node in restore.node_def if node.op == "RestoreV2")
    reader.input[0] = "other:output:0"


def _restoring_another_file(graph):
    _restoring(graph, tf.make_tensor_proto("/etc/passwd"))


def _restoring_a_file_named_by_bytes(graph):
    tensor = tf.make_tensor_proto("/etc/passwd")
    tensor.tensor_content = b"\x0b" + tensor.string_val.pop()  # its length, and the text
    assert tf.io.parse_tensor(tensor.SerializeToString(), tf.string) == "/etc/passwd"
    _restoring(graph, tensor)


EDITS = {
    "another device": (_on_another_device, "on the device '/job:worker/task:1'"),
    "another executor": (_by_another_executor, "with a setting of 'executor_type'"),
    "other processes": (_with_other_processes, "with settings of other processes"),
    "a leader": (_with_a_leader, "with settings of other processes"),
    "a private attribute": (_with_a_private_attribute, "with the attribute '_tpu_replicate'"),
    "an attribute of a function": (
        _with_an_attribute_of_a_function, "a function with the attribute 'api_implements'",
    ),
    "a text": (_with_a_text, "the text 'name'"),
    "a call of itself": (_calling_itself, "functions that call themselves"),
    "calls without end": (_calling_without_end, "more than 1000000 operations in calls"),
    "an asset": (_with_an_asset, "asset files"),
    "a resource": (_with_a_resource, "an object of kind resource"),
    "a registered class": (_of_a_registered_class, "an object of the class 'some.Class'"),
    "restoring another file": (_restoring_another_file, "RestoreV2 with a file name of its own"),
    "restoring a file that bytes name": (
        _restoring_a_file_named_by_bytes, "RestoreV2 with a file name of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS)
def test_what_export_does_not_write_is_refused(tmp_path, case):
    change, sentence = EDITS[case]
    folder = _saved(tmp_path / "saved_model", lambda image: {"image": tf.identity(image)})
    saved_model.check(folder)
    with pytest.raises(BundleError, match=f"export does not write: .*{sentence}"):
        saved_model.check(_edited(folder, change))


def test_most_operations_of_tensorflow_are_refused():
    """The lists hold what export writes, and nothing that reads, writes, sends or calls."""
    allowed = allowed_operations()
    every = {name for name in dir(tf.raw_ops) if name[0].isupper()}
    assert len(allowed.saved_model & every) < 200
    for part in (
        *("File", "Debug", "Print", "Py", "Dataset", "Iterator", "Queue", "Table", "Summary"),
        *("Send", "Recv", "Collective", "Save", "Restore", "Abort", "Assert", "Random", "Remote"),
        *("Assign", "Reader", "Stack", "Barrier", "Mutex", "Xla", "TPU", "Decode", "If", "While"),
    ):
        assert not [name for name in allowed.saved_model if part in name], part
    for name in ("IF", "WHILE", "CALL_ONCE", "CUSTOM", "VAR_HANDLE", "READ_VARIABLE"):
        assert name not in allowed.tflite
