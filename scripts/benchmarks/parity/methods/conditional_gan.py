"""IcGAN and Age-cGAN: a conditional GAN, then encoders.

IcGAN: Perarnau et al. 2016 (arXiv 1611.06355), section 3, and the authors' Torch code. Age-cGAN:
Antipov et al. 2017 (arXiv 1702.01983), section 2.
"""

import torch

from scripts.benchmarks.parity.losses import bce, ce, mse
from scripts.benchmarks.parity.run import Run

Tensor = torch.Tensor

_TEMPERATURE = 0.1  # of the contrastive loss: ours, not Age-cGAN's


def icgan_gan(run: Run) -> None:
    """Fakes and real images with other attributes have half the weight of real ones each."""
    _gan(run, fake_weight=0.5, mismatched_weight=0.5)


def age_cgan_gan(run: Run) -> None:
    """Eq. 1: real faces with their age against generated ones."""
    _gan(run, fake_weight=1.0, mismatched_weight=0.0)


def _gan(run: Run, fake_weight: float, mismatched_weight: float) -> None:
    generator, discriminator = run.networks["generator"], run.networks["discriminator"]
    batch = run.batch()
    image, y = batch["image"], _signed(batch["attributes"])
    y_of_fakes = _signed(batch["sampled_attributes"])
    generated = generator(run.random("z"), y_of_fakes)
    loss = bce(discriminator(image, y), 1)
    loss = loss + fake_weight * bce(discriminator(generated.detach(), y_of_fakes), 0)
    run.log(discriminator=loss)
    if mismatched_weight:
        mismatched = bce(discriminator(image, _signed(batch["other_attributes"])), 0)
        run.log(mismatched=mismatched)
        loss = loss + mismatched_weight * mismatched
    run.turn("discriminator", {"discriminator": loss})
    adversarial = bce(discriminator(generated, y_of_fakes), 1)
    run.log(adversarial=adversarial)
    run.turn("generator", {"generator": adversarial})


def latent_encoder(name: str):
    """The stage of the encoder of z; G's batch norm is recalibrated in its first steps."""

    def step(run: Run) -> None:
        generator, y = run.networks["generator"], _signed(run.batch()["sampled_attributes"])
        if run.step < run.settings["bn_recalibration_steps"]:
            # G in training mode, on several z for each image; the encoder learns from the first.
            several = run.random("several_z")  # (batch, repeats, latent)
            repeats = several.shape[1]
            images = generator(several.flatten(0, 1), y.repeat_interleave(repeats, 0))
            generated, z = images[::repeats], several[:, 0]
        else:
            z = run.random("z")
            generated = generator(z, y, training=False)
        loss = mse(run.networks[name](generated.detach()), z)
        run.log(latent=loss)
        run.turn(name, {name: loss})

    return step


def attribute_encoder(run: Run) -> None:
    """E_y regresses the attributes, -1 and +1, of real images."""
    batch = run.batch()
    loss = mse(run.networks["encoder_y"](batch["image"]), _signed(batch["attributes"]))
    run.log(attributes=loss)
    run.turn("encoder_y", {"encoder_y": loss})


def identity_embedder(run: Run) -> None:
    """Ours, in place of FaceNet: Chen et al. 2020, eq. 1, between first and second views."""
    views = torch.cat([run.random("view_0"), run.random("view_1")])
    first, second = run.networks["identity_embedder"](views).chunk(2)
    first, second = (each / each.norm(dim=1, keepdim=True) for each in (first, second))
    cosines = first @ second.T / _TEMPERATURE
    own = torch.arange(len(first))
    loss = 0.5 * (ce(cosines, own) + ce(cosines.T, own))
    run.log(nt_xent=loss)
    run.turn("identity_embedder", {"identity_embedder": loss})


def _signed(attributes: Tensor) -> Tensor:
    """IcGAN's -1 and +1; Age-cGAN's one-hot groups are scaled alike (a documented departure)."""
    return 2 * attributes - 1
