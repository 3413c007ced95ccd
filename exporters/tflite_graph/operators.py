"""Reads the graphs of a .tflite file: operations with their inputs, outputs and options."""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.errors import BundleError
from exporters.tflite_graph.summary import operation_name

_TYPES = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")
}
_MAX_VALUES = 64  # larger constants are weights, and their values are not kept


@dataclass(frozen=True)
class Tensor:
    """One tensor of a graph.

    Attributes:
        index: Its index within the graph.
        name: As the converter wrote it; it contains the path of the layer it comes from.
        shape: All dimensions; -1 for one that is not known before running.
        dtype: `float32`, `int8` and so on.
        buffer: Index of its constant, which several graphs may share. A constant that is stored
            as float16 and dequantized counts too. None for a computed tensor.
        values: Values of a small integer constant, else None.
        scale: The quantization scale; None if not quantized, or if quantized by channel.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    buffer: int | None
    values: tuple[int, ...] | None
    scale: float | None = None

    @property
    def size(self) -> int:
        """Number of elements; unknown dimensions count as 1."""
        return math.prod(max(side, 1) for side in self.shape)


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        operation: Name of a built-in operation such as `CONV_2D`, or of a custom one.
        built_in: Whether it is built in.
        inputs: Its inputs; None for an optional input that is missing.
        outputs: Its outputs.
        options: Its options by their names in the schema.
    """

    operation: str
    built_in: bool
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any]

    @property
    def present_inputs(self) -> Iterator[Tensor]:
        """The inputs without missing optional ones."""
        return (tensor for tensor in self.inputs if tensor is not None)


@dataclass(frozen=True)
class SignatureGraph:
    """The graph that one signature runs.

    Attributes:
        index: Its index in the file.
        nodes: Operations in the order they run.
        inputs, outputs: Input and output tensors, in the file's order.
    """

    index: int
    nodes: tuple[Node, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_signatures(content: bytes) -> dict[str, SignatureGraph]:
    """Reads the graph of every signature from the content of a .tflite file.

    A file without named signatures has one with the name `""`.

    Raises:
        BundleError: If the content is not a valid file.
    """
    try:
        if not schema.Model.ModelBufferHasIdentifier(content, 0):
            raise ValueError("it does not start with the file identifier")
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        _attach_external_buffers(model, content)
        indices = {
            definition.signatureKey.decode(): definition.subgraphIndex
            for definition in model.signatureDefs or []
        }
        return {name: _graph(model, index) for name, index in (indices or {"": 0}).items()}
    except (struct.error, ValueError, TypeError, IndexError, AttributeError) as error:
        raise BundleError(f"a .tflite file of the bundle is broken: {error}") from error


def _attach_external_buffers(model: schema.ModelT, content: bytes) -> None:
    """Loads buffers that are stored behind the graph, where the quantizer puts weights."""
    for buffer in model.buffers:
        if buffer.offset > 1:  # 0 and 1 mean that it is stored in the graph
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)


def _graph(model: schema.ModelT, graph_index: int) -> SignatureGraph:
    graph = model.subgraphs[graph_index]
    tensors = [_tensor(model, index, tensor) for index, tensor in enumerate(graph.tensors)]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.DEQUANTIZE:
            source, target = int(operator.inputs[0]), int(operator.outputs[0])
            tensors[target] = replace(tensors[target], buffer=tensors[source].buffer)
    return SignatureGraph(
        graph_index,
        tuple(_node(model, operator, tensors) for operator in graph.operators),
        tuple(tensors[index] for index in graph.inputs),
        tuple(tensors[index] for index in graph.outputs),
    )


def _tensor(model: schema.ModelT, index: int, tensor: schema.TensorT) -> Tensor:
    shape = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    sides = () if shape is None else tuple(int(side) for side in shape)
    dtype = _TYPES.get(tensor.type, f"type {tensor.type}")
    data = model.buffers[tensor.buffer].data if tensor.buffer else None
    constant = data is not None and len(data) > 0
    values = None
    if constant and dtype in ("int32", "int64") and math.prod(sides) <= _MAX_VALUES:
        values = tuple(int(value) for value in np.asarray(data, np.uint8).view(dtype))
    name = (tensor.name or b"").decode(errors="replace")
    scales = getattr(tensor.quantization, "scale", None)
    scale = float(scales[0]) if scales is not None and len(scales) == 1 else None
    return Tensor(index, name, sides, dtype, tensor.buffer if constant else None, values, scale)


def _node(model: schema.ModelT, operator: schema.OperatorT, tensors: list[Tensor]) -> Node:
    code = model.operatorCodes[operator.opcodeIndex]
    name, built_in = operation_name(
        max(code.builtinCode, code.deprecatedBuiltinCode), code.customCode
    )
    inputs = [] if operator.inputs is None else operator.inputs
    return Node(
        name,
        built_in,
        tuple(tensors[index] if index >= 0 else None for index in inputs),
        tuple(tensors[index] for index in operator.outputs),
        dict(vars(operator.builtinOptions)) if operator.builtinOptions else {},
    )
