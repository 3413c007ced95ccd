"""DTN, Taigman et al. 2017 (arXiv 1611.02200), section 4 and section 5."""

import torch

from scripts.benchmarks.parity.losses import ce, mse
from scripts.benchmarks.parity.run import Run

Tensor = torch.Tensor

_WEIGHTS = {"constancy": 15.0, "target_identity": 15.0, "total_variation": 0.0}  # digits
_FROM_SOURCE, _FROM_TARGET, _TARGET = 0, 1, 2  # D's classes 1 to 3 in eq. 3


def feature_extractor(run: Run) -> None:
    """f and a head classify the source (section 5.1)."""
    batch = run.batch()
    codes = run.networks["feature_extractor"](batch["a"])
    loss = ce(run.networks["head"](codes), batch["label_a"])
    run.log(classes=loss)
    run.turn("feature_extractor", {"feature_extractor": loss, "head": loss})


def transfer(run: Run) -> None:
    """D takes a turn, then g, on G(s) and G(t); f is frozen."""
    weights = {**_WEIGHTS, **run.loss_weights}
    discriminator = run.networks["discriminator"]
    batch = run.batch()
    source, target = batch["a"], batch["b"]
    code = _codes(run, source).detach()
    codes = torch.cat([code, _codes(run, target).detach()])
    # The documented departure: one pass decodes both, so that batch norm sees both.
    from_source, from_target = run.networks["decoder"](codes).chunk(2)
    loss = ce(discriminator(from_source.detach()), _FROM_SOURCE)  # eq. 3
    loss = loss + ce(discriminator(from_target.detach()), _FROM_TARGET)
    loss = loss + ce(discriminator(target), _TARGET)
    run.log(discriminator=loss)
    run.turn("discriminator", {"discriminator": loss})
    adversarial = ce(discriminator(from_source), _TARGET) + ce(discriminator(from_target), _TARGET)
    after = _codes(run, from_source)
    constancy = mse(after, code) if run.settings["constancy"] == "mse" else _cosine(after, code)
    identity = mse(from_target, target)
    run.log(adversarial=adversarial, constancy=constancy, target_identity=identity)
    total = adversarial + weights["constancy"] * constancy
    total = total + weights["target_identity"] * identity
    if weights["total_variation"]:
        variation = _total_variation(from_source)
        run.log(total_variation=variation)
        total = total + weights["total_variation"] * variation
    run.turn("decoder", {"decoder": total})


def _codes(run: Run, images: Tensor) -> Tensor:
    """f of images, grey ones repeated to three channels, in inference mode."""
    channels = 3
    repeated = images if images.shape[-1] == channels else images.expand(-1, -1, -1, channels)
    return run.networks["feature_extractor"](repeated, training=False)


def _cosine(codes: Tensor, others: Tensor) -> Tensor:
    """1 - cos of each image's codes (section 5.2)."""
    codes, others = codes.flatten(1), others.flatten(1)
    norms = torch.sqrt((codes**2).sum(1) * (others**2).sum(1))
    return (1 - (codes * others).sum(1) / norms).mean()


def _total_variation(images: Tensor) -> Tensor:
    """Eq. 7 with B = 1 for each image; every root is at least 1e-4, as its gradient needs."""
    corner = images[:, :-1, :-1]
    squares = (images[:, :-1, 1:] - corner) ** 2 + (images[:, 1:, :-1] - corner) ** 2
    return torch.sqrt(squares + 1e-4**2).sum((1, 2, 3)).mean()
