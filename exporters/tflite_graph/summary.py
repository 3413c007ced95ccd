"""What is inside a .tflite file: its operations, the shapes of its tensors, its last layers."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

_BUILTIN_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
# Operations that keep a value from one call to the next.
STATEFUL = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"})
_LAYERS = frozenset({"CONV_2D", "TRANSPOSE_CONV", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


@dataclass(frozen=True)
class Graph:
    """The operations of a model over all its signatures.

    Attributes:
        operations: How often each built-in operation occurs.
        custom: How often each operation occurs that is not built in (`Flex...` among them).
        dynamic: Names of tensors with a side that is not known before running.
    """

    operations: Counter[str]
    custom: Counter[str]
    dynamic: tuple[str, ...]


def read_graph(content: bytes) -> Graph:
    """Reads the operations and shapes out of a .tflite file's content."""
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


def operation_name(number: int, custom: bytes | None) -> tuple[str, bool]:
    """Name of an operation by its code, and whether it is built in."""
    if number == schema.BuiltinOperator.CUSTOM:
        return (custom or b"unnamed").decode(errors="replace"), False
    return _BUILTIN_NAMES.get(number, f"unknown operation {number}"), True


def _operation(model: schema.Model, operator: schema.Operator) -> tuple[str, bool]:
    """Name of an operator's operation, and whether it is built in."""
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Codes above 127 stand in the newer field, older files fill the other one.
    return operation_name(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), code.CustomCode())


def last_layers(content: bytes, outputs: Mapping[str, Collection[str]]) -> list[str]:
    """Names of what the last layer ahead of some outputs gives, over all signatures.

    Args:
        content: A .tflite file's.
        outputs: For each signature the outputs to begin at.
    """
    model = schema.Model.GetRootAs(content, 0)
    found: dict[str, None] = {}
    for index in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(index)
        wanted = outputs.get(signature.SignatureKey().decode(), ())
        given = [signature.Outputs(each) for each in range(signature.OutputsLength())]
        ends = [each.TensorIndex() for each in given if each.Name().decode() in wanted]
        graph = model.Subgraphs(signature.SubgraphIndex())
        found |= dict.fromkeys(_layers_ahead(model, graph, ends))
    return list(found)


def _layers_ahead(
    model: schema.Model, graph: schema.SubGraph, ends: Collection[int]
) -> Iterator[str]:
    operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
    maker = {op.Outputs(index): op for op in operators for index in range(op.OutputsLength())}
    left, seen = list(ends), set()
    while left:
        tensor = left.pop()
        if tensor in seen or tensor not in maker:
            continue
        seen.add(tensor)
        operator = maker[tensor]
        if _operation(model, operator)[0] in _LAYERS:
            yield graph.Tensors(tensor).Name().decode()
        else:
            left += [operator.Inputs(index) for index in range(operator.InputsLength())]


def _dynamic_tensors(graph: schema.SubGraph) -> list[str]:
    names = []
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        signature = [tensor.ShapeSignature(i) for i in range(tensor.ShapeSignatureLength())]
        sides = [tensor.Shape(i) for i in range(tensor.ShapeLength())]
        if any(side < 0 for side in signature + sides):
            names.append(tensor.Name().decode(errors="replace"))
    return names
