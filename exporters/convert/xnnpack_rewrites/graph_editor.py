"""One graph of a .tflite file while its operations are replaced."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_FLOATS = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
_WHOLE = {schema.TensorType.INT32: np.int32, schema.TensorType.INT64: np.int64}
_CODES = schema.BuiltinOperator
_OPTIONS = {
    kind: number for kind, number in vars(schema.BuiltinOptions).items() if not kind.startswith("_")
}


class Editor:
    """Reads a graph, and writes operations in the place of others.

    A tensor is named by its number within the graph.

    Args:
        model: The file; gets constants and codes of operations.
        graph: One of its graphs; gets tensors and operations.
    """

    def __init__(self, model: schema.ModelT, graph: schema.SubGraphT):
        self._model = model
        self._graph = graph
        self._written: list[schema.OperatorT] = []
        self._ahead: list[schema.OperatorT] = []
        self._dropped: list[schema.OperatorT] = []
        self._maker = {
            int(op.outputs[0]): op for op in graph.operators if len(_listed(op.outputs)) == 1
        }

    def rewrite(self, rewrites: Mapping[int, Callable[["Editor", schema.OperatorT], bool]]) -> bool:
        """Offers every operation to the rewrite of its code.

        Args:
            rewrites: Each writes what stands for an operation and says so, or does nothing.

        Returns:
            Whether anything was rewritten.
        """
        changed = False
        for operator in self._graph.operators:
            if any(operator is each for each in self._dropped):
                continue
            rewrite = rewrites.get(self.code(operator))
            if rewrite is not None and rewrite(self, operator):
                changed = True
            else:
                self._written.append(operator)
        if changed:
            self._graph.operators = self._ahead + self._written
            self._forget_unread()
        return changed

    def code(self, operator: schema.OperatorT) -> int:
        """Which built-in operation one is."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Every side of a tensor."""
        sides = self._graph.tensors[tensor].shape
        return () if sides is None else tuple(int(side) for side in sides)

    def name(self, tensor: int) -> str:
        """As the converter left it."""
        return (self._graph.tensors[tensor].name or b"").decode(errors="replace")

    def is_float(self, tensor: int) -> bool:
        """Whether a tensor holds float32 as it is computed with."""
        return self._graph.tensors[tensor].type == schema.TensorType.FLOAT32

    def only_reader(self, tensor: int) -> schema.OperatorT | None:
        """The operation that takes a tensor if there is one alone and the tensor does not leave."""
        readers = [op for op in self._graph.operators if tensor in _listed(op.inputs)]
        if len(readers) != 1 or tensor in self._graph.outputs:
            return None
        return readers[0]

    def numbers(self, tensor: int) -> np.ndarray | None:
        """A constant's, also where it is stored as float16 and restored; None of any other."""
        stored = self._graph.tensors[self._stored(tensor)]
        data = self._model.buffers[stored.buffer].data
        dtype = (_FLOATS | _WHOLE).get(stored.type)
        if data is None or len(data) == 0 or dtype is None:
            return None
        shape = () if stored.shape is None else tuple(stored.shape)
        return np.asarray(data, np.uint8).view(dtype).reshape(shape)

    def weights(self, values: np.ndarray, name: str, like: int) -> int:
        """A new constant that is stored, and restored, like another one.

        Args:
            values: Its numbers.
            name: Its name.
            like: The constant it takes the type from.
        """
        source = self._stored(like)
        dtype = _FLOATS[self._graph.tensors[source].type]
        stored = self._constant(np.asarray(values, dtype), self._graph.tensors[source].type, name)
        if source == like:
            return stored
        restored = self.result(values.shape, f"{name}_restored")
        operator = self._operator(
            _CODES.DEQUANTIZE, [stored], restored, schema.DequantizeOptionsT()
        )
        self._ahead.append(operator)  # between others, one would split what XNNPACK runs
        return restored

    def constant(self, values: np.ndarray, name: str) -> int:
        """A new constant of float32 or int32."""
        whole = np.issubdtype(values.dtype, np.integer)
        kind = schema.TensorType.INT32 if whole else schema.TensorType.FLOAT32
        return self._constant(values.astype(np.int32 if whole else np.float32), kind, name)

    def result(self, shape: Sequence[int], name: str) -> int:
        """A new tensor of float32 for what an operation gives."""
        return self._add(schema.TensorType.FLOAT32, shape, 0, name)

    def write(self, code: int, inputs: Sequence[int], output: int, options: Any) -> None:
        """A new operation of one output."""
        self._written.append(self._operator(code, inputs, output, options))

    def drop(self, operator: schema.OperatorT) -> None:
        """Leaves out an operation that comes later."""
        self._dropped.append(operator)

    def _operator(
        self, code: int, inputs: Sequence[int], output: int, options: Any
    ) -> schema.OperatorT:
        kind = type(options).__name__.removesuffix("T")
        return schema.OperatorT(
            opcodeIndex=self._code_index(code),
            inputs=np.array(inputs, np.int32),
            outputs=np.array([output], np.int32),
            builtinOptionsType=_OPTIONS[kind],
            builtinOptions=options,
        )

    def _stored(self, tensor: int) -> int:
        maker = self._maker.get(tensor)
        if maker is None or self.code(maker) != _CODES.DEQUANTIZE:
            return tensor
        return int(maker.inputs[0])

    def _constant(self, values: np.ndarray, kind: int, name: str) -> int:
        data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        return self._add(kind, values.shape, self._buffer(data), name)

    def _buffer(self, data: np.ndarray) -> int:
        """Number of a constant's bytes; graphs that share a kernel share what becomes of it."""
        for number, buffer in enumerate(self._model.buffers):
            if buffer.data is not None and np.array_equal(buffer.data, data):
                return number
        self._model.buffers.append(schema.BufferT(data))
        return len(self._model.buffers) - 1

    def _add(self, kind: int, shape: Sequence[int], buffer: int, name: str) -> int:
        sides = np.array(shape, np.int32)
        self._graph.tensors.append(
            schema.TensorT(shape=sides, type=kind, buffer=buffer, name=name.encode(), hasRank=True)
        )
        return len(self._graph.tensors) - 1

    def _code_index(self, code: int) -> int:
        codes = self._model.operatorCodes
        for index, each in enumerate(codes):
            if max(each.builtinCode, each.deprecatedBuiltinCode) == code:
                return index
        codes.append(schema.OperatorCodeT(min(code, 127), None, 1, code))
        return len(codes) - 1

    def _forget_unread(self) -> None:
        """Leaves out tensors, and restored constants, that nothing takes any more."""
        graph = self._graph
        taken = {int(each) for op in graph.operators for each in _listed(op.inputs)} | set(
            graph.outputs
        )
        graph.operators = [
            op
            for op in graph.operators
            if self.code(op) != _CODES.DEQUANTIZE or int(op.outputs[0]) in taken
        ]
        touched = [*_listed(graph.inputs), *graph.outputs]
        for op in graph.operators:
            touched += _touched(op)
        kept = sorted({int(each) for each in touched} - {-1})
        number = {old: new for new, old in enumerate(kept)} | {-1: -1}
        _renumber(self._model, graph, number)
        graph.tensors = [graph.tensors[old] for old in kept]


def _listed(tensors: Sequence[int] | None) -> Sequence[int]:
    return [] if tensors is None else tensors


def _touched(operator: schema.OperatorT) -> list[int]:
    lists = (operator.inputs, operator.outputs, operator.intermediates)
    return [int(each) for tensors in lists for each in _listed(tensors)]


def _renumber(model: schema.ModelT, graph: schema.SubGraphT, number: Mapping[int, int]) -> None:
    def renumbered(tensors):
        return np.array([number[int(each)] for each in _listed(tensors)], np.int32)

    graph.inputs, graph.outputs = renumbered(graph.inputs), renumbered(graph.outputs)
    for operator in graph.operators:
        operator.inputs = renumbered(operator.inputs)
        operator.outputs = renumbered(operator.outputs)
        operator.intermediates = renumbered(operator.intermediates)
    own = next(at for at, each in enumerate(model.subgraphs) if each is graph)
    for signature in model.signatureDefs or []:
        if signature.subgraphIndex == own:
            for each in [*_listed(signature.inputs), *signature.outputs]:
                each.tensorIndex = number[int(each.tensorIndex)]
