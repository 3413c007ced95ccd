"""What the discriminator of a conditional GAN minimises: IcGAN's and Age-cGAN's, in their terms."""

from collections.abc import Callable, Mapping

from tf_translate.losses.adversarial import called_fake, conditional_discriminator
from tf_translate.losses.regularization import zero_centred_penalty


def conditional_discriminator_losses(
    judged: Callable, batch: Mapping, drawn, *, uses: Callable[[str], bool], fakes: float
):
    """Losses of a discriminator that judges images beside attributes, by term.

    Args:
        judged: From images, attributes and what they are, "real", "drawn" or "mismatched", to
            logits.
        batch: `image`, its `attributes`, `other_attributes` that are not its, and
            `drawn_attributes` of `drawn`.
        drawn: Drawings, shape as `image`.
        uses: Whether a term is in use; others are left out and cost nothing.
        fakes: What drawn images count beside real ones.

    Returns:
        Float32 scalars: "discriminator" and "r1" (R1) on one judgement of real images, "mismatched".

    Source: IcGAN, https://arxiv.org/abs/1611.06355, section 3, and github.com/Guim3/IcGAN;
    Age-cGAN, https://arxiv.org/abs/1702.01983, eq. 1.
    """
    losses = {}

    def judged_real(images):
        return judged(images, batch["attributes"], "real")

    if uses("r1"):
        real, losses["r1"] = zero_centred_penalty(judged_real, batch["image"])
    elif uses("discriminator"):
        real = judged_real(batch["image"])
    if uses("discriminator"):
        fake = judged(drawn, batch["drawn_attributes"], "drawn")
        losses["discriminator"] = conditional_discriminator(real, fake, fakes=fakes)
    if uses("mismatched"):
        mismatched = judged(batch["image"], batch["other_attributes"], "mismatched")
        losses["mismatched"] = called_fake(mismatched)
    return losses
