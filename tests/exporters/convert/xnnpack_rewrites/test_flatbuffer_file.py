"""A .tflite file after some of its operations were rewritten."""

import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import exporters
from exporters.convert.xnnpack_rewrites import optimize_for_xnnpack
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.convert.xnnpack_rewrites.conftest import Converted
from tests.exporters.fakes import of_model
from tf_translate.networks.resnet import resnet_generator

SHAPE = (1, 40, 44, 32)


@pytest.fixture
def kernel(random):
    return random.normal(0, 0.1, (7, 7, 32, 3)).astype(np.float32)


@pytest.mark.thorough
def test_signatures_share_the_constants_of_a_rewritten_kernel(convert, kernel, random):
    def convolution(image):
        return tf.nn.conv2d(image, kernel, 1, "VALID")

    before = convert(convolution, SHAPE, also=lambda image: 2.0 * tf.nn.relu(convolution(image)))
    after = Converted(optimize_for_xnnpack(before.content))
    assert len(after.content) < len(before.content) + kernel.nbytes / 2
    image = random.normal(0, 1, SHAPE).astype(np.float32)
    first = after.run(image=image)
    second = after.run(image=image, signature="also")
    np.testing.assert_allclose(second, 2 * np.maximum(first, 0), atol=1e-5)
    assert after.operations("also").count("CONV_2D") == 2


@pytest.mark.thorough
def test_unused_tensors_and_constants_are_removed(convert, kernel):
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE, half=True)
    model = schema.ModelT.InitFromPackedBuf(optimize_for_xnnpack(before.content), 0)
    (graph,) = model.subgraphs
    touched = {int(each) for op in graph.operators for each in [*op.inputs, *op.outputs]}
    assert touched == set(range(len(graph.tensors)))
    read = {tensor.buffer for tensor in graph.tensors} | {each.buffer for each in model.metadata}
    assert read | {0} == set(range(len(model.buffers)))


@pytest.mark.thorough
def test_constants_are_aligned_to_16_bytes(convert, kernel):
    content = optimize_for_xnnpack(
        convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE).content
    )
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    constants = [each for each in buffers if not each.DataIsNone()]
    assert len(constants) >= 4
    offsets = [each._tab.Vector(each._tab.Offset(4)) % 16 for each in constants]
    assert offsets == [0] * len(constants)


@pytest.mark.thorough
def test_empty_constants_stay_constants(convert, kernel, random):
    def convolution(image):
        return tf.nn.conv2d(image, kernel, 1, "VALID")

    before = convert(
        convolution, SHAPE, also=lambda image: tf.reshape(tf.reduce_max(convolution(image)), [])
    )
    after = Converted(optimize_for_xnnpack(before.content))
    assert after.content != before.content
    model = schema.Model.GetRootAs(after.content, 0)
    empty = [
        model.Buffers(index).DataLength()
        for index in range(model.BuffersLength())
        if not model.Buffers(index).DataIsNone()
    ]
    original = schema.Model.GetRootAs(before.content, 0)
    assert empty.count(0) == sum(
        not original.Buffers(index).DataIsNone() and original.Buffers(index).DataLength() == 0
        for index in range(1, original.BuffersLength())
    )


@pytest.mark.thorough
def test_files_with_constants_behind_the_graph_are_not_rewritten(convert, kernel):
    content = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE).content
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.buffers[-1].offset = 1024
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    behind = bytes(builder.Output())
    assert optimize_for_xnnpack(behind) == behind


@pytest.mark.thorough
def test_new_operations_have_the_name_of_their_layer(tmp_path):
    model = resnet_generator((64, 64, 3), 3, base_filters=64, residual_blocks=1)
    signatures = {"a_to_b": of_model("a_to_b", model)}
    bundle = exporters.export(signatures, tmp_path / "bundle", recipes=("float32",))
    graph = read_signatures((bundle / "float32.tflite").read_bytes())["a_to_b"]
    kernels = [n.inputs[1].name for n in graph.nodes if n.operation == "CONV_2D"]
    assert sum("conv2d_transpose" in layer(name) for name in kernels) == 8
    last = [layer(name) for name in kernels[-2:]]
    assert last[0] == last[1]
    assert "conv2d" in last[0]


def layer(name):
    """The layer that `lint` reports: all but the last part of a name."""
    return name.rpartition("/")[0]


@pytest.mark.slow
def test_exports_of_floats_are_rewritten_and_of_integers_are_not(tmp_path):
    model = resnet_generator((64, 64, 3), 3, base_filters=64, residual_blocks=1)
    bundle = exporters.export(
        {"a_to_b": of_model("a_to_b", model)},
        tmp_path / "bundle",
        recipes=("float32", "float16", "dynamic_int8"),
    )
    operations = {
        path.stem: Converted(path.read_bytes()).operations("a_to_b")
        for path in bundle.glob("*.tflite")
    }
    doublings = {name: each.count("DEPTH_TO_SPACE") for name, each in operations.items()}
    assert doublings == {"float32": 2, "float16": 2, "dynamic_int8": 0}
    assert exporters.verify(bundle, isolated=False).passed
    coverage = [
        each for each in exporters.lint(bundle, isolated=False).coverage if each.target == "xnnpack"
    ]
    assert {each.fast_fraction for each in coverage} == {1.0}


@pytest.mark.slow
def test_without_optimize_the_file_is_the_converters_and_outputs_are_equal(tmp_path):
    model = resnet_generator((64, 64, 3), 3, base_filters=64, residual_blocks=1)
    signatures = {"a_to_b": of_model("a_to_b", model)}
    bundles = {
        optimize: exporters.open_bundle(
            exporters.export(signatures, tmp_path / str(optimize), optimize=optimize)
        )
        for optimize in (True, False)
    }
    contents = {each: bundle.read("float32.tflite") for each, bundle in bundles.items()}
    operations = {
        each: Converted(content).operations("a_to_b") for each, content in contents.items()
    }
    assert operations[False].count("TRANSPOSE_CONV") == 2
    assert operations[True].count("TRANSPOSE_CONV") == 0
    assert optimize_for_xnnpack(contents[False]) == contents[True]
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    outputs = {
        each: exporters.Runner(bundle).run("a_to_b", {"image": image})["image"]
        for each, bundle in bundles.items()
    }
    np.testing.assert_allclose(outputs[True], outputs[False], atol=2e-5)
    for optimize, bundle in bundles.items():
        assert bundle.manifest.artifacts["float32"].optimized is optimize
        assert exporters.verify(bundle.root, isolated=False).passed
