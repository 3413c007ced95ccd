"""Refuses an untrusted SavedModel that could do more than compute.

A SavedModel is a program: its graph may hold operations that read and write files, call
Python or use the network, and they run when a signature is called. A graph that `export` writes
only reads variables and computes, so all other operations are refused before loading.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.python.framework import op_def_registry

from exporters.bundle.field_types import MAX_ELEMENTS
from exporters.errors import BundleError

# Operations with side effects are marked stateful; these only read weights and call functions.
_ALLOWED_STATEFUL = frozenset({"ReadVariableOp", "StatefulPartitionedCall", "VarHandleOp"})
# These read files or write debug output without being marked.
_REFUSED = frozenset(
    {
        "CacheDataset",
        "DebugNumericSummary",
        "GenerateVocabRemapping",
        "ImmutableConst",
        "MatchingFiles",
        "ReadFile",
    }
)
# TensorFlow adds these two functions for restoring; no signature ever calls them.
_SAVER_PREFIXES = ("__inference__traced_save_", "__inference__traced_restore_")
_SAVER_OPERATIONS = frozenset(
    {"AssignVariableOp", "DisableCopyOnRead", "MergeV2Checkpoints", "RestoreV2", "SaveV2"}
)


def check(folder: Path) -> None:
    """Checks `saved_model.pb` without running it.

    Raises:
        BundleError: If it is invalid, in text format or older than TensorFlow 2, or holds an
            operation with side effects.
    """
    if (folder / "saved_model.pbtxt").exists():
        raise BundleError(f"{folder} holds a SavedModel in text form; export writes none")
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString((folder / "saved_model.pb").read_bytes())
    except (DecodeError, OSError) as error:
        raise BundleError(f"{folder} is not a SavedModel: {error}") from error
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField("object_graph_def"):
        raise BundleError(f"{folder} is not a SavedModel of TensorFlow 2 with one graph")
    if huge := [name for name, size in _constants(model.meta_graphs[0]) if size > MAX_ELEMENTS]:
        raise BundleError(
            f"{folder} holds the constant {huge[0]!r} of more than {MAX_ELEMENTS} elements; it is "
            "not loaded"
        )
    if harmful := sorted(set(_harmful(model.meta_graphs[0]))):
        raise BundleError(
            f"{folder} holds operations that do more than compute: {', '.join(harmful)}; "
            "it is not loaded"
        )


def _harmful(graph: MetaGraphDef) -> Iterator[str]:
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    called = graph.object_graph_def.SerializeToString()
    for function in functions.values():
        called += b"".join(node.SerializeToString() for node in function.node_def)
    yield from _effects(graph.graph_def.node, functions, _ALLOWED_STATEFUL)
    for name, function in functions.items():
        allowed = _ALLOWED_STATEFUL
        if name.startswith(_SAVER_PREFIXES) and name.encode() not in called:
            allowed = _ALLOWED_STATEFUL | _SAVER_OPERATIONS
        yield from _effects(function.node_def, functions, allowed)


def _constants(graph: MetaGraphDef) -> Iterator[tuple[str, int]]:
    """Names and declared sizes of constants; one stored value may be repeated to any size."""
    bodies = [function.node_def for function in graph.graph_def.library.function]
    for node in itertools.chain(graph.graph_def.node, *bodies):
        for value in node.attr.values():
            if value.HasField("tensor"):
                sides = [dimension.size for dimension in value.tensor.tensor_shape.dim]
                yield node.name, math.prod(sides)


def _effects(nodes: Iterable, functions: dict, allowed: frozenset[str]) -> Iterator[str]:
    for node in nodes:
        definition = op_def_registry.get(node.op)
        if node.op in functions or node.op in allowed:
            continue
        if definition is None or definition.is_stateful or node.op in _REFUSED:
            yield node.op
