"""Distances between images or features, for the content of an image."""

import tensorflow as tf

from tf_translate.losses.scalar_sum import scalar_sum


def mean_absolute_error(images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference (L1) over all elements.

    Args:
        images, others: Equal shapes, float, usually in [-1, 1].

    Returns:
        Non-negative float32 scalar, in the unit of the images: 0 for equal images, 2 for
        black against white in [-1, 1].

    Source: pix2pix, https://arxiv.org/abs/1611.07004, eq. 3; CycleGAN,
    https://arxiv.org/abs/1703.10593, eq. 2.
    """
    return tf.reduce_mean(tf.abs(tf.cast(images, tf.float32) - tf.cast(others, tf.float32)))


def mean_squared_error(images: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Mean squared difference over all elements.

    Args:
        images, others: Equal shapes, float.

    Returns:
        Non-negative float32 scalar; 4 for black against white in [-1, 1].

    Source: DiscoGAN, https://arxiv.org/abs/1703.05192, section 2.2 (d = MSE); DTN,
    https://arxiv.org/abs/1611.02200, eq. 5 and 6 on digits.
    """
    return tf.reduce_mean(tf.square(tf.cast(images, tf.float32) - tf.cast(others, tf.float32)))


def cosine_distance(features: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """One minus the cosine between features, averaged over images.

    Args:
        features, others: `(batch, ...)`, equal shapes; everything but the batch is one vector.

    Returns:
        Float32 scalar in [0, 2]; 0 for vectors of equal direction, 1 for orthogonal ones.

    Source: DTN, https://arxiv.org/abs/1611.02200, section 5.2 (L_CONST on faces).
    """
    unit, other_unit = (_directions(values) for values in (features, others))
    return 1.0 - tf.reduce_mean(tf.reduce_sum(unit * other_unit, 1))


def feature_matching(real_features: tf.Tensor, fake_features: tf.Tensor) -> tf.Tensor:
    """Distance between the mean features of real and of translated images.

    Means are those over the images of all devices, so several devices train as one.

    Args:
        real_features, fake_features: Activations of a discriminator by layer, each `(batch, ...)`.

    Returns:
        Non-negative float32 scalar: for each layer the mean squared difference of the two
        mean activations, summed over layers.

    Source: Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 3.1, as DiscoGAN's
    code uses it.
    """
    pairs = zip(real_features, fake_features, strict=True)
    return scalar_sum(
        [mean_squared_error(_batch_mean(real), _batch_mean(fake)) for real, fake in pairs]
    )


def _directions(values):
    values = tf.cast(values, tf.float32)
    return tf.math.l2_normalize(tf.reshape(values, [tf.shape(values)[0], -1]), 1)


def _batch_mean(values):
    mean = tf.reduce_mean(tf.cast(values, tf.float32), 0)
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return mean
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, mean)
