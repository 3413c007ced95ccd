"""Doubling the size of feature maps before a convolution."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
class NearestUpsampling2D(keras.layers.Layer):
    """Doubles height and width by repeating every pixel.

    With a convolution after it, it replaces a transposed convolution and its checkerboard
    artifacts. It moves four copies from depth to space, which XNNPACK runs. XNNPACK has no
    RESIZE_NEAREST_NEIGHBOR, and Keras's UpSampling2D becomes reshapes and tiles.

    Call arguments:
        images: `(batch, height, width, channels)`.

    Returns:
        `(batch, 2 height, 2 width, channels)`.

    Source: Odena et al. 2016, https://distill.pub/2016/deconv-checkerboard/.
    """

    def call(self, images):
        return tf.nn.depth_to_space(tf.concat([images] * 4, axis=-1), 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else 2 * side for side in (height, width)]
        return (batch, *sides, channels)
