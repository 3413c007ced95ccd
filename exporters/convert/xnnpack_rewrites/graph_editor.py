"""One graph of a .tflite file while its operations are replaced."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_FLOATS = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
_INTEGERS = {schema.TensorType.INT32: np.int32, schema.TensorType.INT64: np.int64}
_CODES = schema.BuiltinOperator
_REMOVED = (_CODES.DEQUANTIZE, _CODES.RESHAPE)  # if a rewrite leaves nobody who reads them
MAX_CONCATENATED = 5  # tensors of a CONCATENATION of XNNPACK
_OPTIONS = {
    kind: code for kind, code in vars(schema.BuiltinOptions).items() if not kind.startswith("_")
}


class GraphEditor:
    """Reads a graph and replaces its operations.

    Tensors are passed by their index within the graph.

    Args:
        model: The file; constants and operator codes are added to it.
        graph: One of its graphs; tensors and operations are added to it.
    """

    def __init__(self, model: schema.ModelT, graph: schema.SubGraphT):
        self._model = model
        self._graph = graph
        self._written: list[schema.OperatorT] = []
        self._ahead: list[schema.OperatorT] = []
        self._dropped: list[schema.OperatorT] = []
        self._producer = {
            int(op.outputs[0]): op for op in graph.operators if len(_or_empty(op.outputs)) == 1
        }

    def rewrite(
        self, rewrites: Mapping[int, Callable[["GraphEditor", schema.OperatorT], bool]]
    ) -> bool:
        """Calls the rewrite of every operation's code, in the order of the graph.

        Args:
            rewrites: Functions by operator code. Each writes the replacement of an operation and
                returns True, or does nothing and returns False.

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
            self._remove_unused()
        return changed

    def code(self, operator: schema.OperatorT) -> int:
        """The built-in operation of an operator."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The shape of a tensor."""
        shape = self._graph.tensors[tensor].shape
        return () if shape is None else tuple(int(side) for side in shape)

    def name(self, tensor: int) -> str:
        """The name of a tensor, as the converter wrote it."""
        return (self._graph.tensors[tensor].name or b"").decode(errors="replace")

    def is_float(self, tensor: int) -> bool:
        """Whether a tensor is float32."""
        return self._graph.tensors[tensor].type == schema.TensorType.FLOAT32

    def only_consumer(self, tensor: int) -> schema.OperatorT | None:
        """The single operation that reads a tensor; None if there are others or it is an output."""
        consumers = [op for op in self._graph.operators if tensor in _or_empty(op.inputs)]
        if len(consumers) != 1 or tensor in self._graph.outputs:
            return None
        return consumers[0]

    def constant_values(self, tensor: int) -> np.ndarray | None:
        """The values of a constant, also if it is stored as float16; None for other tensors."""
        stored = self._graph.tensors[self._stored(tensor)]
        data = self._model.buffers[stored.buffer].data
        dtype = (_FLOATS | _INTEGERS).get(stored.type)
        if data is None or len(data) == 0 or dtype is None:
            return None
        shape = () if stored.shape is None else tuple(stored.shape)
        return np.asarray(data, np.uint8).view(dtype).reshape(shape)

    def constant_like(self, values: np.ndarray, name: str, like: int) -> int:
        """Adds a constant that is stored, and dequantized, like another one.

        Args:
            values: Its values.
            name: Its name.
            like: The constant with the type to use.
        """
        source = self._stored(like)
        dtype = _FLOATS[self._graph.tensors[source].type]
        stored = self._constant(np.asarray(values, dtype), self._graph.tensors[source].type, name)
        if source == like:
            return stored
        restored = self.new_tensor(values.shape, f"{name}_restored")
        operator = self._operator(
            _CODES.DEQUANTIZE, [stored], restored, schema.DequantizeOptionsT()
        )
        self._ahead.append(operator)  # in the middle it would split XNNPACK's partition
        return restored

    def constant(self, values: np.ndarray, name: str) -> int:
        """Adds a constant of float32 or int32."""
        is_integer = np.issubdtype(values.dtype, np.integer)
        kind = schema.TensorType.INT32 if is_integer else schema.TensorType.FLOAT32
        return self._constant(values.astype(np.int32 if is_integer else np.float32), kind, name)

    def new_tensor(self, shape: Sequence[int], name: str) -> int:
        """Adds a float32 tensor for the output of an operation."""
        return self._add_tensor(schema.TensorType.FLOAT32, shape, 0, name)

    def write(self, code: int, inputs: Sequence[int], output: int, options: Any) -> None:
        """Adds an operation with one output."""
        operator = self._operator(code, inputs, output, options)
        self._written.append(operator)
        self._producer[output] = operator

    def producer(self, tensor: int) -> schema.OperatorT | None:
        """The operation that computes a tensor as its single output; None if there is none."""
        return self._producer.get(tensor)

    def concatenate(self, tensors: Sequence[int], axis: int, output: int) -> None:
        """Writes a concatenation, in steps of the 5 tensors that XNNPACK takes at most.

        Equal tensors one after another are concatenated once and then reused.
        """
        name, parts, group = self.name(output), list(tensors), 0
        while len(parts) > MAX_CONCATENATED:
            width = min(MAX_CONCATENATED, -(-len(parts) // MAX_CONCATENATED))
            made: dict[tuple[int, ...], int] = {}
            groups = [tuple(parts[i : i + width]) for i in range(0, len(parts), width)]
            for each in groups:
                if each not in made and len(each) > 1:
                    shape = list(self.shape(each[0]))
                    shape[axis] = sum(self.shape(tensor)[axis] for tensor in each)
                    made[each] = self.new_tensor(shape, f"{name}_group_{group}")
                    self._concatenation(each, axis, made[each])
                    group += 1
            parts = [made.get(each, each[0]) for each in groups]
        self._concatenation(parts, axis, output)

    def _concatenation(self, tensors: Sequence[int], axis: int, output: int) -> None:
        options = schema.ConcatenationOptionsT(axis=axis)
        self.write(_CODES.CONCATENATION, tensors, output, options)

    def reshape(self, tensor: int, shape: Sequence[int], name: str) -> int:
        """Writes a RESHAPE to a new tensor, which is returned."""
        reshaped = self.new_tensor(shape, f"{name}_reshaped")
        self.write_reshape(tensor, reshaped)
        return reshaped

    def write_reshape(self, tensor: int, output: int) -> None:
        """Writes a RESHAPE to the shape of a tensor."""
        shape = np.array(self.shape(output), np.int32)
        sides = self.constant(shape, f"{self.name(output)}_shape")
        self.write(_CODES.RESHAPE, [tensor, sides], output, schema.ReshapeOptionsT(shape))

    def drop(self, operator: schema.OperatorT) -> None:
        """Removes an operation that comes later in the graph."""
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
        """The stored constant of a tensor: the input of its DEQUANTIZE, or the tensor itself."""
        producer = self._producer.get(tensor)
        if producer is None or self.code(producer) != _CODES.DEQUANTIZE:
            return tensor
        return int(producer.inputs[0])

    def _constant(self, values: np.ndarray, kind: int, name: str) -> int:
        data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        return self._add_tensor(kind, values.shape, self._buffer(data), name)

    def _buffer(self, data: np.ndarray) -> int:
        """Index of the buffer with these bytes; equal constants of all graphs share one."""
        for index, buffer in enumerate(self._model.buffers):
            if buffer.data is not None and np.array_equal(buffer.data, data):
                return index
        self._model.buffers.append(schema.BufferT(data))
        return len(self._model.buffers) - 1

    def _add_tensor(self, kind: int, shape: Sequence[int], buffer: int, name: str) -> int:
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

    def _remove_unused(self) -> None:
        """Removes unused tensors, and operations of `_REMOVED` with unused outputs."""
        graph = self._graph
        read, kept_operators = {int(each) for each in graph.outputs}, []
        for op in reversed(
            graph.operators
        ):  # an operation comes after those whose outputs it reads
            if self.code(op) not in _REMOVED or int(op.outputs[0]) in read:
                kept_operators.append(op)
                read |= {int(each) for each in _or_empty(op.inputs)}
        graph.operators = kept_operators[::-1]
        used = [*_or_empty(graph.inputs), *graph.outputs]
        for op in graph.operators:
            used += _tensors_of(op)
        kept = sorted({int(each) for each in used} - {-1})
        new_index = {old: new for new, old in enumerate(kept)} | {-1: -1}
        _renumber(self._model, graph, new_index)
        graph.tensors = [graph.tensors[old] for old in kept]


def _or_empty(tensors: Sequence[int] | None) -> Sequence[int]:
    return [] if tensors is None else tensors


def _tensors_of(operator: schema.OperatorT) -> list[int]:
    lists = (operator.inputs, operator.outputs, operator.intermediates)
    return [int(each) for tensors in lists for each in _or_empty(tensors)]


def _renumber(model: schema.ModelT, graph: schema.SubGraphT, new_index: Mapping[int, int]) -> None:
    def renumbered(tensors):
        return np.array([new_index[int(each)] for each in _or_empty(tensors)], np.int32)

    graph.inputs, graph.outputs = renumbered(graph.inputs), renumbered(graph.outputs)
    for operator in graph.operators:
        operator.inputs = renumbered(operator.inputs)
        operator.outputs = renumbered(operator.outputs)
        operator.intermediates = renumbered(operator.intermediates)
    graph_index = next(index for index, each in enumerate(model.subgraphs) if each is graph)
    for signature in model.signatureDefs or []:
        if signature.subgraphIndex == graph_index:
            for each in [*_or_empty(signature.inputs), *signature.outputs]:
                each.tensorIndex = new_index[int(each.tensorIndex)]
