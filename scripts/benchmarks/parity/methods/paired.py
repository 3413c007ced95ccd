"""pix2pix, Isola et al. 2017 (arXiv 1611.07004), section 3 and the authors' PyTorch code."""

from scripts.benchmarks.parity.losses import bce, l1
from scripts.benchmarks.parity.run import Run

_L1 = 100.0  # lambda in eq. 4, as in the code


def pix2pix(run: Run) -> None:
    """One step of D, then one of G, on the same pair and the same translation (section 3.3)."""
    generator, discriminator = run.networks["generator"], run.networks["discriminator"]
    x, y = run.batch()["a"], run.batch()["b"]
    translated = generator(x)
    # Halved, which slows D down relative to G (section 3.3).
    real = discriminator(x, y)
    loss = 0.5 * (bce(real, 1) + bce(discriminator(x, translated.detach()), 0))
    run.log(discriminator=loss)
    run.turn("discriminator", {"discriminator": loss})
    adversarial, content = bce(discriminator(x, translated), 1), l1(y, translated)
    run.log(adversarial=adversarial, l1=content)
    run.turn("generator", {"generator": adversarial + _L1 * content})
