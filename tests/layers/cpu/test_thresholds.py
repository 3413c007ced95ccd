import pytest
import tensorflow as tf

from tests.layers.traced import operations_of
from tf_translate.layers.cpu import Conv2D, thresholds


def _operations(layer, shape) -> list[str]:
    layer.build(shape)

    @tf.function(input_signature=[tf.TensorSpec(shape)])
    def run(images):
        with tf.GradientTape() as tape:
            result = layer(images, training=True)
        return tape.gradient(result, layer.kernel.value)

    return operations_of(run.get_concrete_function())


@pytest.mark.parametrize(
    ("instructions", "products", "parity"),
    [("AVX-512", True, True), ("AVX-512 + AMX", False, False), ("AVX2", True, False)],
)
def test_the_instruction_set_chooses_the_operations(monkeypatch, instructions, products, parity):
    monkeypatch.setattr(thresholds, "instruction_set", lambda: instructions)
    assert ("MatMul" in _operations(Conv2D(2, 3), (1, 6, 6, 128))) == products
    strided = _operations(Conv2D(4, 3, strides=2), (1, 130, 130, 64))
    assert ("SpaceToDepth" in strided) == parity
