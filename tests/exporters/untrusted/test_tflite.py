"""Which .tflite files are refused before they are loaded."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from exporters import ModelError
from exporters.untrusted import tflite
from tests.exporters.untrusted.crashing import (
    CRASHING,
    SHAPE,
    convolves_in_3d,
    harmless,
    one_hot,
    slices,
    steps,
)


@pytest.mark.parametrize("case", CRASHING)
def test_models_that_crash_hang_or_fill_the_memory_are_refused(case):
    make, sentence = CRASHING[case]
    with pytest.raises(ModelError, match=sentence):
        tflite.check(make(), "float32.tflite")


def test_files_that_export_writes_are_accepted(exported, many):
    for bundle in (exported, many):
        for file in bundle.glob("*.tflite"):
            tflite.check(file.read_bytes(), file.name)


def test_a_harmless_model_built_by_hand_is_accepted():
    tflite.check(harmless(), "float32.tflite")


@pytest.mark.parametrize(
    "content",
    [
        slices((0, 0, 0, 0), SHAPE),
        slices((0, 0, 0, 0), (-1, 8, 12, -1)),
        steps(1, 1, 1, 1),
        one_hot(4),
        convolves_in_3d(1),
    ],
)
def test_parts_within_their_input_are_accepted(content):
    tflite.check(content, "float32.tflite")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (slices((0, -5, 0, 0), SHAPE), "SLICE takes 8 elements from -5 on, of 8"),
        (slices((0, 1, 0, 0), SHAPE), "SLICE takes 8 elements from 1 on, of 8"),
        (slices((0, 0, 0, 0), (1, 8, 12, -2)), "SLICE takes -2 elements from 0 on, of 3"),
        (steps(1, 0, 1, 1), "strides that are 0"),
        (convolves_in_3d(0), "CONV_3D has StrideD = 0, and it must be at least 1"),
        (convolves_in_3d(1, 0), "CONV_3D has DilationDFactor = 0, and it must be at least 1"),
        (one_hot(10**9), "ONE_HOT computes 1000000000 elements for an output of"),
    ],
)
def test_parts_outside_their_input_and_vast_ones_are_refused(content, message):
    with pytest.raises(ModelError, match=message):
        tflite.check(content, "float32.tflite")


def _refused(content, change, message):
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ModelError, match=message):
        tflite.check(bytes(builder.Output()), "float32.tflite")


def _operators(model, name):
    code = getattr(schema.BuiltinOperator, name)
    codes = [each.builtinCode for each in model.operatorCodes]
    return [
        operator
        for graph in model.subgraphs
        for operator in graph.operators
        if codes[operator.opcodeIndex] == code
    ]


def _no_stride(model):
    _operators(model, "CONV_2D")[0].builtinOptions.strideW = 0


def _no_options(model):
    operator = _operators(model, "CONV_2D")[0]
    operator.builtinOptions, operator.builtinOptionsType = None, 0


def _other_options(model):
    operator = _operators(model, "CONV_2D")[0]
    operator.builtinOptions = schema.Pool2DOptionsT()
    operator.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions


def _computed_shape(model):
    graph = model.subgraphs[0]
    operator = next(each for each in _operators(model, "TRANSPOSE_CONV") if each in graph.operators)
    operator.inputs = np.array([graph.inputs[0], *operator.inputs[1:]], np.int32)


def _vast_shape(model):
    graph = model.subgraphs[0]
    operator = next(each for each in _operators(model, "TRANSPOSE_CONV") if each in graph.operators)
    buffer = model.buffers[graph.tensors[operator.inputs[0]].buffer]
    buffer.data = np.int32([1, 40000, 40000, 32]).view(np.uint8)


def _backwards(model):
    model.subgraphs[0].operators.reverse()


def _twice(model):
    model.subgraphs[0].operators.append(model.subgraphs[0].operators[0])


def _onto_a_constant(model):
    graph = model.subgraphs[0]
    constants = [model.buffers[each.buffer].data is not None for each in graph.tensors]
    graph.operators[-1].outputs = np.array([constants.index(True)], np.int32)


def _variable(model):
    model.subgraphs[0].tensors[0].isVariable = True


def _sparse(model):
    model.subgraphs[0].tensors[0].sparsity = schema.SparsityParametersT()


def _missing_tensor(model):
    model.signatureDefs[0].outputs[0].tensorIndex = 10**6


def _not_an_output(model):
    model.signatureDefs[0].outputs[0].tensorIndex = int(model.subgraphs[0].inputs[0])


def _no_graph(model):
    model.subgraphs, model.signatureDefs = [], []


def _unknown_code(model):
    model.operatorCodes[0].builtinCode = 9999


REFUSED = {
    "stride of 0": (_no_stride, "CONV_2D has StrideW = 0, and it must be at least 1"),
    "no options": (_no_options, "CONV_2D has no Conv2DOptions"),
    "options of another operation": (_other_options, "CONV_2D has no Conv2DOptions"),
    "a shape that is computed": (_computed_shape, "takes a shape that is not a constant"),
    "a vast shape": (_vast_shape, "TRANSPOSE_CONV computes 51200000000 elements for an output"),
    "operations before their inputs": (_backwards, "before it is computed"),
    "a tensor computed twice": (_twice, "must compute new tensors, each once"),
    "a constant that is overwritten": (_onto_a_constant, "must compute new tensors, each once"),
    "a variable tensor": (_variable, "is variable or sparse"),
    "a sparse tensor": (_sparse, "is variable or sparse"),
    "a signature of a missing tensor": (_missing_tensor, "names tensor 1000000, which is no"),
    "a signature of another tensor": (_not_an_output, "which is no output of graph 0"),
    "no graph": (_no_graph, "it has 0 graphs"),
    "an operation of a later version": (_unknown_code, "needs unknown operation 9999, which"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_inconsistent_models_are_refused(exported, case):
    _refused((exported / "float32.tflite").read_bytes(), *REFUSED[case])


def test_one_table_that_is_listed_a_million_times_is_refused_at_once():
    """Its offsets may all lead to one graph: a small file would take hours to check."""
    builder = flatbuffers.Builder(1024)
    schema.TensorStart(builder)
    tensor = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, 5_000)
    for _ in range(5_000):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 5_000)
    for _ in range(5_000):
        builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    with pytest.raises(ModelError, match="has 5000 graphs of 25000000 parts"):
        tflite.check(bytes(builder.Output()), "float32.tflite")
