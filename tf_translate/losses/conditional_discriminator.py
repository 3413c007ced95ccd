"""Losses of a discriminator that sees images beside attributes: IcGAN's and Age-cGAN's."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tf_translate.losses.adversarial import conditional_discriminator, fake_cross_entropy
from tf_translate.losses.regularization import r1_penalty


def conditional_discriminator_losses(
    logits_of: Callable,
    batch: Mapping,
    generated: tf.Tensor,
    *,
    uses: Callable[[str], bool],
    fake_weight: float,
) -> dict[str, Any]:
    """Losses of a conditional discriminator, by loss term.

    Args:
        logits_of: From images, attributes and their kind, "real", "generated" or "mismatched",
            to logits.
        batch: `image`, its `attributes`, `other_attributes` that differ from them, and
            `sampled_attributes`, those of `generated`.
        generated: Generated images, shape as `image`.
        uses: Whether a term is active; others are left out and cost nothing.
        fake_weight: Weight of generated images beside real ones.

    Returns:
        Float32 scalars: "discriminator", "r1" and "mismatched". The first two share one forward
        pass of real images.

    Source: IcGAN, https://arxiv.org/abs/1611.06355, section 3, and github.com/Guim3/IcGAN;
    Age-cGAN, https://arxiv.org/abs/1702.01983, eq. 1.
    """
    losses = {}

    def real_logits(images):
        return logits_of(images, batch["attributes"], "real")

    if uses("r1"):
        real, losses["r1"] = r1_penalty(real_logits, batch["image"])
    elif uses("discriminator"):
        real = real_logits(batch["image"])
    if uses("discriminator"):
        fake = logits_of(generated, batch["sampled_attributes"], "generated")
        losses["discriminator"] = conditional_discriminator(real, fake, fake_weight=fake_weight)
    if uses("mismatched"):
        mismatched = logits_of(batch["image"], batch["other_attributes"], "mismatched")
        losses["mismatched"] = fake_cross_entropy(mismatched)
    return losses
