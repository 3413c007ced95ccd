"""What is left of a file around operations that were rewritten."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import exporters
from exporters.rewriting import quicker
from tests.exporters.fakes import of_model
from tests.exporters.rewriting.conftest import Converted
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


def test_exports_of_floats_are_rewritten_and_of_integers_are_not(tmp_path):
    model = resnet_generator((64, 64, 3), 3, base=64, residual_blocks=1)
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
