"""A dilated convolution and its gradients against sums over taps in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.introspective.dilated_convolution import convolve_dilated


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _shifted(images, down, right):
    """Pixel (y, x) of the result is pixel (y + down, x + right), 0 outside."""
    height, width = images.shape[1:3]
    size = max(abs(down), abs(right))
    padded = np.pad(images, [(0, 0), (size, size), (size, size), (0, 0)])
    return padded[:, size + down : size + down + height, size + right : size + right + width]


@pytest.mark.parametrize(("shape", "rate"), [((3, 3), 2), ((3, 3), 4), ((1, 3), 3)])
def test_values_and_gradients_are_sums_over_taps(shape, rate):
    features, kernel = _random(2, 7, 6, 3), _random(*shape, 3, 4, seed=1)
    upstream = _random(2, 7, 6, 4, seed=2)
    expected, of_features, of_kernel = 0.0, 0.0, np.zeros_like(kernel)
    for row in range(shape[0]):
        for column in range(shape[1]):
            down, right = rate * (row - shape[0] // 2), rate * (column - shape[1] // 2)
            pixels = _shifted(features, down, right)
            expected = expected + pixels @ kernel[row, column]
            of_kernel[row, column] = np.einsum("bhwc,bhwf->cf", pixels, upstream)
            of_features = of_features + _shifted(upstream, -down, -right) @ kernel[row, column].T
    variables = [tf.constant(features), tf.constant(kernel)]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        result = convolve_dilated(*variables, rate)
        total = tf.reduce_sum(result * upstream)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    for found, value in zip(tape.gradient(total, variables), (of_features, of_kernel), strict=True):
        np.testing.assert_allclose(found, value, atol=1e-4)


def test_no_operation_computes_gradients_of_a_dilated_convolution():
    # They need oneDNN, and TFLite has none for the features.
    @tf.function
    def gradients(features, kernel):
        with tf.GradientTape() as tape:
            tape.watch([features, kernel])
            total = tf.reduce_sum(convolve_dilated(features, kernel, 2))
        return tape.gradient(total, [features, kernel])

    for side in (8, None):
        features = tf.TensorSpec((None, side, side, 2))
        graph = gradients.get_concrete_function(features, tf.TensorSpec((3, 3, 2, 2))).graph
        dilations = {
            each.type: each.get_attr("dilations")
            for each in graph.get_operations()
            if each.type.startswith("Conv2D")
        }
        assert dilations == {"Conv2D": [1, 2, 2, 1], "Conv2DBackpropFilter": [1, 1, 1, 1]}
