"""Fader Networks, Lample et al. 2017 (arXiv 1706.00409), section 3, and the authors' code."""

import torch

from scripts.benchmarks.parity.losses import ce, mse
from scripts.benchmarks.parity.run import Run

Tensor = torch.Tensor

_NORM = 5.0  # clip_grad_norm of the code, of each optimizer
_LAMBDA = 1e-4  # lambda_E at the end of its ramp (section 4)


def fader(run: Run) -> None:
    """The latent discriminator takes its turns, then the auto-encoder, each on its own images."""
    encoder, decoder = run.networks["encoder"], run.networks["decoder"]
    discriminator = run.networks["latent_discriminator"]
    turns = run.settings["discriminator_turns"]
    for turn in range(turns):
        batch = run.batch(turn)
        latent = encoder(batch["image"], training=False).detach()  # the auto-encoder in eval mode
        loss = _cross_entropies(run, discriminator(latent), _values(run, batch["attributes"]))
        run.log(latent_discriminator=loss)
        run.turn("latent_discriminator", {"latent_discriminator": loss}, gradient_norm=_NORM)
    batch = run.batch(turns)
    latent = encoder(batch["image"])
    reconstruction = mse(decoder(latent, batch["attributes"]), batch["image"])
    logits = discriminator(latent, training=False)  # no dropout in this turn
    adversarial = _cross_entropies(run, logits, _others(run, batch["attributes"]))
    run.log(reconstruction=reconstruction, latent_adversarial=adversarial)
    ramp = min(run.step, run.settings["ramp"]) / run.settings["ramp"]
    lambda_e = run.loss_weights.get("latent_adversarial", _LAMBDA) * ramp
    total = reconstruction + lambda_e * adversarial
    run.turn("autoencoder", {"encoder": total, "decoder": total}, gradient_norm=_NORM)


def _values(run: Run, attributes: Tensor) -> list[Tensor]:
    """The index of each attribute's value: binary ones have one column, others one for each."""
    values, column = [], 0
    for size in run.sizes:
        width = 1 if size == 2 else size
        columns = attributes[:, column : column + width]
        values.append(columns[:, 0].long() if width == 1 else columns.argmax(1))
        column += width
    return values


def _others(run: Run, attributes: Tensor) -> list[Tensor]:
    """A value that differs from the image's own: the other one, or one that ours has sampled."""
    others = []
    for index, (own, size) in enumerate(zip(_values(run, attributes), run.sizes, strict=True)):
        other = 1 - own if size == 2 else run.random(f"other_{index}").long()
        if (other == own).any():
            raise ValueError(f"attribute {index}: a sampled other value is the image's own")
        others.append(other)
    return others


def _cross_entropies(run: Run, logits: Tensor, values: list[Tensor]) -> Tensor:
    """The cross-entropy of each attribute, summed."""
    parts = zip(logits.split(list(run.sizes), -1), values, strict=True)
    return torch.stack([ce(part, value) for part, value in parts]).sum()
