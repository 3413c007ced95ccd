"""Cropping with a fast gradient."""

import keras
import tensorflow as tf

from tf_translate.layers.cpu.switch import enabled, enabled_kernels


@keras.saving.register_keras_serializable("tf_translate")
class CropFirst(keras.layers.Layer):
    """Drops the first row and the first column of images.

    In training, the kernel `cropping` takes TensorFlow's slice, whose gradient is a padding. The
    gradient of a strided slice, as `keras.layers.Cropping2D` takes it, is slower on a CPU than the
    convolution before it (measured). Inference keeps the strided slice, which LiteRT's delegates
    run.

    Call arguments:
        images: `(batch, height, width, channels)`; sides of at least 2.
        training: Chooses the operation, never the result.

    Returns:
        `(batch, height - 1, width - 1, channels)`.
    """

    def __init__(self, **kwargs):
        enabled_kernels()  # an unknown name ends here, in one sentence
        super().__init__(**kwargs)

    def call(self, images, training=False):
        if training and enabled("cropping"):
            return tf.slice(images, [0, 1, 1, 0], [-1, -1, -1, -1])
        return images[:, 1:, 1:]

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else side - 1 for side in (height, width)]
        return (batch, *sides, channels)
