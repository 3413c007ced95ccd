"""GAN losses of introspective networks: the auto-encoder shares the discriminator's features."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from tf_translate.losses.adversarial import (
    class_cross_entropy,
    fake_cross_entropy,
    vanilla_generator,
)
from tf_translate.losses.reconstruction import mean_squared_error
from tf_translate.losses.scalar_sum import scalar_sum

REAL, RECONSTRUCTED, SAMPLED = range(3)  # classes of the ternary discriminator


def binary_discriminator(
    real_scores: tf.Tensor, reconstructed_scores: tf.Tensor, sampled_scores: tf.Tensor
) -> tf.Tensor:
    """Cross-entropy of a binary discriminator: 1 for real images, 0 for the two kinds of fakes.

    Args:
        real_scores, reconstructed_scores, sampled_scores: Logits `(batch, 1)`.

    Returns:
        Non-negative float32 scalar; 3 log 2 (2.079) when every logit is 0.

    Source: github.com/ajbrock/Neural-Photo-Editor, IAN_simple.
    """
    return scalar_sum(
        [
            vanilla_generator(real_scores),  # cross-entropy with 1
            fake_cross_entropy(reconstructed_scores),
            fake_cross_entropy(sampled_scores),
        ]
    )


def binary_generator(reconstructed_scores: tf.Tensor, sampled_scores: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of a decoder against a binary discriminator: 1 for both kinds of fakes.

    Args:
        reconstructed_scores, sampled_scores: Logits `(batch, 1)`.

    Returns:
        Non-negative float32 scalar; 2 log 2 (1.386) when every logit is 0.

    Source: github.com/ajbrock/Neural-Photo-Editor, IAN_simple.
    """
    return vanilla_generator(reconstructed_scores) + vanilla_generator(sampled_scores)


def ternary_discriminator(
    real_scores: tf.Tensor, reconstructed_scores: tf.Tensor, sampled_scores: tf.Tensor
) -> tf.Tensor:
    """Cross-entropy of a discriminator with the classes real, reconstructed and sampled.

    Args:
        real_scores, reconstructed_scores, sampled_scores: Logits `(batch, 3)`, in that order.

    Returns:
        Non-negative float32 scalar; 3 log 3 (3.296) when all logits are equal.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, ternary adversarial loss.
    """
    return scalar_sum(
        [
            class_cross_entropy(real_scores, REAL),
            class_cross_entropy(reconstructed_scores, RECONSTRUCTED),
            class_cross_entropy(sampled_scores, SAMPLED),
        ]
    )


def ternary_generator(reconstructed_scores: tf.Tensor, sampled_scores: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of a decoder against three classes: both kinds of fakes as real.

    Args:
        reconstructed_scores, sampled_scores: Logits `(batch, 3)`.

    Returns:
        Non-negative float32 scalar; 2 log 3 (2.197) when all logits are equal.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, ternary adversarial loss.
    """
    return class_cross_entropy(reconstructed_scores, REAL) + class_cross_entropy(
        sampled_scores, REAL
    )


@dataclass(frozen=True)
class IntrospectiveGANLoss:
    """The two sides of an introspective GAN loss, each minimized by its player.

    Attributes:
        num_logits: Number of logits that the discriminator gives.
        discriminator: `(real, reconstructed, sampled) scores -> scalar`.
        generator: `(reconstructed, sampled) scores -> scalar`.
        encoder: `reconstructed scores -> scalar`: the generator's loss but for samples, which do
            not depend on the encoder.
        chance_level: The discriminator's loss if it cannot tell the images apart.
        real_log_odds: `scores -> (batch,)`, the log-odds of "real" against all else.
    """

    num_logits: int
    discriminator: Callable
    generator: Callable
    encoder: Callable
    chance_level: float
    real_log_odds: Callable


def _ternary_encoder(reconstructed_scores):
    return class_cross_entropy(reconstructed_scores, REAL)


def _real_log_odds_of_three(scores):
    return scores[:, REAL] - tf.reduce_logsumexp(scores[:, REAL + 1 :], axis=1)


INTROSPECTIVE_GAN_LOSSES = {
    "binary": IntrospectiveGANLoss(
        num_logits=1,
        discriminator=binary_discriminator,
        generator=binary_generator,
        encoder=vanilla_generator,
        chance_level=3 * math.log(2),
        real_log_odds=lambda scores: scores[:, 0],
    ),
    "ternary": IntrospectiveGANLoss(
        num_logits=3,
        discriminator=ternary_discriminator,
        generator=ternary_generator,
        encoder=_ternary_encoder,
        chance_level=3 * math.log(3),
        real_log_odds=_real_log_odds_of_three,
    ),
}


def feature_distance(features: Sequence, others: Sequence) -> tf.Tensor:
    """Mean over layers of the mean squared difference of their activations.

    Args:
        features, others: Activations by layer, each `(batch, height, width, channels)`.

    Returns:
        Non-negative float32 scalar.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, introspective loss.
    """
    pairs = zip(features, others, strict=True)
    return scalar_sum([mean_squared_error(one, other) for one, other in pairs]) / len(features)


def kl_from_standard_normal(mean: tf.Tensor, log_sigma: tf.Tensor) -> tf.Tensor:
    """KL divergence of normal distributions from N(0, 1), one for each latent dimension.

    Args:
        mean, log_sigma: `(batch, latent)`, float.

    Returns:
        Non-negative float32 scalar, the mean over images and dimensions.

    Source: Kingma & Welling 2014, https://arxiv.org/abs/1312.6114, appendix B; a mean over
    dimensions, not a sum, as in github.com/ajbrock/Neural-Photo-Editor.
    """
    mean, log_sigma = tf.cast(mean, tf.float32), tf.cast(log_sigma, tf.float32)
    return -0.5 * tf.reduce_mean(1.0 + 2.0 * log_sigma - tf.square(mean) - tf.exp(2.0 * log_sigma))
