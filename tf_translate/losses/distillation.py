"""How far a student's images and activations are from its teacher's."""

from collections.abc import Sequence

import tensorflow as tf

from tf_translate.losses.scalar_sum import scalar_sum

SMALLEST_SIDE = 11  # pixels: the window of SSIM


def structural_dissimilarity(student: tf.Tensor, teacher: tf.Tensor) -> tf.Tensor:
    """1 - SSIM of two batches of images.

    Args:
        student, teacher: `(batch, height, width, channels)` in [-1, 1], float; sides of at least
            `SMALLEST_SIDE`.

    Returns:
        Float32 scalar in [0, 2]; 0 for equal images.

    Source: Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861.
    """
    student, teacher = (tf.cast(images, tf.float32) / 2.0 + 0.5 for images in (student, teacher))
    return 1.0 - tf.reduce_mean(tf.image.ssim(student, teacher, max_val=1.0))


def gram_distance(student: Sequence[tf.Tensor], teacher: Sequence[tf.Tensor]) -> tf.Tensor:
    """How far the correlations of channels (Gram matrices) are apart, which describe style.

    Args:
        student, teacher: Feature maps of one network, each `(batch, h, w, channels)`, float.

    Returns:
        Non-negative float32 scalar: the mean absolute difference of the Gram matrices, each
        divided by channels * h * w, summed over the feature maps.

    Source: Johnson et al. 2016, https://arxiv.org/abs/1603.08155, eq. 3.
    """
    pairs = zip(student, teacher, strict=True)
    return scalar_sum([tf.reduce_mean(tf.abs(_gram(one) - _gram(other))) for one, other in pairs])


def channel_distance(student: Sequence[tf.Tensor], teacher: Sequence[tf.Tensor]) -> tf.Tensor:
    """How far the mean activations of channels are apart.

    Args:
        student, teacher: Activations, each `(batch, h, w, channels)`, float. The two of a pair
            have equal channels; height and width may differ.

    Returns:
        Non-negative float32 scalar: the mean squared difference of the spatial means, summed over
        the pairs.

    Source: Ren et al. 2021, https://arxiv.org/abs/2108.06908, channel distillation.
    """
    pairs = zip(student, teacher, strict=True)
    return scalar_sum(
        [tf.reduce_mean(tf.square(_means(one) - _means(other))) for one, other in pairs]
    )


def _gram(features: tf.Tensor) -> tf.Tensor:
    features = tf.cast(features, tf.float32)
    _, height, width, channels = features.shape
    flat = tf.reshape(features, (-1, height * width, channels))
    return tf.matmul(flat, flat, transpose_a=True) / float(height * width * channels)


def _means(activations: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.cast(activations, tf.float32), [1, 2])
