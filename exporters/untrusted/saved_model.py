"""Refuses an untrusted SavedModel that could do more than compute.

A SavedModel is a program: its graph may hold operations that read and write files, end the
process, call Python or use the network, and they run when it is loaded or called. Only what
`export` writes is allowed (`allowed_operations.toml`), in the graph and in all functions; every
other file is refused before it is loaded.
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import config_pb2, saved_model_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

from exporters.bundle.field_types import MAX_ELEMENTS
from exporters.errors import ModelError
from exporters.untrusted.allowed_operations import AllowedOperations, allowed_operations

# TensorFlow adds these two functions to save and restore weights; no signature ever calls them.
_SAVER_PREFIXES = ("__inference__traced_save_", "__inference__traced_restore_")
# Operations that take a file name as their first input; all are in the two functions only.
_FILE_OPERATIONS = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
# What TensorFlow appends to the file name it is given, and what it compares its start with.
_NAME_PARTS = re.compile(rb"(_temp(_[0-9a-f]*)?/part|\.part|\^s3://\.\*|)")
_THIS_DEVICE = re.compile(r"(/job:localhost)?(/replica:0)?(/task:0)?(/device:CPU:[*0])?")
_OBJECTS = frozenset(
    {"bare_concrete_function", "captured_tensor", "constant", "function", "user_object", "variable"}
)
# Of the session's settings that functions carry; none starts or reaches another process.
_SETTINGS = frozenset(
    {"allow_soft_placement", "device_count", "gpu_options", "graph_options"}
    | {"experimental", "pluggable_device_options"}  # empty
)
_MAX_DEPTH = 50  # of calls of functions; TensorFlow recurses
_MAX_NODES = 1_000_000  # of a signature with all functions it calls in their places


# Keras's `model.export` and `tf.saved_model.save` also write the code that initializes variables.
# It assigns them in memory and does nothing else.
_INITIALIZING = frozenset({"AssignVariableOp", "VarIsInitializedOp"})
_COLOCATED = "_class"  # names the variable beside which an operation runs


def check(folder: Path, *, to_export: bool = False) -> None:
    """Checks `saved_model.pb` without running it.

    Args:
        folder: Holds the file.
        to_export: Whether it is a model of others to export, which may also initialize variables.

    Raises:
        ModelError: If it is invalid, in text format or older than TensorFlow 2, or holds anything
            that `export` does not write.
    """
    allowed = allowed_operations()
    if to_export:
        allowed = replace(
            allowed,
            saved_model=allowed.saved_model | _INITIALIZING,
            attributes=allowed.attributes | {_COLOCATED},
        )
    if (folder / "saved_model.pbtxt").exists():
        raise ModelError(f"{folder} holds a SavedModel in text form; export writes none")
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString((folder / "saved_model.pb").read_bytes())
    except (DecodeError, OSError) as error:
        raise ModelError(f"{folder} is not a SavedModel: {error}") from error
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField("object_graph_def"):
        raise ModelError(f"{folder} is not a SavedModel of TensorFlow 2 with one graph")
    if huge := [name for name, size in _constants(model.meta_graphs[0]) if size > MAX_ELEMENTS]:
        raise ModelError(
            f"{folder} holds the constant {huge[0]!r} of more than {MAX_ELEMENTS} elements; it is "
            "not loaded"
        )
    if found := sorted(set(_faults(model.meta_graphs[0], allowed))):
        raise ModelError(
            f"{folder} holds what export does not write: {', '.join(found[:10])}"
            f"{' and more' if len(found) > 10 else ''}; it is not loaded"
        )


def saver_functions(graph: MetaGraphDef) -> set[str]:
    """Names of the functions that save and restore weights and that nothing else can call."""
    functions = graph.graph_def.library.function
    names = {each.signature.name for each in functions}
    savers = {name for name in names if name.startswith(_SAVER_PREFIXES)}
    if not savers:
        return set()
    # Any mention of the name counts as a call: in a node, an attribute or a saved object.
    mentions = [graph.object_graph_def.SerializeToString()]
    for function in functions:
        mentions += [node.SerializeToString() for node in function.node_def]
        mentions += [value.SerializeToString() for value in function.attr.values()]
    mentions += [each.SerializeToString() for each in graph.graph_def.library.gradient]
    mentions += [each.SerializeToString() for each in graph.graph_def.library.registered_gradients]
    mentions += [alias.encode() for alias in graph.meta_info_def.function_aliases]
    everything = b"\n".join(mentions)
    return {name for name in savers if name.encode() not in everything}


def _faults(graph: MetaGraphDef, allowed: AllowedOperations) -> Iterator[str]:
    savers = saver_functions(graph)
    functions = {each.signature.name: each for each in graph.graph_def.library.function}
    yield from _object_faults(graph)
    yield from _node_faults(graph.graph_def.node, allowed.saved_model, allowed)
    for name, function in functions.items():
        if name in savers:
            nodes = {node.name: node for node in function.node_def}
            yield from _node_faults(nodes.values(), allowed.saved_model | allowed.saver, allowed)
            yield from _file_name_faults(nodes)
        else:
            yield from _node_faults(function.node_def, allowed.saved_model, allowed)
            yield from _string_faults(function.node_def)
        for attribute in set(function.attr) - allowed.attributes:
            yield f"a function with the attribute {attribute!r}"
    yield from _call_faults({name: each.node_def for name, each in functions.items()})


def _object_faults(graph: MetaGraphDef) -> Iterator[str]:
    if graph.asset_file_def:
        yield "asset files"
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind not in _OBJECTS:
            yield f"an object of kind {kind}"
        if node.registered_name or node.registered_saver:
            yield f"an object of the class {node.registered_name or node.registered_saver!r}"


def _node_faults(
    nodes: Iterable[Any], operations: frozenset[str], allowed: AllowedOperations
) -> Iterator[str]:
    for node in nodes:
        if node.op not in operations:
            yield f"the operation {node.op}"
            continue
        if not _THIS_DEVICE.fullmatch(node.device):
            yield f"{node.op} on the device {node.device!r}"
        for name, value in node.attr.items():
            if name.startswith("_") and name not in allowed.attributes:
                yield f"{node.op} with the attribute {name!r}"
            if name in ("container", "executor_type", "config") and value.s:
                yield f"{node.op} with a setting of {name!r}"
            if name == "config_proto" and not _is_plain(value.s):
                yield f"{node.op} with settings of other processes"


def _is_plain(content: bytes) -> bool:
    """Whether a session's settings are of the kinds that `export` writes."""
    settings = config_pb2.ConfigProto()
    try:
        settings.ParseFromString(content)
    except DecodeError:
        return False
    is_empty = not settings.experimental.ByteSize()
    return is_empty and {field.name for field, _ in settings.ListFields()} <= _SETTINGS


def _string_faults(nodes: Iterable[Any]) -> Iterator[str]:
    """Signatures compute with numbers; a text could only name a file, a host or a device."""
    for node in nodes:
        for value in node.attr.values():
            if value.HasField("tensor") and value.tensor.dtype == types_pb2.DT_STRING:
                yield f"the text {node.name!r}"


def _file_name_faults(nodes: Mapping[str, Any]) -> Iterator[str]:
    """Every file name must be the one that the function is given, with TensorFlow's endings."""
    for node in nodes.values():
        if node.op in _FILE_OPERATIONS:
            # The tensors' names and slices, which follow, are no file names.
            names = node.input[:2] if node.op == "MergeV2Checkpoints" else node.input[:1]
            for name in names:
                if not _is_given(name, nodes):
                    yield f"{node.op} with a file name of its own"


def _is_given(name: str, nodes: Mapping[str, Any]) -> bool:
    """Whether a value is computed from the function's arguments and TensorFlow's own endings."""
    waiting, visited = [name], set()
    while waiting:
        node = nodes.get(waiting.pop().partition(":")[0])  # None for an argument
        if node is None or node.name in visited:
            continue
        visited.add(node.name)
        waiting += [each for each in node.input if not each.startswith("^")]
        if node.op == "Const":
            tensor = node.attr["value"].tensor
            texts = tensor.string_val
            # TensorFlow also reads texts from the bytes of the content, but writes none there.
            hidden = tensor.dtype == types_pb2.DT_STRING and tensor.tensor_content
            if hidden or not all(_NAME_PARTS.fullmatch(text) for text in texts):
                return False
    return True


def _call_faults(bodies: Mapping[str, Any]) -> Iterator[str]:
    """Functions that call themselves never end, and calls that branch take time without limit."""
    sizes: dict[str, int] = {}

    def size(name: str, path: tuple[str, ...]) -> int:
        if name in path or len(path) > _MAX_DEPTH:
            return _MAX_NODES + 1
        if name not in sizes:
            inner = (size(each, (*path, name)) for each in _called(bodies[name], bodies))
            sizes[name] = min(len(bodies[name]) + sum(inner), _MAX_NODES + 1)
        return sizes[name]

    if any(size(name, ()) > _MAX_NODES for name in bodies):
        yield f"functions that call themselves, or more than {_MAX_NODES} operations in calls"


def _called(nodes: Iterable[Any], known: Mapping[str, Any]) -> Iterator[str]:
    for node in nodes:
        for value in node.attr.values():
            for function in (value.func, *value.list.func):
                if function.name in known:
                    yield function.name
        if node.op in known:
            yield node.op


def _constants(graph: MetaGraphDef) -> Iterator[tuple[str, int]]:
    """Names and declared sizes of constants; one stored value may be repeated to any size."""
    bodies = [function.node_def for function in graph.graph_def.library.function]
    for node in itertools.chain(graph.graph_def.node, *bodies):
        for value in node.attr.values():
            if value.HasField("tensor"):
                sides = [dimension.size for dimension in value.tensor.tensor_shape.dim]
                yield node.name, math.prod(sides)
