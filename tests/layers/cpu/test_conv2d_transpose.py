import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.cpu import exact
from tests.layers.traced import operations_of
from tf_translate.layers.cpu import Conv2DTranspose

MANY = 512  # channels in and out, the least square for which it is a product


def _layers(**options):
    """Our layer and Keras's."""
    return [kind(**options) for kind in (Conv2DTranspose, keras.layers.Conv2DTranspose)]


def test_a_kernel_spreads_two_pixels_as_by_hand():
    layer = Conv2DTranspose(MANY, 4, strides=2, padding="same", bias_initializer="ones")
    layer.build((1, 2, 1, MANY))
    kernel = np.zeros((4, 4, MANY, MANY), np.float32)
    kernel[:, :, 0, 0] = np.arange(16).reshape(4, 4)
    layer.kernel.assign(kernel)
    images = np.zeros((1, 2, 1, MANY), np.float32)
    images[0, :, 0, 0] = [1, 10]
    # The kernel's rows 1 to 3 from the upper pixel, and 10 times its rows 0 to 2 from the lower;
    # of its columns 1 and 2, as there is one pixel in a row.
    columns = np.array([[1, 2], [5, 6], [9, 10], [13, 14]])
    expected = np.zeros((4, 2))
    expected[0:3] += columns[1:4]
    expected[1:4] += 10 * columns[0:3]
    result = layer(images, training=True)
    np.testing.assert_array_equal(result[0, ..., 0], expected + 1)
    np.testing.assert_array_equal(result[..., 1:], np.ones((1, 4, 2, MANY - 1)))


@pytest.mark.parametrize(
    ("shape", "product"),
    [((1, 2, 3, MANY), True), ((2, 4, 4, MANY), True), ((5, 4, 4, MANY), False)],
)
def test_results_and_gradients_equal_those_of_keras(shape, product):
    options = {"filters": MANY, "kernel_size": 4, "strides": 2, "padding": "same"}
    ours, reference = _layers(**options, activation="tanh", dtype="float64")
    images = tf.random.stateless_normal(shape, [0, 0], dtype=tf.float64)
    for layer in (ours, reference):
        layer.build(shape)
    reference.set_weights(ours.get_weights())
    found = []
    for layer in (ours, reference):
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = layer(images, training=True)
            total = tf.reduce_sum(tf.sin(result))
        found.append(
            (result, *tape.gradient(total, [images, layer.kernel.value, layer.bias.value]))
        )
    for result, expected in zip(*found, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)
    assert _is_a_product(ours, shape, training=True) == product
    assert not _is_a_product(ours, shape, training=False)


@pytest.mark.parametrize(
    "changed",
    [{"kernel_size": 3}, {"strides": 1}, {"padding": "valid"}, {"filters": 8}],
)
def test_other_kernels_strides_and_sizes_are_left_to_keras(changed):
    options = {"filters": MANY, "kernel_size": 4, "strides": 2, "padding": "same"} | changed
    ours, reference = _layers(**options)
    images = tf.random.stateless_normal((1, 2, 2, MANY), [0, 0])
    for layer in (ours, reference):
        layer.build(images.shape)
    reference.set_weights(ours.get_weights())
    np.testing.assert_array_equal(ours(images, training=True), reference(images))
    assert not _is_a_product(ours, images.shape, training=True)


def _is_a_product(layer, shape, training) -> bool:
    function = tf.function(lambda images: layer(images, training=training))
    graph = function.get_concrete_function(tf.TensorSpec(shape, layer.compute_dtype)).graph
    return "MatMul" in {node.type for node in graph.get_operations()}


@pytest.mark.parametrize(
    ("filters", "side", "options", "parities"),
    [
        (64, 64, {}, True),
        (64, 63, {}, False),
        (63, 64, {}, False),
        (64, 64, {"padding": "same"}, False),
        (64, 64, {"dtype": "mixed_bfloat16"}, False),
    ],
)
def test_kernel_gradients_of_large_float32_maps_are_taken_by_parity(
    filters, side, options, parities
):
    options = {"filters": filters, "kernel_size": 3, "strides": 2, "padding": "valid"} | options
    layer = Conv2DTranspose(**options, bias_initializer="ones")
    images = tf.random.stateless_normal((1, side, side, 4), [0, 0])
    layer.build(images.shape)
    upstream = tf.random.stateless_normal(layer.compute_output_shape(images.shape), [1, 0])

    @tf.function
    def run(images):
        return exact.results(layer, images, upstream)

    exact.check(layer, images, upstream, run(images))
    assert ("SpaceToDepth" in operations_of(run.get_concrete_function(images))) == parities
