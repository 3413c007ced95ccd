import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.cpu import exact
from tests.layers.traced import operations_of
from tf_translate.layers.cpu import Conv2D, Conv2DTranspose

CHANNELS = 128  # the least number for which gradients are products


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("kernel", [1, 3, (2, 3)])
def test_gradients_are_those_of_sums_by_hand(kernel, dtype, count):
    random = np.random.default_rng(0)
    layer = Conv2D(2, kernel, padding="valid", dtype=dtype, use_bias=False)
    # Small whole numbers are exact in bfloat16, and so are these sums of them in float32.
    images = random.integers(-1, 2, (count, 4, 5, CHANNELS)).astype(np.float32)
    layer.build(images.shape)
    layer.kernel.assign(random.integers(-1, 2, layer.kernel.shape))
    rows, columns = layer.kernel_size
    upstream = random.integers(-1, 2, (count, 5 - rows, 6 - columns, 2)).astype(np.float32)
    of_images, of_kernel = np.zeros_like(images), np.zeros(layer.kernel.shape, np.float32)
    for row in range(5 - rows):
        for column in range(6 - columns):
            patch = np.s_[:, row : row + rows, column : column + columns]
            gradient = upstream[:, row, column]
            of_kernel += np.einsum("bijc,bo->ijco", images[patch], gradient)
            of_images[patch] += np.einsum("ijco,bo->bijc", layer.kernel.numpy(), gradient)
    _, *found = exact.results(layer, images, tf.constant(upstream))
    np.testing.assert_array_equal(tf.cast(found[0], tf.float32), of_images)
    np.testing.assert_array_equal(found[1], of_kernel)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("dtype", "options", "shape", "products"),
    [
        ("mixed_bfloat16", {}, (1, 6, 6, CHANNELS), 3),
        ("mixed_bfloat16", {}, (5, 6, 6, CHANNELS), 3),
        ("mixed_bfloat16", {"kernel_size": 4}, (1, 6, 6, CHANNELS), 4),
        ("float32", {}, (4, 6, 6, CHANNELS), 3),
        ("float32", {}, (5, 6, 6, CHANNELS), 0),
        ("float32", {"kernel_size": 4}, (1, 6, 6, CHANNELS), 0),
        ("float32", {"kernel_size": (4, 3)}, (1, 6, 6, CHANNELS), 4),
        ("mixed_bfloat16", {}, (1, 6, 6, CHANNELS - 1), 0),
        ("mixed_bfloat16", {"strides": 2}, (1, 6, 6, CHANNELS), 0),
        ("mixed_bfloat16", {"padding": "same"}, (1, 6, 6, CHANNELS), 0),
        ("mixed_bfloat16", {"dilation_rate": 2}, (1, 6, 6, CHANNELS), 0),
        ("mixed_bfloat16", {"groups": 2}, (1, 6, 6, CHANNELS), 0),
    ],
)
def test_kernel_gradients_are_products_where_that_is_faster_and_results_are_exact(
    dtype, options, shape, products
):
    images = tf.random.stateless_normal(shape, [0, 0])
    options = {"kernel_size": 3, "dtype": dtype, "bias_initializer": "ones", **options}
    layer = Conv2D(2, **options)
    layer.build(images.shape)
    upstream = tf.ones(layer.compute_output_shape(images.shape))
    exact.check(layer, images, upstream, exact.results(layer, images, upstream))
    assert _operations(layer, shape).count("MatMul") == products


def test_the_activation_follows_the_sum_and_its_bias():
    layer = Conv2D(2, 3, bias_initializer="ones")
    images = tf.random.stateless_normal((1, 6, 6, CHANNELS), [0, 0])
    linear = layer(images, training=True)
    layer.activation = keras.activations.tanh
    np.testing.assert_allclose(layer(images, training=True), np.tanh(linear), atol=1e-6)


def _operations(layer, shape, *, training=True):
    """Types of all operations of a layer and its gradients."""
    if not layer.built:
        layer.build(shape)

    @tf.function(input_signature=[tf.TensorSpec(shape, layer.compute_dtype)])
    def run(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = layer(images, training=training)
        return tape.gradient(result, [images, *(each.value for each in layer.trainable_variables)])

    return operations_of(run.get_concrete_function())


@pytest.mark.parametrize(
    ("layer", "shape", "convolutions"),
    [
        (Conv2D(3, 7), (1, 30, 30, 8), 2),
        (Conv2D(1, 4, padding="same"), (2, 16, 16, 8), 2),
        (Conv2D(3, 7), (1, 20, 20, 8), 1),  # 400 pixels
        (Conv2D(5, 7), (1, 30, 30, 8), 1),
        (Conv2D(3, (1, 7)), (1, 30, 30, 8), 1),
        (Conv2D(3, 7, strides=2), (1, 30, 30, 8), 1),
    ],
)
def test_convolutions_to_few_channels_are_split_in_two_in_training(layer, shape, convolutions):
    assert _operations(layer, shape).count("Conv2D") == convolutions
    assert _operations(layer, shape, training=False).count("Conv2D") == 1


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel", [7, (4, 5)])
def test_results_and_gradients_by_rows_equal_those_of_keras(kernel, padding):
    ours, reference = (
        kind(3, kernel, dtype="float64", padding=padding, bias_initializer="ones")
        for kind in (Conv2D, keras.layers.Conv2D)
    )
    images = tf.random.stateless_normal((2, 20, 26, 8), [0, 0], dtype=tf.float64)
    for layer in (ours, reference):
        layer.build(images.shape)
    reference.set_weights(ours.get_weights())
    upstream = tf.random.stateless_normal(ours(images).shape, [1, 0], dtype=tf.float64)
    for result, expected in zip(
        exact.results(ours, images, upstream),
        exact.results(reference, images, upstream),
        strict=True,
    ):
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)
    assert _operations(ours, images.shape).count("Conv2D") == 2


@pytest.mark.parametrize(
    ("layer", "shape", "parities"),
    [
        (Conv2D(4, 3, strides=2), (1, 130, 130, 64), True),
        (Conv2D(4, 3, strides=2), (1, 130, 126, 64), False),  # results of 64x62 pixels
        (Conv2D(4, 3, strides=2), (1, 130, 130, 63), False),
        (Conv2D(4, 3, strides=2, padding="same"), (1, 130, 130, 64), False),
        (Conv2D(4, 3, strides=2, dtype="mixed_bfloat16"), (1, 130, 130, 64), False),
    ],
)
def test_kernel_gradients_of_large_float32_maps_are_taken_by_parity(layer, shape, parities):
    assert ("SpaceToDepth" in _operations(layer, shape)) == parities
    assert "SpaceToDepth" not in _operations(layer, shape, training=False)


def test_results_and_gradients_by_parities_are_exact():
    layer = Conv2D(4, 3, strides=2)
    images = tf.random.stateless_normal((1, 131, 134, 64), [0, 0])
    layer.build(images.shape)
    upstream = tf.random.stateless_normal(layer.compute_output_shape(images.shape), [1, 0])
    exact.check(layer, images, upstream, exact.results(layer, images, upstream))
    assert "SpaceToDepth" in _operations(layer, images.shape)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"filters": 4, "strides": 2}, (1, 130, 130, 64)),
        ({"filters": 3}, (1, 30, 30, 8)),
        ({"filters": 8}, (3, 7, 6, 128)),
    ],
)
def test_gradients_of_gradients_equal_those_of_keras(options, shape):
    """A gradient penalty differentiates a gradient."""
    ours, reference = (kind(kernel_size=3, **options) for kind in (Conv2D, keras.layers.Conv2D))
    images = tf.random.stateless_normal(shape, [0, 0])
    for layer in (ours, reference):
        layer.build(shape)
    reference.set_weights(ours.get_weights())
    found = []
    for layer in (ours, reference):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(images)
                total = tf.reduce_sum(tf.sin(layer(images, training=True)))
            penalty = tf.reduce_sum(tape.gradient(total, images) ** 2)
        found.append((penalty, outer.gradient(penalty, layer.kernel.value)))
    for result, expected in zip(*found, strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-4 * np.abs(expected).max())


def test_errors_by_rows_in_bfloat16_are_within_the_bound_of_roundings():
    """The sums of each row of the kernel are rounded, then their sum; see `exact`."""
    layer = Conv2D(3, 7, dtype="mixed_bfloat16")
    images = tf.random.stateless_normal((1, 30, 30, 64), [0, 0])
    layer.build(images.shape)
    upstream = tf.random.stateless_normal(layer.compute_output_shape(images.shape), [1, 0])
    exact.check(layer, images, upstream, exact.results(layer, images, upstream))
    assert _operations(layer, images.shape).count("Conv2D") == 2


@pytest.mark.parametrize("filters", [1, 16])
@pytest.mark.parametrize("kind", [Conv2D, Conv2DTranspose])
def test_gradients_of_biases_are_summed_in_float32_in_bfloat16(kind, filters):
    layer = kind(filters, 1, dtype="mixed_bfloat16")
    images = tf.ones((1, 64, 64, 4))
    layer.build(images.shape)
    upstream = np.random.default_rng(0).normal(0.5, 1, (1, 64, 64, filters))
    upstream = tf.cast(upstream, tf.bfloat16)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.cast(layer(images, training=True) * upstream, tf.float32))
    expected = tf.cast(upstream, tf.float64).numpy().sum((0, 1, 2))
    np.testing.assert_allclose(tape.gradient(total, layer.bias.value), expected, rtol=0.004)
