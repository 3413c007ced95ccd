"""GAN losses: what discriminators and generators minimize."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import tensorflow as tf


def vanilla_discriminator(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of a discriminator: 1 for real images, 0 for translated ones.

    Args:
        real_scores, fake_scores: Logits of any shape.

    Returns:
        Non-negative float32 scalar; log 2 (0.693) when every logit is 0.

    Source: pix2pix, https://arxiv.org/abs/1611.07004, eq. 1; halved so that the discriminator
    learns more slowly, section 3.3.
    """
    return 0.5 * (_cross_entropy(real_scores, 1.0) + _cross_entropy(fake_scores, 0.0))


def vanilla_generator(fake_scores: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of a generator (non-saturating): 1 for translated images.

    Args:
        fake_scores: Logits of translated images, any shape.

    Returns:
        Non-negative float32 scalar; log 2 (0.693) when every logit is 0.

    Source: Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661, section 3.
    """
    return _cross_entropy(fake_scores, 1.0)


def conditional_discriminator(
    real_scores: tf.Tensor, fake_scores: tf.Tensor, *, fake_weight: float = 0.5
) -> tf.Tensor:
    """Cross-entropy of a conditional discriminator: 1 for real images, 0 for generated ones.

    Args:
        real_scores, fake_scores: Logits of any shape.
        fake_weight: Weight of generated images beside real ones.

    Returns:
        Non-negative float32 scalar; 1.5 log 2 (1.040) when every logit is 0.

    Source: IcGAN, https://arxiv.org/abs/1611.06355, section 3. The weight 0.5 is that of
    github.com/Guim3/IcGAN, where `fake_cross_entropy` of mismatched pairs is the other half.
    Age-cGAN, https://arxiv.org/abs/1702.01983, eq. 1, has weight 1.
    """
    return _cross_entropy(real_scores, 1.0) + fake_weight * _cross_entropy(fake_scores, 0.0)


def fake_cross_entropy(scores: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of a discriminator on one kind of fakes: 0 for all of them.

    Args:
        scores: Logits of any shape.

    Returns:
        Non-negative float32 scalar; log 2 (0.693) when every logit is 0.

    Source: github.com/Guim3/IcGAN, for real images with the attributes of other images.
    """
    return _cross_entropy(scores, 0.0)


def least_squares_discriminator(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """Least squares of a discriminator: 1 for real images, 0 for translated ones.

    Args:
        real_scores, fake_scores: Unbounded scores of any shape.

    Returns:
        Non-negative float32 scalar, 0 at the optimum; 0.25 when every score is 0.5.

    Source: Mao et al. 2017, https://arxiv.org/abs/1611.04076, eq. 2 with a=0, b=1.
    """
    real, fake = tf.cast(real_scores, tf.float32), tf.cast(fake_scores, tf.float32)
    return 0.5 * (tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake)))


def least_squares_generator(fake_scores: tf.Tensor) -> tf.Tensor:
    """Least squares of a generator: 1 for translated images.

    Args:
        fake_scores: Unbounded scores of any shape.

    Returns:
        Non-negative float32 scalar, 0 at the optimum; 1 when every score is 0.

    Source: CycleGAN, https://arxiv.org/abs/1703.10593, section 4 (no factor 1/2).
    """
    return tf.reduce_mean(tf.square(tf.cast(fake_scores, tf.float32) - 1.0))


def wasserstein_discriminator(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """Mean score of translated images minus that of real ones.

    Args:
        real_scores, fake_scores: Unbounded scores of any shape.

    Returns:
        Float32 scalar of either sign. If the discriminator's gradient is bounded, by clipping or
        a penalty, its negative estimates the Wasserstein distance of the two distributions.

    Source: Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, algorithm 1.
    """
    real, fake = tf.cast(real_scores, tf.float32), tf.cast(fake_scores, tf.float32)
    return tf.reduce_mean(fake) - tf.reduce_mean(real)


def wasserstein_generator(fake_scores: tf.Tensor) -> tf.Tensor:
    """Negative mean score of translated images.

    Args:
        fake_scores: Unbounded scores of any shape.

    Returns:
        Float32 scalar, of either sign.

    Source: Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, algorithm 1.
    """
    return -tf.reduce_mean(tf.cast(fake_scores, tf.float32))


def class_cross_entropy(logits: tf.Tensor, label: int) -> tf.Tensor:
    """Cross-entropy of images that all belong to one of several classes.

    Args:
        logits: `(..., classes)`.
        label: Index of their class.

    Returns:
        Non-negative float32 scalar; log(classes) when all logits are equal (1.099 for three).

    Source: DTN, https://arxiv.org/abs/1611.02200, eq. 3 and 4.
    """
    logits = tf.cast(logits, tf.float32)
    labels = tf.fill(tf.shape(logits)[:-1], label)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))


@dataclass(frozen=True)
class GANLoss:
    """The two sides of a GAN loss, each minimized by its player.

    Attributes:
        discriminator: `(real_scores, fake_scores) -> scalar`.
        generator: `fake_scores -> scalar`.
        chance_level: The discriminator's loss if it cannot tell real from generated images; 0
            marks a Wasserstein loss, which has no bound.
    """

    discriminator: Callable
    generator: Callable
    chance_level: float


GAN_LOSSES = {
    "vanilla": GANLoss(vanilla_discriminator, vanilla_generator, math.log(2)),
    "least_squares": GANLoss(least_squares_discriminator, least_squares_generator, 0.25),
    "wasserstein": GANLoss(wasserstein_discriminator, wasserstein_generator, 0.0),
}


def gan_loss(name: str) -> GANLoss:
    """Finds a GAN loss by its name.

    Raises:
        ValueError: If no loss has that name; the message lists all names.
    """
    if name not in GAN_LOSSES:
        raise ValueError(f"`gan_mode` must be one of {sorted(GAN_LOSSES)}, got {name!r}")
    return GAN_LOSSES[name]


def discriminator_losses(loss: GANLoss, sides: Iterable[tuple]) -> tf.Tensor:
    """The losses of several discriminators, summed.

    Args:
        loss: The GAN loss.
        sides: For each discriminator: itself, real images and generated ones.

    Returns:
        Float32 scalar.
    """
    return sum(
        loss.discriminator(discriminator(real, training=True), discriminator(fake, training=True))
        for discriminator, real, fake in sides
    )


def _cross_entropy(logits, target: float):
    logits = tf.cast(logits, tf.float32)
    labels = tf.fill(tf.shape(logits), target)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
