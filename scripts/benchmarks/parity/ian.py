"""IAN, Brock et al. 2017 (arXiv 1609.07093), section 3, and the authors' IAN_simple."""

import torch

from scripts.benchmarks.parity.losses import bce, ce, l1, mse
from scripts.benchmarks.parity.run import Run

Tensor = torch.Tensor

_PIXEL, _L2 = 3.0, 1e-5  # IAN_simple: recon_weight, reg
_REAL, _RECONSTRUCTED, _SAMPLED = 0, 1, 2  # the classes of the ternary form


def ian(run: Run) -> None:
    """Decoder and encoder head take a turn, then trunk and discriminator head, on one batch."""
    trunk, head = run.networks["trunk"], run.networks["discriminator_head"]
    image = run.batch()["image"]
    features = trunk(image)
    kept = [each.detach() for each in features]
    mean, log_sigma = run.networks["encoder_head"](kept[-1])
    latent = mean + torch.exp(log_sigma) * run.random("noise")
    reconstructed = run.networks["decoder"](latent)
    sampled = run.networks["decoder"](run.random("z"))
    pixel = 2 * l1(reconstructed, image)
    again = trunk(reconstructed)
    feature = torch.stack([mse(one, other) for one, other in zip(again, kept, strict=True)]).mean()
    adversarial = _against(head(again[-1]), _REAL) + _against(head(trunk(sampled)[-1]), _REAL)
    # KL(N(mean, sigma) | N(0, 1)), a mean over images and dimensions.
    kl = 0.5 * (mean**2 + torch.exp(2 * log_sigma) - 1 - 2 * log_sigma).mean()
    run.log(pixel=pixel, feature=feature, adversarial=adversarial, kl=kl)
    content = _PIXEL * pixel + feature + kl + _weight_losses(run, "encoder_head", "decoder")
    # The encoder head does not learn from the adversarial loss.
    totals = {"encoder_head": content, "decoder": content + adversarial}
    run.turn("autoencoder", totals)
    loss = _against(head(features[-1]), _REAL)
    loss = loss + _against(head(trunk(reconstructed.detach())[-1]), _RECONSTRUCTED)
    loss = loss + _against(head(trunk(sampled.detach())[-1]), _SAMPLED)
    run.log(discriminator=loss)
    total = loss + _weight_losses(run, "trunk", "discriminator_head")
    run.turn("discriminator", {"trunk": total, "discriminator_head": total})


def _against(logits: Tensor, label: int) -> Tensor:
    """Cross-entropy of two or of three classes; of two, reconstructions and samples are one."""
    if logits.shape[-1] == 1:
        return bce(logits, 1 if label == _REAL else 0)
    return ce(logits, label)


def _weight_losses(run: Run, *networks: str) -> Tensor:
    """L2 of all weights and, if it has a weight, the orthogonality of filters."""
    l2 = torch.stack([(weight**2).sum() for weight in run.weights(*networks)]).sum()
    run.log(l2=l2)
    factor = run.loss_weights.get("orthogonal", 0.0)
    if not factor:
        return _L2 * l2
    residuals = []
    for weight in run.weights(*networks):
        if weight.ndim == 4:  # |W W^T - I|, a filter in each row
            filters = weight.flatten(0, 2).T
            residuals.append((filters @ filters.T - torch.eye(len(filters))).abs().sum())
    orthogonal = torch.stack([*residuals, torch.zeros((), dtype=torch.float64)]).sum()
    run.log(orthogonal=orthogonal)
    return _L2 * l2 + factor * orthogonal
