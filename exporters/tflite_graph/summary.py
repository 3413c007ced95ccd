"""A summary of a .tflite file: its operations, dynamic shapes and last layers."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

_BUILTIN_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
# Operations that keep state between calls.
STATEFUL = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"})
_LAYERS = frozenset({"CONV_2D", "TRANSPOSE_CONV", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


@dataclass(frozen=True)
class Graph:
    """The operations of a model over all its signatures.

    Attributes:
        operations: Number of occurrences of each built-in operation.
        custom: Number of occurrences of each custom operation, including `Flex...`.
        dynamic: Names of tensors with a dimension that is not known before running.
    """

    operations: Counter[str]
    custom: Counter[str]
    dynamic: tuple[str, ...]


def read_graph(content: bytes) -> Graph:
    """Reads the operations and shapes from the content of a .tflite file."""
    model = schema.Model.GetRootAs(content, 0)
    operations: Counter[str] = Counter()
    custom: Counter[str] = Counter()
    dynamic: list[str] = []
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        for position in range(graph.OperatorsLength()):
            name, built_in = _operation(model, graph.Operators(position))
            (operations if built_in else custom)[name] += 1
        dynamic += _dynamic_tensors(graph)
    return Graph(operations, custom, tuple(dynamic))


def operation_name(code: int, custom: bytes | None) -> tuple[str, bool]:
    """Name of an operation by its code, and whether it is built in."""
    if code == schema.BuiltinOperator.CUSTOM:
        return (custom or b"unnamed").decode(errors="replace"), False
    return _BUILTIN_NAMES.get(code, f"unknown operation {code}"), True


def _operation(model: schema.Model, operator: schema.Operator) -> tuple[str, bool]:
    """Name of an operator's operation, and whether it is built in."""
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Codes above 127 are only in the newer field; older files have the other one.
    return operation_name(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), code.CustomCode())


def last_layers(content: bytes, outputs: Mapping[str, Collection[str]]) -> list[str]:
    """Names of the output tensors of the last layers before some outputs, over all signatures.

    Args:
        content: The content of a .tflite file.
        outputs: For each signature the outputs to start from.
    """
    model = schema.Model.GetRootAs(content, 0)
    names: dict[str, None] = {}
    for index in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(index)
        selected = outputs.get(signature.SignatureKey().decode(), ())
        tensors = [signature.Outputs(each) for each in range(signature.OutputsLength())]
        ends = [each.TensorIndex() for each in tensors if each.Name().decode() in selected]
        graph = model.Subgraphs(signature.SubgraphIndex())
        names |= dict.fromkeys(_layers_before(model, graph, ends))
    return list(names)


def _layers_before(
    model: schema.Model, graph: schema.SubGraph, ends: Collection[int]
) -> Iterator[str]:
    operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
    producer = {op.Outputs(index): op for op in operators for index in range(op.OutputsLength())}
    queue, visited = list(ends), set()
    while queue:
        tensor = queue.pop()
        if tensor in visited or tensor not in producer:
            continue
        visited.add(tensor)
        operator = producer[tensor]
        if _operation(model, operator)[0] in _LAYERS:
            yield graph.Tensors(tensor).Name().decode()
        else:
            queue += [operator.Inputs(index) for index in range(operator.InputsLength())]


def _dynamic_tensors(graph: schema.SubGraph) -> list[str]:
    names = []
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        signature = [tensor.ShapeSignature(i) for i in range(tensor.ShapeSignatureLength())]
        sides = [tensor.Shape(i) for i in range(tensor.ShapeLength())]
        if any(side < 0 for side in signature + sides):
            names.append(tensor.Name().decode(errors="replace"))
    return names
