"""Refuses an untrusted .tflite file that would crash the process or use up its memory.

The runtime verifies that all parts lie within the file, but not that they are consistent: a
missing input of an operation crashes the process, and a tensor may declare any size.
"""

import math
import struct

from ai_edge_litert import schema_py_generated as schema

from exporters.bundle.field_types import MAX_ELEMENTS
from exporters.errors import BundleError
from exporters.tflite_graph.summary import operation_name

# Index of the optional input, the bias, of kernels that have one.
_OPTIONAL = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}
# Of all tensors of one graph; the runtime reuses memory of tensors that are no longer needed.
_MAX_TOTAL_ELEMENTS = 8 * MAX_ELEMENTS


def check(content: bytes, name: str) -> None:
    """Checks a file's structure without running it; `name` is its name in error messages.

    Raises:
        BundleError: If it is not a model, has an invalid reference, needs operations that are
            not built in, or declares tensors larger than `MAX_ELEMENTS`.
    """
    try:
        if not schema.Model.ModelBufferHasIdentifier(content, 0):
            raise ValueError("it does not start with the file identifier")
        model = schema.Model.GetRootAs(content, 0)
        codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
        operations = [_operation(code) for code in codes]
        for index in range(model.SubgraphsLength()):
            _check_graph(model.Subgraphs(index), operations)
    except (struct.error, ValueError, TypeError, IndexError, AttributeError) as error:
        raise BundleError(f"{name} is not a TensorFlow Lite model: {error}") from error


def _operation(code: schema.OperatorCode) -> str:
    builtin_code = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name, built_in = operation_name(builtin_code, code.CustomCode())
    if not built_in:
        raise ValueError(f"it needs {name!r}, which is not built in")
    return name


def _check_graph(graph: schema.SubGraph, operations: list[str]) -> None:
    count = graph.TensorsLength()
    total = 0
    for index in range(count):
        tensor = graph.Tensors(index)
        shape = [tensor.Shape(axis) for axis in range(tensor.ShapeLength())]
        size = math.prod(shape)
        total += size
        if min(shape, default=0) < 0 or size > MAX_ELEMENTS or total > _MAX_TOTAL_ELEMENTS:
            raise ValueError(
                f"tensor {index} of shape {shape} takes more than {MAX_ELEMENTS} elements, or all "
                f"together take more than {_MAX_TOTAL_ELEMENTS}"
            )
    for kind, ends in (
        ("input", [graph.Inputs(each) for each in range(graph.InputsLength())]),
        ("output", [graph.Outputs(each) for each in range(graph.OutputsLength())]),
    ):
        _check_indices(f"an {kind} of the graph", ends, count)
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        if operator.OpcodeIndex() >= len(operations):
            raise ValueError(f"operation {index} is of a kind that is not listed")
        name = operations[operator.OpcodeIndex()]
        inputs = [operator.Inputs(each) for each in range(operator.InputsLength())]
        optional = _OPTIONAL.get(name)
        required = [each for i, each in enumerate(inputs) if each != -1 or i != optional]
        outputs = [operator.Outputs(each) for each in range(operator.OutputsLength())]
        _check_indices(f"an input or output of {name}", required + outputs, count)


def _check_indices(what: str, indices: list[int], count: int) -> None:
    for index in indices:
        if not 0 <= index < count:
            raise ValueError(f"{what} is tensor {index}, and there are {count}")
