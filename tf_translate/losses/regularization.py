"""Regularization of networks, and of images whatever they show."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import tensorflow as tf

from tf_translate.losses.scalar_sum import scalar_sum

Reduction = Literal["mean", "sum"]  # of the scores of an image


def gradient_penalty(
    discriminator: Callable,
    real: tf.Tensor,
    fake: tf.Tensor,
    coefficients: tf.Tensor,
    *,
    reduction: Reduction = "mean",
) -> tf.Tensor:
    """The gradient penalty of WGAN-GP: a gradient norm near 1 between real and fake images.

    Args:
        discriminator: From images to scores of any shape.
        real, fake: `(batch, height, width, channels)`, equal shapes, float.
        coefficients: Interpolation from real (0) to fake (1), `(batch, 1, 1, 1)`.
        reduction: What is differentiated for an image of several scores: their "mean" or "sum".

    Returns:
        Non-negative float32 scalar: the mean over images of (|gradient| - 1)^2, of the gradient of
        the image's mean or summed score; 1 for a constant discriminator.

    Source: Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, eq. 3.
    """
    real, fake = tf.cast(real, tf.float32), tf.cast(fake, tf.float32)
    between = real + coefficients * (fake - real)
    with tf.GradientTape(watch_accessed_variables=False) as tape:  # not for an update
        tape.watch(between)
        scores = tf.cast(discriminator(between), tf.float32)
        total = _sum_of_image_means(scores) if reduction == "mean" else tf.reduce_sum(scores)
    gradients = tf.cast(tape.gradient(total, between), tf.float32)
    squared = tf.reduce_sum(tf.square(gradients), [1, 2, 3])
    # The gradient of a square root is infinite at 0.
    return tf.reduce_mean(tf.square(tf.sqrt(squared + 1e-12) - 1.0))


def r1_penalty(discriminator: Callable, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """R1: a discriminator's gradient near 0 at real images.

    Args:
        discriminator: From images to scores of any shape.
        images: `(batch, height, width, channels)`, real ones.

    Returns:
        The scores, and a non-negative float32 scalar: half the mean over images of the squared
        norm of the gradient of the image's mean score; 0 for a constant discriminator.

    Source: Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, eq. 9 with gamma = 1.
    """
    images = tf.cast(images, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:  # not for an update
        tape.watch(images)
        scores = discriminator(images)
        total = _sum_of_image_means(scores)
    gradients = tf.cast(tape.gradient(total, images), tf.float32)
    return scores, 0.5 * tf.reduce_mean(tf.reduce_sum(tf.square(gradients), [1, 2, 3]))


def gradient_penalties(
    sides: Iterable[tuple], coefficients: Iterable, *, reduction: Reduction = "mean"
) -> tf.Tensor:
    """The gradient penalties of several discriminators in training mode, summed.

    Args:
        sides: For each discriminator: itself, real images and translated ones.
        coefficients: For each discriminator, as in `gradient_penalty`.
        reduction: As in `gradient_penalty`.
    """
    return sum(
        gradient_penalty(
            functools.partial(discriminator, training=True), real, fake, each, reduction=reduction
        )
        for (discriminator, real, fake), each in zip(sides, coefficients, strict=True)
    )


def clip_weights(variables: Sequence, limit: float) -> None:
    """Clips every weight to [-limit, limit], in place.

    Args:
        variables: Trainable variables of a discriminator, those of its norms included.
        limit: Positive; 0.01 in the paper.

    Source: Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, algorithm 1.
    """
    for variable in variables:
        variable.assign(tf.clip_by_value(variable.value, -limit, limit))


def weight_decay(variables: Sequence) -> tf.Tensor:
    """Half the sum of squares of all weights: its gradient is the weights themselves.

    Args:
        variables: Trainable variables.

    Returns:
        Non-negative float32 scalar.

    Source: `weight_decay` of PyTorch's Adam, which DiscoGAN's code uses: it is added to the
    gradient, not decoupled from it.
    """
    return scalar_sum(
        [tf.nn.l2_loss(tf.cast(variable.value, tf.float32)) for variable in variables]
    )


def total_variation(images: tf.Tensor) -> tf.Tensor:
    """Total variation: the norm of every pixel's spatial gradient, summed.

    Args:
        images: `(batch, height, width, channels)`, float, usually in [-1, 1].

    Returns:
        Non-negative float32 scalar, summed over pixels and channels and averaged over images;
        about 0 for a constant image (every root is at least 1e-4).

    Source: DTN, https://arxiv.org/abs/1611.02200, eq. 7 with B = 1.
    """
    images = tf.cast(images, tf.float32)
    down = images[:, 1:, :-1] - images[:, :-1, :-1]
    right = images[:, :-1, 1:] - images[:, :-1, :-1]
    norms = tf.sqrt(tf.square(down) + tf.square(right) + 1e-8)
    return tf.reduce_mean(tf.reduce_sum(norms, [1, 2, 3]))


def mean_weight_decay(variables: Sequence) -> tf.Tensor:
    """Half the mean square of each variable, summed over variables.

    Args:
        variables: Trainable variables.

    Returns:
        Non-negative float32 scalar; half the number of variables if every weight is 1 or -1.

    Source: GeneGAN, https://arxiv.org/abs/1705.04932, in its code
    github.com/Prinsphield/GeneGAN.
    """
    squares = [tf.square(tf.cast(variable.value, tf.float32)) for variable in variables]
    return 0.5 * scalar_sum([tf.reduce_mean(square) for square in squares])


def orthogonality_of_filters(variables: Sequence) -> tf.Tensor:
    """How far the filters of each convolution are from orthogonal vectors of norm 1.

    Args:
        variables: Trainable variables. Those of rank 4 count, `(height, width, c, filters)`, with
            a filter in each row of W. A transposed convolution counts as the convolution that it
            transposes.

    Returns:
        Non-negative float32 scalar: the sum of |W W^T - I| over elements and variables.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, orthogonal regularization.
    """
    losses = [tf.zeros(())]
    for kernel in _kernels(variables):
        filters = tf.reshape(kernel, [-1, kernel.shape[-1]])
        products = tf.matmul(filters, filters, transpose_a=True)
        losses.append(tf.reduce_sum(tf.abs(products - tf.eye(kernel.shape[-1]))))
    return scalar_sum(losses)


def orthogonality_of_rows(variables: Sequence) -> tf.Tensor:
    """How far the rows inside each filter of each convolution are from orthogonal, of norm 1.

    A filter of k x k pixels has k rows. The product of two rows is summed over columns and
    channels. Filters are not compared with each other.

    Args:
        variables: As for `orthogonality_of_filters`.

    Returns:
        Non-negative float32 scalar: the sum of |R R^T - I|, of k x k elements, over filters and
        variables; R holds the rows of a filter.

    Source: train_IAN.py of github.com/ajbrock/Neural-Photo-Editor.
    """
    losses = [tf.zeros(())]
    for kernel in _kernels(variables):
        filters = tf.transpose(kernel, [3, 0, 1, 2])  # (filters, rows, columns, channels)
        rows = tf.reshape(filters, [kernel.shape[3], kernel.shape[0], -1])
        products = tf.matmul(rows, rows, transpose_b=True)  # (filters, rows, rows)
        losses.append(tf.reduce_sum(tf.abs(products - tf.eye(kernel.shape[0]))))
    return scalar_sum(losses)


def _kernels(variables: Sequence) -> list:
    """The kernels of convolutions among variables, in float32."""
    return [tf.cast(each.value, tf.float32) for each in variables if len(each.shape) == 4]


def _sum_of_image_means(scores):
    """The sum over images of each image's mean score: its gradients do not mix images."""
    scores = tf.cast(scores, tf.float32)
    return tf.reduce_sum(tf.reduce_mean(tf.reshape(scores, [tf.shape(scores)[0], -1]), 1))
