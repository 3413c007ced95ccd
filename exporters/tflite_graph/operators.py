"""The graph of a .tflite file, operation by operation: what each one takes, gives and is set to."""

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
_VALUES_AT_MOST = 64  # numbers of a constant that are kept: axes, paddings and strides, no weights


@dataclass(frozen=True)
class Tensor:
    """One tensor of a graph.

    Attributes:
        index: Its number within the graph.
        name: As the converter left it; holds the path of the layer it comes from.
        shape: Every side; -1 where it is not known before running.
        dtype: `float32`, `int8` and so on.
        buffer: Number of the constant it reads, which several graphs may share, also where
            that is stored as float16 and restored first; None for one that is computed.
        values: A constant's numbers if they are whole and few, else None.
        scale: What a step of a quantised tensor is worth; None without, or by channel.
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
        """How many numbers it holds; unknown sides count as 1."""
        return math.prod(max(side, 1) for side in self.shape)


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        operation: Name of a built-in operation such as `CONV_2D`, or of one that is not built in.
        built_in: Whether it is built in.
        inputs: What it takes; None stands for an optional input that is left out.
        outputs: What it gives.
        options: Its settings by their names in the schema.
    """

    operation: str
    built_in: bool
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any]

    @property
    def given(self) -> Iterator[Tensor]:
        """The inputs that are there."""
        return (tensor for tensor in self.inputs if tensor is not None)


@dataclass(frozen=True)
class SignatureGraph:
    """The graph that one signature runs.

    Attributes:
        number: Which of the file's graphs it is.
        nodes: In the order they run.
        inputs, outputs: What enters and leaves, in the file's order.
    """

    number: int
    nodes: tuple[Node, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_signatures(content: bytes) -> dict[str, SignatureGraph]:
    """Reads the graph of every signature out of a .tflite file's content.

    A file without named signatures has one, called `""`.

    Raises:
        BundleError: If the content is no such file.
    """
    try:
        if not schema.Model.ModelBufferHasIdentifier(content, 0):
            raise ValueError("it does not begin as one")
        model = schema.ModelT.InitFromPackedBuf(content, 0)
        _bring_in(model, content)
        numbers = {
            definition.signatureKey.decode(): definition.subgraphIndex
            for definition in model.signatureDefs or []
        }
        return {name: _graph(model, number) for name, number in (numbers or {"": 0}).items()}
    except (struct.error, ValueError, TypeError, IndexError, AttributeError) as error:
        raise BundleError(f"a .tflite file of the bundle is broken: {error}") from error


def _bring_in(model: schema.ModelT, content: bytes) -> None:
    """Gives buffers what lies behind the graph in the file: the quantiser puts weights there."""
    for buffer in model.buffers:
        if buffer.offset > 1:  # 0 and 1 say that it lies within
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)


def _graph(model: schema.ModelT, number: int) -> SignatureGraph:
    graph = model.subgraphs[number]
    tensors = [_tensor(model, index, tensor) for index, tensor in enumerate(graph.tensors)]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.DEQUANTIZE:
            source, target = int(operator.inputs[0]), int(operator.outputs[0])
            tensors[target] = replace(tensors[target], buffer=tensors[source].buffer)
    return SignatureGraph(
        number,
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
    if constant and dtype in ("int32", "int64") and math.prod(sides) <= _VALUES_AT_MOST:
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
