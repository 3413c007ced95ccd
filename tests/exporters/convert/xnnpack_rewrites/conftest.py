import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from exporters.convert.tflite import quiet
from exporters.tflite_graph.operators import read_signatures


class Converted:
    """The content of a .tflite file, with its operations and outputs."""

    def __init__(self, content: bytes):
        self.content = content

    def operations(self, signature="serving_default"):
        return [node.operation for node in read_signatures(self.content)[signature].nodes]

    def run(self, *, signature="serving_default", **inputs):
        interpreter = Interpreter(model_content=self.content, num_threads=2)
        (result,) = interpreter.get_signature_runner(signature)(**inputs).values()
        return result

    def delegates(self):
        """The number of partitions that XNNPACK runs."""
        interpreter = Interpreter(model_content=self.content, num_threads=2)
        interpreter.allocate_tensors()
        details = interpreter._get_ops_details()  # the only way to find delegated operations
        return sum(each["op_name"] == "DELEGATE" for each in details)


def _traced(function, spec):
    return tf.function(lambda image: {"image": function(image)}, input_signature=[spec])


@pytest.fixture
def convert(tmp_path):
    """Converts a function of one image from a SavedModel, as `export` does."""

    def converted(function, shape, *, half=False, also=None):
        module = tf.Module()
        spec = tf.TensorSpec(shape, tf.float32, name="image")
        functions = {"serving_default": function} | ({"also": also} if also else {})
        signatures = {name: _traced(each, spec) for name, each in functions.items()}
        module.kept = list(signatures.values())
        with quiet():
            tf.saved_model.save(module, str(tmp_path / "saved"), signatures)
            converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
            if half:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.target_spec.supported_types = [tf.float16]
            return Converted(converter.convert())

    return converted


@pytest.fixture
def random():
    return np.random.default_rng(5)
