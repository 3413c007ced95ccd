"""IAN, Brock et al. 2017 (arXiv 1609.07093), section 3, and the authors' code.

IAN_simple.py and train_IAN_simple.py have two classes, IAN.py and train_IAN.py three.
"""

from collections.abc import Sequence

import torch

from scripts.benchmarks.parity.losses import bce, ce, l1, mse
from scripts.benchmarks.parity.run import Run

Tensor = torch.Tensor

_PIXEL, _L2 = 3.0, 1e-5  # recon_weight and reg of both configurations
_REAL, _RECONSTRUCTED, _SAMPLED = 0, 1, 2  # p1, p2, p3 of train_IAN.py


def ian(run: Run) -> None:
    """One step."""
    if run.settings["updates"] == "alternate":
        _alternate(run)
    else:
        _together(run)


def _together(run: Run) -> None:
    """Decoder and encoder head take a turn, then trunk and discriminator head, on one batch."""
    image = run.batch()["image"]
    features = run.networks["trunk"](image)
    latent, kl = _encode(run, features)
    reconstructed, sampled = _decode(run, latent), _decode(run, run.random("z"))
    content, again = _content(run, image, reconstructed, features)
    on_reconstructions = _against(run, again, _REAL)
    on_samples = _against(run, run.networks["trunk"](sampled), _REAL)
    run.log(adversarial=on_reconstructions + on_samples, kl=kl)
    of_head, of_decoder = _regularization(run, "encoder_head"), _regularization(run, "decoder")
    if _orthogonal(run):
        run.log(l2=of_head, orthogonal=of_decoder)
    else:  # both are L2, of one player
        run.log(l2=of_head + of_decoder)
    # Of two classes, the encoder head does not learn from the adversarial loss.
    ternary = run.settings["discriminator"] == "ternary"
    to_head = content + kl + (on_reconstructions if ternary else 0)
    to_decoder = content + on_reconstructions + on_samples
    totals = {
        "encoder_head": to_head + _weighted(run, "encoder_head", of_head),
        "decoder": to_decoder + _weighted(run, "decoder", of_decoder),
    }
    run.turn("autoencoder", totals)
    _discriminate(run, features, reconstructed, sampled)


def _alternate(run: Run) -> None:
    """train_IAN.py: one batch for decoder and encoder head, the next for discriminator and head.

    Both updates of a batch are made from the weights before it.
    """
    first, second = run.batch(0)["image"], run.batch(1)["image"]
    features = run.networks["trunk"](first)
    latent, kl = _encode(run, features)
    reconstructed = _decode(run, latent)
    by_decoder = _decode(run, latent.detach())  # the same images
    content, again = _content(run, first, by_decoder, features)
    adversarial = _against(run, again, _REAL)
    sampled = _decode(run, run.random("z"))
    adversarial = adversarial + _against(run, run.networks["trunk"](sampled), _REAL)
    residual = _regularization(run, "decoder")
    run.log(adversarial=adversarial)
    _log_regularization(run, residual)
    total = content + adversarial + _weighted(run, "decoder", residual)
    run.turn("decoder", {"decoder": total})
    _encoder_turn(run, first, reconstructed, features, kl)
    features = run.networks["trunk"](second)
    latent, kl = _encode(run, features, "second_noise")
    reconstructed = _decode(run, latent)
    _encoder_turn(run, second, reconstructed, features, kl)
    _discriminate(run, features, reconstructed, _decode(run, run.random("second_z")))


def _encoder_turn(
    run: Run, image: Tensor, reconstructed: Tensor, features: Sequence[Tensor], kl: Tensor
) -> None:
    """The updates of Z_params: samples do not depend on them."""
    content, again = _content(run, image, reconstructed, features)
    adversarial, l2 = _against(run, again, _REAL), _regularization(run, "encoder_head")
    run.log(adversarial=adversarial, kl=kl, l2=l2)
    run.turn("encoder", {"encoder_head": content + adversarial + kl + _L2 * l2})


def _discriminate(
    run: Run, features: Sequence[Tensor], reconstructed: Tensor, sampled: Tensor
) -> None:
    """The turn of trunk and discriminator head; reconstructions are constants."""
    trunk = run.networks["trunk"]
    loss = _against(run, features, _REAL)
    loss = loss + _against(run, trunk(reconstructed.detach()), _RECONSTRUCTED)
    loss = loss + _against(run, trunk(sampled.detach()), _SAMPLED)
    residual = _regularization(run, "trunk", "discriminator_head")
    run.log(discriminator=loss)
    _log_regularization(run, residual)
    total = loss + _weighted(run, "trunk", residual)
    run.turn("discriminator", {"trunk": total, "discriminator_head": total})


def _encode(run: Run, features: Sequence[Tensor], noise: str = "noise") -> tuple[Tensor, Tensor]:
    """z0 of images, and KL(N(mean, sigma) | N(0, 1)), a mean over images and dimensions."""
    mean, log_sigma = run.networks["encoder_head"](features[-1].detach())
    kl = 0.5 * (mean**2 + torch.exp(2 * log_sigma) - 1 - 2 * log_sigma).mean()
    return mean + torch.exp(log_sigma) * run.random(noise), kl


def _decode(run: Run, latent: Tensor) -> Tensor:
    """Images of z0: the full network has its flow before the decoder."""
    flow = run.networks.get("latent_flow")
    return run.networks["decoder"](latent if flow is None else flow(latent))


def _content(
    run: Run, image: Tensor, reconstructed: Tensor, features: Sequence[Tensor]
) -> tuple[Tensor, Sequence[Tensor]]:
    """Pixel and feature losses, weighted, and the features of the reconstructions."""
    again, pixel = run.networks["trunk"](reconstructed), 2 * l1(reconstructed, image)
    pairs = zip(again, features, strict=True)
    feature = torch.stack([mse(one, other.detach()) for one, other in pairs]).mean()
    run.log(pixel=pixel, feature=feature)
    return _PIXEL * pixel + feature, again


def _against(run: Run, features: Sequence[Tensor], label: int) -> Tensor:
    """Cross-entropy of two or of three classes; of two, reconstructions and samples are one."""
    logits = run.networks["discriminator_head"](features[-1])
    if logits.shape[-1] == 1:
        return bce(logits, 1 if label == _REAL else 0)
    return ce(logits, label)


def _orthogonal(run: Run) -> float:
    """The weight of the orthogonal term, 0 if L2 is on all weights (train_IAN.py: `ortho`)."""
    return run.loss_weights.get("orthogonal", 0.0)


def _regularization(run: Run, *networks: str) -> Tensor:
    """Orthogonality of a player's kernels, or L2 of all its weights; L2 of the encoder head."""
    weights = run.weights(*networks)
    if not _orthogonal(run) or "encoder_head" in networks:
        return torch.stack([(weight**2).sum() for weight in weights]).sum()
    kernels = [weight for weight in weights if weight.ndim == 4]  # (rows, columns, in, filters)
    rows = run.settings["orthogonal_form"] == "rows"
    return torch.stack([_residual(each, rows) for each in kernels]).sum()


def _residual(kernel: Tensor, rows: bool) -> Tensor:
    """|R R^T - I| of the rows of each filter (ortho_res), or of all filters of a layer."""
    if rows:
        products = torch.einsum("rcif,scif->frs", kernel, kernel)
    else:
        products = torch.einsum("rcif,rcig->fg", kernel, kernel)
    return (products - torch.eye(products.shape[-1])).abs().sum()


def _weighted(run: Run, network: str, residual: Tensor) -> Tensor:
    orthogonal = _orthogonal(run)
    return (orthogonal if orthogonal and network != "encoder_head" else _L2) * residual


def _log_regularization(run: Run, residual: Tensor) -> None:
    """Logs the regularization of a player without the encoder head."""
    run.log(**{"orthogonal" if _orthogonal(run) else "l2": residual})
