"""What is left of a file around operations that were rewritten."""

import flatbuffers
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import exporters
from exporters.convert.xnnpack_rewrites import quicker
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.convert.xnnpack_rewrites.conftest import Converted
from tests.exporters.fakes import of_model
from tf_translate.networks.resnet import resnet_generator

SHAPE = (1, 40, 44, 32)


@pytest.fixture
def kernel(random):
    return random.normal(0, 0.1, (7, 7, 32, 3)).astype(np.float32)


def test_signatures_share_what_became_of_their_kernel(convert, kernel, random):
    def drawn(image):
        return tf.nn.conv2d(image, kernel, 1, "VALID")

    before = convert(drawn, SHAPE, also=lambda image: 2.0 * tf.nn.relu(drawn(image)))
    after = Converted(quicker(before.content))
    assert len(after.content) < len(before.content) + kernel.nbytes / 2
    image = random.normal(0, 1, SHAPE).astype(np.float32)
    drawing = after.run(image=image)
    also = after.run(image=image, signature="also")
    np.testing.assert_allclose(also, 2 * np.maximum(drawing, 0), atol=1e-5)
    assert after.operations("also").count("CONV_2D") == 2


def test_what_nothing_reads_any_more_is_gone(convert, kernel):
    before = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE, half=True)
    model = schema.ModelT.InitFromPackedBuf(quicker(before.content), 0)
    (graph,) = model.subgraphs
    touched = {int(each) for op in graph.operators for each in [*op.inputs, *op.outputs]}
    assert touched == set(range(len(graph.tensors)))
    read = {tensor.buffer for tensor in graph.tensors} | {each.buffer for each in model.metadata}
    assert read | {0} == set(range(len(model.buffers)))


def test_constants_begin_at_multiples_of_16_bytes(convert, kernel):
    content = quicker(convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE).content)
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(at) for at in range(model.BuffersLength())]
    own = [each for each in buffers if not each.DataIsNone()]
    assert len(own) >= 4
    assert [each._tab.Vector(each._tab.Offset(4)) % 16 for each in own] == [0] * len(own)


def test_constants_without_numbers_stay_constants(convert, kernel, random):
    def drawn(image):
        return tf.nn.conv2d(image, kernel, 1, "VALID")

    before = convert(drawn, SHAPE, also=lambda image: tf.reshape(tf.reduce_max(drawn(image)), []))
    after = Converted(quicker(before.content))
    assert after.content != before.content
    model = schema.Model.GetRootAs(after.content, 0)
    empty = [
        model.Buffers(at).DataLength()
        for at in range(model.BuffersLength())
        if not model.Buffers(at).DataIsNone()
    ]
    given = schema.Model.GetRootAs(before.content, 0)
    assert empty.count(0) == sum(
        not given.Buffers(at).DataIsNone() and given.Buffers(at).DataLength() == 0
        for at in range(1, given.BuffersLength())
    )


def test_files_with_constants_behind_the_graph_stay_as_they_are(convert, kernel):
    content = convert(lambda x: tf.nn.conv2d(x, kernel, 1, "VALID"), SHAPE).content
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.buffers[-1].offset = 1024
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    behind = bytes(builder.Output())
    assert quicker(behind) == behind


def test_new_operations_bear_the_name_of_their_layer(tmp_path):
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
    """What `lint` takes for the layer: all but the last part of a name."""
    return name.rpartition("/")[0]


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
    assert exporters.verify(bundle).passed
    shares = [s for s in exporters.lint(bundle).shares if s.target == "xnnpack"]
    assert {share.on_path for share in shares} == {1.0}
