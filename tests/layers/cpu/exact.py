"""Convolutions in float64, and the error that roundings may leave in another type.

bfloat16 keeps 8 significant bits, so rounding to it changes a value by at most 2**-8 of it. Which
values are rounded depends on the processor: with AVX-512, products of bfloat16 are added up in
float32; with AVX2, images, kernels, partial sums and the result may be rounded. No partial sum
exceeds S, the sum of the absolute products. So the roundings of an image value, a kernel value, a
partial sum and the result leave an error of at most about 4 * 2**-8 * S, wherever they happen. A
bias counts as one more product.
"""

import keras
import numpy as np
import tensorflow as tf

ROUNDINGS = 4  # of an image value, a kernel value, a partial sum and the result
BFLOAT16 = 2.0**-8  # largest relative change by one rounding
FLOAT32 = 1e-5  # of the largest value; float32 sums in any order stay well below it


def results(layer, images, upstream) -> list:
    """The layer's result in training, and the gradients of its images and its kernel."""
    images = tf.cast(images, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(images)
        result = layer(images, training=True)
        total = tf.reduce_sum(tf.cast(result, upstream.dtype) * upstream)
    return [result, *tape.gradient(total, [images, layer.kernel.value])]


def check(layer, images, upstream, found: list) -> None:
    """Compares `found`, which is as from `results`, with float64 within the bound above.

    Args:
        layer: Convolution of ours without activation.
        images: `(batch, height, width, channels)`.
        upstream: The gradient of the layer's result.
        found: Result, gradients of the images, gradients of the kernel.
    """
    exact = _in_float64(layer, images, upstream, np.array)
    absolute = _in_float64(layer, images, upstream, np.abs)
    for result, expected, sums in zip(found, exact, absolute, strict=True):
        if layer.compute_dtype == "bfloat16":
            bound = ROUNDINGS * BFLOAT16 * sums
        else:
            bound = FLOAT32 * np.abs(expected).max()
        excess = np.abs(np.array(tf.cast(result, tf.float64)) - expected) - bound
        assert excess.max() <= 0.0, f"an error exceeds its bound by {excess.max()}"


def _in_float64(layer, images, upstream, change) -> list:
    """What `results` returns for Keras's layer in float64, after `change` of all values."""
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    kind = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    plain = kind.from_config({**layer.get_config(), "dtype": "float64"})
    plain.build(images.shape)

    def changed(values):
        rounded = tf.cast(tf.cast(values, layer.compute_dtype), tf.float64)
        return tf.constant(change(rounded))

    plain.set_weights([changed(weights) for weights in layer.get_weights()])
    return [np.array(each) for each in results(plain, changed(images), changed(upstream))]
