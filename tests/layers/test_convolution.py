import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.convolution import Conv2D

CHANNELS = 128  # as many as it takes


def _slopes(layer, images, upstream):
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(tf.cast(layer(images), tf.float32) * upstream)
    return tape.gradient(total, [images, layer.kernel.value])


@pytest.mark.parametrize("kernel", [1, 3, (2, 3)])
def test_slopes_are_those_of_sums_by_hand(kernel):
    random = np.random.default_rng(0)
    layer = Conv2D(2, kernel, padding="valid", dtype="mixed_bfloat16", use_bias=False)
    # Small whole numbers are exact in bfloat16, and so are these sums of them in float32.
    images = random.integers(-1, 2, (2, 4, 5, CHANNELS)).astype(np.float32)
    layer.build(images.shape)
    layer.kernel.assign(random.integers(-1, 2, layer.kernel.shape))
    rows, columns = layer.kernel_size
    upstream = random.integers(-1, 2, (2, 5 - rows, 6 - columns, 2)).astype(np.float32)
    of_images, of_kernel = np.zeros_like(images), np.zeros(layer.kernel.shape, np.float32)
    for row in range(5 - rows):
        for column in range(6 - columns):
            place = np.s_[:, row : row + rows, column : column + columns]
            came = upstream[:, row, column]
            of_kernel += np.einsum("bijc,bo->ijco", images[place], came)
            of_images[place] += np.einsum("ijco,bo->bijc", layer.kernel.numpy(), came)
    found = _slopes(layer, tf.cast(images, tf.bfloat16), upstream)
    np.testing.assert_array_equal(tf.cast(found[0], tf.float32), of_images)
    np.testing.assert_array_equal(found[1], of_kernel)


@pytest.mark.parametrize(
    ("dtype", "options", "channels", "products"),
    [
        ("mixed_bfloat16", {}, CHANNELS, True),
        ("float32", {}, CHANNELS, False),
        ("mixed_bfloat16", {}, CHANNELS - 1, False),
        ("mixed_bfloat16", {"strides": 2}, CHANNELS, False),
        ("mixed_bfloat16", {"padding": "same"}, CHANNELS, False),
        ("mixed_bfloat16", {"dilation_rate": 2}, CHANNELS, False),
        ("mixed_bfloat16", {"groups": 2}, CHANNELS, False),
    ],
)
def test_products_are_taken_where_they_are_quick_and_results_are_kerass(
    dtype, options, channels, products
):
    images = tf.random.stateless_normal((1, 6, 6, channels), [0, 0])
    own, theirs = (kind(2, 3, dtype=dtype, **options) for kind in (Conv2D, keras.layers.Conv2D))
    for layer in (own, theirs):
        layer.build(images.shape)
    theirs.set_weights(own.get_weights())
    np.testing.assert_array_equal(own(images), theirs(images))
    upstream = tf.ones(own(images).shape)
    for mine, wanted in zip(
        _slopes(own, images, upstream), _slopes(theirs, images, upstream), strict=True
    ):
        np.testing.assert_allclose(mine, wanted, atol=0.02 * np.abs(wanted).max())

    @tf.function(input_signature=[tf.TensorSpec(images.shape)])
    def back(images):
        return _slopes(own, images, upstream)

    operations = [node.type for node in back.get_concrete_function().graph.get_operations()]
    assert operations.count("MatMul") == (9 if products else 0)
