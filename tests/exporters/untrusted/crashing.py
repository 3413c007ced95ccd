"""TensorFlow Lite models, built by hand, that crash, hang or fill the memory if they are run.

Each has the signatures `a_to_b` and `a_to_b_uint8` of the two-line fake.
"""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SHAPE = (1, 8, 12, 3)
_FLOAT, _UINT8, _INT32, _BOOL = (
    schema.TensorType.FLOAT32,
    schema.TensorType.UINT8,
    schema.TensorType.INT32,
    schema.TensorType.BOOL,
)
_OPS = schema.BuiltinOperator


class _File:
    """A .tflite file under construction."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.model.subgraphs, self.model.signatureDefs = [], []

    def graph(self):
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        self.model.subgraphs.append(graph)
        return graph

    def tensor(self, graph, shape, dtype=_FLOAT, values=None):
        """Adds a tensor; returns its index."""
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), dtype, 0
        tensor.name = f"t{len(graph.tensors)}".encode()
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.asarray(values).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    def operation(self, graph, code, inputs, outputs, options=None):
        if code not in [each.builtinCode for each in self.model.operatorCodes]:
            entry = schema.OperatorCodeT()
            entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
            self.model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        codes = [each.builtinCode for each in self.model.operatorCodes]
        operator.opcodeIndex = codes.index(code)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            operator.builtinOptions = options
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        graph.operators.append(operator)

    def sign(self, name, index, graph=None):
        graph = graph or self.model.subgraphs[index]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = name.encode(), index
        signature.inputs, signature.outputs = (
            [_map(each) for each in ends] for ends in (graph.inputs, graph.outputs)
        )
        self.model.signatureDefs.append(signature)

    def content(self):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _map(index):
    tensor = schema.TensorMapT()
    tensor.name, tensor.tensorIndex = b"image", index
    return tensor


def _negative(file, dtype=_FLOAT):
    """A graph that is harmless: NEG, or for pixels a copy."""
    graph = file.graph()
    graph.inputs = [file.tensor(graph, SHAPE, dtype)]
    graph.outputs = [file.tensor(graph, SHAPE, dtype)]
    shape = file.tensor(graph, (4,), _INT32, np.int32(SHAPE))
    if dtype == _FLOAT:
        file.operation(graph, _OPS.NEG, graph.inputs, graph.outputs)
    else:
        file.operation(
            graph, _OPS.RESHAPE, [*graph.inputs, shape], graph.outputs, schema.ReshapeOptionsT()
        )
    return graph


def missing_subgraph():
    """The signature runs graph 7 of 2."""
    file = _File()
    _negative(file)
    _negative(file, _UINT8)
    file.sign("a_to_b", 7, file.model.subgraphs[0])
    file.sign("a_to_b_uint8", 1)
    return file.content()


def _with_float_graph(build):
    """A file whose `a_to_b` runs a graph that `build` completes."""
    file = _File()
    graph = file.graph()
    graph.inputs = [file.tensor(graph, SHAPE)]
    graph.outputs = [file.tensor(graph, SHAPE)]
    _negative(file, _UINT8)
    build(file, graph)
    file.sign("a_to_b", 0)
    file.sign("a_to_b_uint8", 1)
    return file.content()


def calls_itself():
    """IF whose branches are its own graph."""

    def build(file, graph):
        condition = file.tensor(graph, (), _BOOL, np.array(True))
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = 0
        file.operation(graph, _OPS.IF, [condition, *graph.inputs], graph.outputs, options)

    return _with_float_graph(build)


def divides_lowest_by_minus_one():
    """The remainder of INT_MIN and -1: SIGFPE on x86."""

    def build(file, graph):
        lowest, minus_one = (
            file.tensor(graph, SHAPE, _INT32, np.full(SHAPE, value, np.int32))
            for value in (-(2**31), -1)
        )
        whole, rest = file.tensor(graph, SHAPE, _INT32), file.tensor(graph, SHAPE)
        options = schema.FloorModOptionsT()
        file.operation(graph, _OPS.FLOOR_MOD, [lowest, minus_one], [whole], options)
        file.operation(graph, _OPS.CAST, [whole], [rest], schema.CastOptionsT())
        file.operation(graph, _OPS.ADD, [rest, *graph.inputs], graph.outputs, schema.AddOptionsT())

    return _with_float_graph(build)


def splits_into_none():
    """SPLIT into 0 parts with an output: SIGSEGV."""

    def build(file, graph):
        axis = file.tensor(graph, (), _INT32, np.int32(3))
        options = schema.SplitOptionsT()
        options.numSplits = 0
        part = file.tensor(graph, SHAPE)
        file.operation(graph, _OPS.SPLIT, [axis, *graph.inputs], [part], options)
        file.operation(graph, _OPS.NEG, graph.inputs, graph.outputs)

    return _with_float_graph(build)


def loops_forever():
    """WHILE true."""

    def build(file, graph):
        condition, body = file.graph(), file.graph()
        condition.inputs = [file.tensor(condition, SHAPE)]
        condition.outputs = [file.tensor(condition, (), _BOOL, np.array(True))]
        body.inputs, body.outputs = [file.tensor(body, SHAPE)], [file.tensor(body, SHAPE)]
        file.operation(body, _OPS.NEG, body.inputs, body.outputs)
        options = schema.WhileOptionsT()
        options.condSubgraphIndex, options.bodySubgraphIndex = 2, 3
        file.operation(graph, _OPS.WHILE, graph.inputs, graph.outputs, options)

    return _with_float_graph(build)


def fills_memory():
    """FILL 40000 x 40000: 6.4 GB."""

    def build(file, graph):
        sides = file.tensor(graph, (2,), _INT32, np.int32([40000, 40000]))
        one = file.tensor(graph, (), _FLOAT, np.float32(1))
        full, axes = file.tensor(graph, (1, 1)), file.tensor(graph, (2,), _INT32, np.int32([0, 1]))
        mean = file.tensor(graph, (1,))
        file.operation(graph, _OPS.FILL, [sides, one], [full], schema.FillOptionsT())
        file.operation(graph, _OPS.MEAN, [full, axes], [mean], schema.ReducerOptionsT())
        file.operation(graph, _OPS.ADD, [*graph.inputs, mean], graph.outputs, schema.AddOptionsT())

    return _with_float_graph(build)


# Contents by name, and what the refusal says.
CRASHING = {
    "signature of a missing graph": (missing_subgraph, "'a_to_b' runs graph 7, and there are 2"),
    "a graph that calls itself": (calls_itself, "needs IF, which export does not write"),
    "lowest whole number by -1": (
        divides_lowest_by_minus_one,
        "FLOOR_MOD divides whole numbers|needs FLOOR_MOD",
    ),
    "split into no parts": (splits_into_none, "SPLIT into 0 parts has 1 outputs"),
    "a loop without end": (loops_forever, "needs WHILE, which export does not write"),
    "a vast fill": (fills_memory, "FILL computes 1600000000 elements|needs FILL"),
}


def harmless():
    """The two-line fake's float signature, and a copy of pixels."""
    return _with_float_graph(
        lambda file, graph: file.operation(graph, _OPS.NEG, graph.inputs, graph.outputs)
    )


def slices(start, size):
    """SLICE of a part: a start before the input reads other memory."""

    def build(file, graph):
        constants = [file.tensor(graph, (4,), _INT32, np.int32(part)) for part in (start, size)]
        inputs = [*graph.inputs, *constants]
        file.operation(graph, _OPS.SLICE, inputs, graph.outputs, schema.SliceOptionsT())

    return _with_float_graph(build)


def steps(*strides):
    """STRIDED_SLICE of the whole input."""

    def build(file, graph):
        parts = ((0, 0, 0, 0), SHAPE, strides)
        constants = [file.tensor(graph, (4,), _INT32, np.int32(part)) for part in parts]
        inputs = [*graph.inputs, *constants]
        options = schema.StridedSliceOptionsT()
        file.operation(graph, _OPS.STRIDED_SLICE, inputs, graph.outputs, options)

    return _with_float_graph(build)


def convolves_in_3d(stride, dilation=1):
    """CONV_3D of a constant: the kernel divides by its strides."""

    def build(file, graph):
        sides = {"image": (1, 4, 4, 4, 1), "kernel": (2, 2, 2, 1, 1)}
        inputs = [
            file.tensor(graph, each, values=np.ones(each, np.float32)) for each in sides.values()
        ]
        options = schema.Conv3DOptionsT(strideD=stride, strideH=1, strideW=1)
        options.dilationDFactor = dilation
        file.operation(graph, _OPS.CONV_3D, inputs, [file.tensor(graph, (1, 4, 4, 4, 1))], options)
        file.operation(graph, _OPS.NEG, graph.inputs, graph.outputs)

    return _with_float_graph(build)


def one_hot(depth):
    """ONE_HOT of a single index, declared as the output's shape."""

    def build(file, graph):
        hot = file.tensor(graph, (1, 4))
        inputs = [
            file.tensor(graph, (1,), _INT32, np.int32([0])),
            file.tensor(graph, (), _INT32, np.int32(depth)),
            file.tensor(graph, (), _FLOAT, np.float32(1.0)),
            file.tensor(graph, (), _FLOAT, np.float32(0.0)),
        ]
        file.operation(graph, _OPS.ONE_HOT, inputs, [hot], schema.OneHotOptionsT())
        file.operation(graph, _OPS.NEG, graph.inputs, graph.outputs)

    return _with_float_graph(build)


def doubles(count):
    """Declares small tensors, but each operation doubles what the one before computes.

    It passes the checks before loading, and then takes memory without end.
    """

    def build(file, graph):
        options = schema.ConcatenationOptionsT()
        last = graph.inputs[0]
        for _ in range(count):
            doubled = file.tensor(graph, SHAPE)
            file.operation(graph, _OPS.CONCATENATION, [last, last], [doubled], options)
            last = doubled
        file.operation(graph, _OPS.NEG, [last], graph.outputs)

    return _with_float_graph(build)
