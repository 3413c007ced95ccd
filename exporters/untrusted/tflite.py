"""Refuses an untrusted .tflite file that would crash the process or use up its memory.

The runtime verifies that all parts lie within the file, but not that they are consistent: a
signature of a missing graph crashes the process, and a tensor may declare any size. Only
operations that `export` writes are allowed (`allowed_operations.toml`). They hold no loops and
no calls of other graphs, so a file that passes ends after a bounded number of steps.
"""

import math
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.bundle.field_types import MAX_ELEMENTS
from exporters.errors import ModelError
from exporters.tflite_graph.summary import operation_name
from exporters.untrusted.allowed_operations import allowed_operations
from exporters.untrusted.tflite_arguments import check_arguments

# Index of the optional input, the bias, of kernels that have one.
_OPTIONAL = {
    **dict.fromkeys(("CONV_2D", "CONV_3D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"), 2),
    "TRANSPOSE_CONV": 3,
}
# Of all tensors of one graph; the runtime reuses memory of tensors that are no longer needed.
_MAX_TOTAL_ELEMENTS = 8 * MAX_ELEMENTS
_MIN_PART_BYTES = 4  # of a tensor or an operation in the file, at the least


def check(content: bytes, name: str) -> None:
    """Checks a file's structure without running it; `name` is its name in error messages.

    Raises:
        ModelError: If it is not a model, has an invalid reference, needs operations that `export`
            does not write, or declares tensors larger than `MAX_ELEMENTS`.
    """
    try:
        if not schema.Model.ModelBufferHasIdentifier(content, 0):
            raise ValueError("it does not start with the file identifier")
        model = schema.Model.GetRootAs(content, 0)
        codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
        operations = [_operation(code) for code in codes]
        graphs = [model.Subgraphs(index) for index in range(model.SubgraphsLength())]
        parts = sum(graph.TensorsLength() + graph.OperatorsLength() for graph in graphs)
        if not graphs or parts > len(content) // _MIN_PART_BYTES:
            raise ValueError(
                f"it has {len(graphs)} graphs of {parts} parts in {len(content)} bytes"
            )
        for graph in graphs:
            _Graph(content, model, graph, operations).check()
        _check_signatures(model, graphs)
    except (*_BROKEN, UnicodeDecodeError) as error:
        raise ModelError(f"{name} is not a TensorFlow Lite model: {error}") from error


# What flatbuffers raises for broken offsets, and the checks for broken values.
_BROKEN = (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError)


def _operation(code: schema.OperatorCode) -> str:
    builtin_code = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name, built_in = operation_name(builtin_code, code.CustomCode())
    if not built_in:
        raise ValueError(f"it needs {name!r}, which is not built in")
    if name not in allowed_operations().tflite:
        raise ValueError(f"it needs {name}, which export does not write")
    return name


def _check_signatures(model: schema.Model, graphs: Sequence[schema.SubGraph]) -> None:
    for index in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(index)
        name, graph = signature.SignatureKey().decode(), signature.SubgraphIndex()
        if graph >= len(graphs):
            raise ValueError(f"signature {name!r} runs graph {graph}, and there are {len(graphs)}")
        for kind, parts, ends in (
            ("input", _maps(signature, "Inputs"), _ends(graphs[graph], "Inputs")),
            ("output", _maps(signature, "Outputs"), _ends(graphs[graph], "Outputs")),
        ):
            for part in parts:
                if part.TensorIndex() not in ends:
                    raise ValueError(
                        f"signature {name!r} names tensor {part.TensorIndex()}, which is no {kind} "
                        f"of graph {graph}"
                    )


def _maps(signature: schema.SignatureDef, kind: str) -> Iterator[schema.TensorMap]:
    for index in range(getattr(signature, f"{kind}Length")()):
        yield getattr(signature, kind)(index)


def _ends(graph: schema.SubGraph, kind: str) -> list[int]:
    return [getattr(graph, kind)(each) for each in range(getattr(graph, f"{kind}Length")())]


class _Graph:
    """One graph of a file.

    Args:
        content: The file.
        model: Its root.
        graph: The graph.
        operations: Names of the operations by their index in the file.
    """

    def __init__(
        self,
        content: bytes,
        model: schema.Model,
        graph: schema.SubGraph,
        operations: Sequence[str],
    ) -> None:
        self._content, self._model = content, model
        self._graph, self._operations = graph, operations
        self._tensors = [graph.Tensors(index) for index in range(graph.TensorsLength())]
        self._shapes = [
            tuple(tensor.Shape(axis) for axis in range(tensor.ShapeLength()))
            for tensor in self._tensors
        ]
        self._constants = [
            self._constant(tensor, shape)
            for tensor, shape in zip(self._tensors, self._shapes, strict=True)
        ]

    def check(self) -> None:
        """Raises ValueError if the graph is not consistent."""
        self._check_tensors()
        inputs, outputs = _ends(self._graph, "Inputs"), _ends(self._graph, "Outputs")
        self._check_indices("an input of the graph", inputs)
        self._check_indices("an output of the graph", outputs)
        known = {index for index, value in enumerate(self._constants) if value is not None}
        if known & set(inputs):
            raise ValueError(f"input {min(known & set(inputs))} of the graph is a constant")
        known |= set(inputs)
        for index in range(self._graph.OperatorsLength()):
            self._check_operator(index, known)
        if unknown := set(outputs) - known:
            raise ValueError(f"an output of the graph, tensor {min(unknown)}, is never computed")

    def _constant(self, tensor: schema.Tensor, shape: tuple[int, ...]) -> np.ndarray | None:
        """The bytes of a constant; None for a computed tensor."""
        buffer = self._model.Buffers(tensor.Buffer())
        if buffer.Offset() > 1:  # stored behind the graph, where the quantizer puts weights
            return np.frombuffer(self._content, np.uint8, buffer.Size(), buffer.Offset())
        if buffer.DataLength():
            return buffer.DataAsNumpy()
        return np.empty(0, np.uint8) if 0 in shape else None

    def _check_tensors(self) -> None:
        total = 0
        for index, (tensor, shape) in enumerate(zip(self._tensors, self._shapes, strict=True)):
            size = math.prod(shape)
            total += size
            if min(shape, default=0) < 0 or size > MAX_ELEMENTS or total > _MAX_TOTAL_ELEMENTS:
                raise ValueError(
                    f"tensor {index} of shape {list(shape)} takes more than {MAX_ELEMENTS} "
                    f"elements, or all together take more than {_MAX_TOTAL_ELEMENTS}"
                )
            if tensor.IsVariable() or tensor.Sparsity() is not None:
                raise ValueError(f"tensor {index} is variable or sparse; export writes no such")

    def _check_operator(self, index: int, known: set[int]) -> None:
        """Checks one operation; adds its outputs to the tensors that are known after it."""
        operator = self._graph.Operators(index)
        if operator.OpcodeIndex() >= len(self._operations):
            raise ValueError(f"operation {index} is of a kind that is not listed")
        name = self._operations[operator.OpcodeIndex()]
        inputs = [operator.Inputs(each) for each in range(operator.InputsLength())]
        outputs = [operator.Outputs(each) for each in range(operator.OutputsLength())]
        optional = _OPTIONAL.get(name)
        required = [each for i, each in enumerate(inputs) if each != -1 or i != optional]
        self._check_indices(f"an input or output of {name}", required + outputs)
        if early := set(required) - known:
            raise ValueError(f"{name} takes tensor {min(early)} before it is computed")
        if not outputs or len(set(outputs)) < len(outputs) or known & set(outputs):
            raise ValueError(f"{name} must compute new tensors, each once, got {outputs}")
        known |= set(outputs)
        check_arguments(
            name,
            operator,
            [self._shapes[each] for each in inputs if each != -1],
            [self._shapes[each] for each in outputs],
            [self._integers(each) for each in inputs if each != -1],
            [self._tensors[each].Type() for each in inputs if each != -1],
        )

    def _integers(self, index: int) -> list[int] | None:
        """The values of a small integer constant; None if it is anything else."""
        types = {schema.TensorType.INT32: np.int32, schema.TensorType.INT64: np.int64}
        content, dtype = self._constants[index], types.get(self._tensors[index].Type())
        if (
            content is None
            or dtype is None
            or len(content) != (math.prod(self._shapes[index]) * np.dtype(dtype).itemsize)
        ):
            return None
        return [int(value) for value in np.asarray(content, np.uint8).view(dtype)[:64]]

    def _check_indices(self, what: str, indices: Sequence[int]) -> None:
        for index in indices:
            if not 0 <= index < len(self._tensors):
                raise ValueError(f"{what} is tensor {index}, and there are {len(self._tensors)}")
