import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.cpu import exact
from tests.layers.traced import operations_of
from tf_translate.layers.cpu.conv2d_transpose import Conv2DTranspose

MANY = 512  # channels in and out, as many as it takes


def _layers(**options):
    own, theirs = (kind(**options) for kind in (Conv2DTranspose, keras.layers.Conv2DTranspose))
    return own, theirs


def test_a_pixel_is_spread_by_the_kernel_by_hand():
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
    wanted = np.zeros((4, 2))
    wanted[0:3] += columns[1:4]
    wanted[1:4] += 10 * columns[0:3]
    made = layer(images, training=True)
    np.testing.assert_array_equal(made[0, ..., 0], wanted + 1)
    np.testing.assert_array_equal(made[..., 1:], np.ones((1, 4, 2, MANY - 1)))


@pytest.mark.parametrize(
    ("shape", "product"),
    [((1, 2, 3, MANY), True), ((2, 4, 4, MANY), True), ((5, 4, 4, MANY), False)],
)
def test_results_and_gradients_are_kerass(shape, product):
    options = {"filters": MANY, "kernel_size": 4, "strides": 2, "padding": "same"}
    own, theirs = _layers(**options, activation="tanh", dtype="float64")
    images = tf.random.stateless_normal(shape, [0, 0], dtype=tf.float64)
    for layer in (own, theirs):
        layer.build(shape)
    theirs.set_weights(own.get_weights())
    found = []
    for layer, told in ((own, {"training": True}), (theirs, {})):
        with tf.GradientTape() as tape:
            tape.watch(images)
            made = layer(images, **told)
            total = tf.reduce_sum(tf.sin(made))
        found.append((made, *tape.gradient(total, [images, layer.kernel.value, layer.bias.value])))
    for mine, wanted in zip(*found, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-9, atol=1e-12)
    assert _takes_a_product(own, shape, training=True) == product
    assert not _takes_a_product(own, shape, training=False)


@pytest.mark.parametrize(
    "changed",
    [{"kernel_size": 3}, {"strides": 1}, {"padding": "valid"}, {"filters": 8}],
)
def test_all_else_goes_kerass_way(changed):
    options = {"filters": MANY, "kernel_size": 4, "strides": 2, "padding": "same"} | changed
    own, theirs = _layers(**options)
    images = tf.random.stateless_normal((1, 2, 2, MANY), [0, 0])
    for layer in (own, theirs):
        layer.build(images.shape)
    theirs.set_weights(own.get_weights())
    np.testing.assert_array_equal(own(images, training=True), theirs(images))
    assert not _takes_a_product(own, images.shape, training=True)


def _takes_a_product(layer, shape, training) -> bool:
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
def test_large_maps_of_float32_find_gradients_by_parities(filters, side, options, parities):
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
