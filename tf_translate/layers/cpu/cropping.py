"""Cropping whose way back is cheap."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_translate")
class CropFirst(keras.layers.Layer):
    """Drops the first row and the first column of images.

    Training takes TensorFlow's slice, whose way back is a padding; that of `keras.layers.
    Cropping2D` (a strided slice) takes longer on a CPU than the convolution ahead of it
    (measured). Inference keeps the strided slice, which LiteRT's delegates run.

    Call arguments:
        images: `(batch, height, width, channels)`; sides of at least 2.
        training: Chooses the operation, never the result.

    Returns:
        `(batch, height - 1, width - 1, channels)`.
    """

    def call(self, images, training=False):
        if training:
            return tf.slice(images, [0, 1, 1, 0], [-1, -1, -1, -1])
        return images[:, 1:, 1:]

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else side - 1 for side in (height, width)]
        return (batch, *sides, channels)
