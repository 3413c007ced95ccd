"""Refuses a foreign .tflite file that would crash or exhaust the process that loads it.

The runtime verifies that a file's parts lie within it, but not that they hang together: an
operation whose input is missing ends the process, and a tensor may claim any size.
"""

import math
import struct

from ai_edge_litert import schema_py_generated as schema

from exporters.bundle.field_types import MAX_ELEMENTS
from exporters.errors import BundleError
from exporters.tflite_graph.summary import operation_name

# Kernels that do without an input: its place, which is that of the bias.
_OPTIONAL = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}
# All tensors of one signature; the runtime lets those share memory that are not needed together.
_MOST_IN_ALL = 8 * MAX_ELEMENTS


def check(content: bytes, name: str) -> None:
    """Reads a file's structure without running it; `name` is what errors call it.

    Raises:
        BundleError: If it is no model, refers to what is not there, needs operations that are
            not built in, or claims tensors beyond `MAX_ELEMENTS`.
    """
    try:
        if not schema.Model.ModelBufferHasIdentifier(content, 0):
            raise ValueError("it does not begin as one")
        model = schema.Model.GetRootAs(content, 0)
        codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
        operations = [_operation(code) for code in codes]
        for index in range(model.SubgraphsLength()):
            _check_graph(model.Subgraphs(index), operations)
    except (struct.error, ValueError, TypeError, IndexError, AttributeError) as error:
        raise BundleError(f"{name} is no TensorFlow Lite model: {error}") from error


def _operation(code: schema.OperatorCode) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name, built_in = operation_name(number, code.CustomCode())
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
        if min(shape, default=0) < 0 or size > MAX_ELEMENTS or total > _MOST_IN_ALL:
            raise ValueError(
                f"tensor {index} of shape {shape} takes more than {MAX_ELEMENTS} elements, or all "
                f"together take more than {_MOST_IN_ALL}"
            )
    for kind, ends in (
        ("input", [graph.Inputs(each) for each in range(graph.InputsLength())]),
        ("output", [graph.Outputs(each) for each in range(graph.OutputsLength())]),
    ):
        _check_places(f"an {kind} of the graph", ends, count)
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        if operator.OpcodeIndex() >= len(operations):
            raise ValueError(f"operation {index} is of a kind that is not listed")
        name = operations[operator.OpcodeIndex()]
        inputs = [operator.Inputs(each) for each in range(operator.InputsLength())]
        optional = _OPTIONAL.get(name)
        needed = [each for at, each in enumerate(inputs) if each != -1 or at != optional]
        outputs = [operator.Outputs(each) for each in range(operator.OutputsLength())]
        _check_places(f"an input or output of {name}", needed + outputs, count)


def _check_places(who: str, places: list[int], count: int) -> None:
    for place in places:
        if not 0 <= place < count:
            raise ValueError(f"{who} is tensor {place}, and there are {count}")
