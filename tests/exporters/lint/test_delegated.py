"""The operations listed for XNNPACK, compared with those that the installed runtime delegates."""

import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from exporters.lint.device_operations import device_operations
from exporters.lint.operation_support import unsupported_reason
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.fakes import generator, noise


def really_delegated(content):
    """Indices of the operations of the first graph that the runtime delegates to XNNPACK.

    A delegate's node replaces all operations between its inputs and its outputs.
    """
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    nodes = interpreter._get_ops_details()
    plain = [node for node in nodes if node["op_name"] != "DELEGATE"]
    producer = {int(tensor): node for node in plain for tensor in node["outputs"]}
    delegated = set()
    for delegate in nodes[len(plain) :]:
        inputs = {int(tensor) for tensor in delegate["inputs"]}
        queue = [int(tensor) for tensor in delegate["outputs"]]
        while queue:
            tensor = queue.pop()
            if tensor in inputs or tensor not in producer:
                continue
            if producer[tensor]["index"] not in delegated:
                delegated.add(producer[tensor]["index"])
                queue += [int(before) for before in producer[tensor]["inputs"]]
    return delegated


def differences(content):
    """Operations for which the list and the runtime disagree."""
    graph = next(iter(read_signatures(content).values()))
    delegated, target = really_delegated(content), device_operations().targets["xnnpack"]
    return [
        (node.operation, index in delegated, unsupported_reason(node, target))
        for index, node in enumerate(graph.nodes)
        if (index in delegated) != (unsupported_reason(node, target) is None)
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("recipe", ["float32", "float16", "dynamic_int8"])
def test_table_and_runtime_agree_on_generators(exported, recipe):
    assert differences((exported / f"{recipe}.tflite").read_bytes()) == []


def operations(image):
    """Many operations that the list supports, and some that it does not."""
    reflect = [[0, 0], [1, 1], [1, 1], [0, 0]]
    scaled = [image * float(factor) for factor in range(2, 8)]
    return {
        "concatenations": tf.concat(scaled[:5], 3)[..., :4] + tf.concat(scaled, 3)[..., :4],
        "splits": tf.concat(tf.split(image, 4, 3)[::-1], 3),
        "more_splits": tf.concat(tf.split(image, 8, 1)[:4], 3),
        "slices": image[:, 1:4] + image[:, ::3, :, :],
        "pads": tf.pad(image, reflect) - tf.pad(image, reflect, "REFLECT"),
        "means": tf.reduce_mean(image, [1, 2], keepdims=True) * tf.reduce_sum(image, 3)[..., None],
        "resized": tf.image.resize(image, [16, 16])
        + tf.cast(tf.image.resize(image, [16, 16], "nearest"), tf.float32),
        "elements": tf.exp(image) + tf.nn.gelu(image) + tf.math.rsqrt(image) + tf.sin(image),
        "other": tf.tile(image, [1, 1, 2, 1]),
        "chosen": tf.where(image > 0.0, image, image * 2.0),
        "pixels": tf.cast(image, tf.uint8),
        "higher": tf.nn.relu(tf.reshape(image, [1, 8, 8, 2, 2])),
    }


def test_table_and_runtime_agree_on_other_operations():
    function = tf.function(operations).get_concrete_function(tf.TensorSpec([1, 8, 8, 4]))
    content = tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()
    assert differences(content) == []


def test_table_and_runtime_agree_on_quantized_graphs():
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    model = generator(1)
    function = tf.function(lambda image: model(image, training=False)).get_concrete_function(
        tf.TensorSpec([1, 16, 24, 3])
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [convert_variables_to_constants_v2(function)]
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([noise(1, 16, 24, 3, seed=i)] for i in range(4))
    assert differences(converter.convert()) == []
