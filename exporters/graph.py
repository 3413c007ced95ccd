"""What is inside a .tflite file: its operations and the shapes of all its tensors."""

from collections import Counter
from dataclasses import dataclass

from ai_edge_litert import schema_py_generated as schema

_BUILTIN_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
# Operations that keep a value from one call to the next.
STATEFUL = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"})


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
            code = model.OperatorCodes(graph.Operators(position).OpcodeIndex())
            # Codes above 127 stand in the newer field, older files fill the other one.
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            name, built_in = operation_name(number, code.CustomCode())
            (operations if built_in else custom)[name] += 1
        dynamic += _dynamic_tensors(graph)
    return Graph(operations, custom, tuple(dynamic))


def operation_name(number: int, custom: bytes | None) -> tuple[str, bool]:
    """Name of an operation by its code, and whether it is built in."""
    if number == schema.BuiltinOperator.CUSTOM:
        return (custom or b"unnamed").decode(errors="replace"), False
    return _BUILTIN_NAMES.get(number, f"unknown operation {number}"), True


def _dynamic_tensors(graph: schema.SubGraph) -> list[str]:
    names = []
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        signature = [tensor.ShapeSignature(i) for i in range(tensor.ShapeSignatureLength())]
        sides = [tensor.Shape(i) for i in range(tensor.ShapeLength())]
        if any(side < 0 for side in signature + sides):
            names.append(tensor.Name().decode(errors="replace"))
    return names
