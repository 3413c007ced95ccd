"""CycleGAN, DualGAN and DiscoGAN: two generators and two discriminators.

CycleGAN: Zhu et al. 2017 (arXiv 1703.10593) and the authors' PyTorch code. DualGAN: Yi et al. 2017
(arXiv 1704.02510) and its TensorFlow code. DiscoGAN: Kim et al. 2017 (arXiv 1703.05192) and its
PyTorch code.
"""

import torch

from scripts.benchmarks.parity.losses import bce, l1, mse
from scripts.benchmarks.parity.run import Run

Tensor = torch.Tensor

_CYCLE, _IDENTITY = 10.0, 0.5  # lambda (section 4), and lambda_identity of the code
_RECONSTRUCTION = 500.0  # DualGAN's code
_PENALTY = 10.0  # gamma of WGAN-GP in DualGAN's code
_DISCRIMINATOR_TURNS = {"wgan_clip": 3, "wgan_gp": 1}  # the paper: 2 to 4; the code: 1
_MATCHING = 0.9  # DiscoGAN's code: 9 parts feature matching, 1 part GAN
_DECAY = 1e-5  # weight_decay of Adam in DiscoGAN's code


class ImagePool:
    """Section 4 of CycleGAN: D sees a history of generated images (code: util/image_pool.py)."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._images: list[Tensor] = []

    def query(self, images: Tensor, random_values: Tensor) -> Tensor:
        """An image goes in while there is room; then, half of the time, one is exchanged.

        Args:
            images: `(batch, ...)`.
            random_values: `(batch, 2)` in [0, 1): which image, and whether.
        """
        returned = []
        for image, (which, whether) in zip(images.detach(), random_values, strict=True):
            if len(self._images) < self._size:
                self._images.append(image)
                returned.append(image)
            elif whether < 0.5:
                index = int(which * self._size)
                returned.append(self._images[index])
                self._images[index] = image
            else:
                returned.append(image)
        return torch.stack(returned)


class CycleGAN:
    """G and F take a joint step, then D_X and D_Y, in the least-squares form."""

    def __init__(self, run: Run) -> None:
        self._pools = {side: ImagePool(run.settings["pool_size"]) for side in ("a", "b")}

    def __call__(self, run: Run) -> None:
        """One step."""
        g, f = run.networks["generator_ab"], run.networks["generator_ba"]
        d_x, d_y = run.networks["discriminator_a"], run.networks["discriminator_b"]
        x, y = run.batch()["a"], run.batch()["b"]
        fake_y, fake_x = g(x), f(y)
        cycle_a, cycle_b = l1(f(fake_y), x), l1(g(fake_x), y)
        identity_a, identity_b = l1(f(x), x), l1(g(y), y)
        adversarial = ((d_y(fake_y) - 1) ** 2).mean() + ((d_x(fake_x) - 1) ** 2).mean()
        total = adversarial + _CYCLE * (cycle_a + cycle_b)
        total = total + _CYCLE * _IDENTITY * (identity_a + identity_b)
        run.log(
            cycle_a=cycle_a, cycle_b=cycle_b, identity_a=identity_a, identity_b=identity_b,
            adversarial=adversarial,
        )  # fmt: skip
        run.turn("generators", {"generator_ab": total, "generator_ba": total})
        losses = []
        for discriminator, real, fake, side in ((d_x, x, fake_x, "a"), (d_y, y, fake_y, "b")):
            older = self._pools[side].query(fake, run.random(f"pool_{side}"))
            of_real, of_fake = discriminator(real), discriminator(older)
            losses.append(0.5 * (((of_real - 1) ** 2).mean() + (of_fake**2).mean()))
        run.log(discriminator=losses[0] + losses[1])
        run.turn("discriminators", {"discriminator_a": losses[0], "discriminator_b": losses[1]})


def dualgan(run: Run) -> None:
    """Discriminators take turns on fresh images, then the generators one on the last of them."""
    mode = run.settings["gan_mode"]
    turns = run.settings["discriminator_turns"] or _DISCRIMINATOR_TURNS[mode]
    for turn in range(turns):
        fakes = _dualgan_discriminators(run, turn, mode)
    g, f = run.networks["generator_ab"], run.networks["generator_ba"]
    batch, (fake_a, fake_b) = run.batch(turns - 1), fakes
    of_a, of_b = l1(f(fake_b), batch["a"]), l1(g(fake_a), batch["b"])
    adversarial = -run.networks["discriminator_b"](fake_b).mean()
    adversarial = adversarial - run.networks["discriminator_a"](fake_a).mean()
    run.log(reconstruction_a=of_a, reconstruction_b=of_b, adversarial=adversarial)
    total = adversarial + _RECONSTRUCTION * (of_a + of_b)
    run.turn("generators", {"generator_ab": total, "generator_ba": total})


def _dualgan_discriminators(run: Run, turn: int, mode: str) -> tuple[Tensor, Tensor]:
    """A turn of both discriminators (section 3.1); returns the translations it was taken on."""
    batch = run.batch(turn)
    fake_a = run.networks["generator_ba"](batch["b"])
    fake_b = run.networks["generator_ab"](batch["a"])
    loss = torch.zeros((), dtype=torch.float64)
    penalty = torch.zeros((), dtype=torch.float64)
    for side, fake in (("a", fake_a.detach()), ("b", fake_b.detach())):
        network, real = run.networks[f"discriminator_{side}"], batch[side]
        loss = loss + (-network(real).mean() + network(fake).mean())
        if mode == "wgan_gp":
            between = real + run.random(f"between_{side}") * (fake - real)
            between.requires_grad_(True)
            # The code differentiates the sum of all scores.
            scores = network(between)
            (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
            norm = torch.sqrt((gradient**2).sum((1, 2, 3)))
            penalty = penalty + ((norm - 1) ** 2).mean()
    run.log(discriminator=loss)
    if mode == "wgan_gp":
        run.log(gradient_penalty=penalty)
    total = loss + _PENALTY * penalty
    clip = run.settings["clip"] if mode == "wgan_clip" else None
    run.turn("discriminators", {"discriminator_a": total, "discriminator_b": total}, clip=clip)
    return fake_a, fake_b


def discogan(run: Run) -> None:
    """D takes every third turn, G the two others, each on its own images (the code)."""
    g, f = run.networks["generator_ab"], run.networks["generator_ba"]
    batch = run.batch(0)
    fakes = {"b": g(batch["a"]), "a": f(batch["b"])}
    loss = torch.zeros((), dtype=torch.float64)
    for side in ("a", "b"):
        network = run.networks[f"discriminator_{side}"]
        real, fake = network(batch[side])[0], network(fakes[side].detach())[0]
        loss = loss + 0.5 * bce(real, 1) + 0.5 * bce(fake, 0)
    decay = _half_squares(run, "discriminator_a", "discriminator_b")
    run.log(discriminator=loss, discriminators_decay=decay)
    total = loss + _DECAY * decay
    run.turn("discriminators", {"discriminator_a": total, "discriminator_b": total})
    for index in (1, 2):
        _discogan_generators(run, index)


def _discogan_generators(run: Run, index: int) -> None:
    g, f = run.networks["generator_ab"], run.networks["generator_ba"]
    batch = run.batch(index)
    a, b = batch["a"], batch["b"]
    fake_b, fake_a = g(a), f(b)
    # The code's images are in [0, 1]: a difference is half of that in [-1, 1].
    reconstruction = mse(f(fake_b) / 2, a / 2) + mse(g(fake_a) / 2, b / 2)
    adversarial = torch.zeros((), dtype=torch.float64)
    matching = torch.zeros((), dtype=torch.float64)
    for network, fake, real in (
        (run.networks["discriminator_a"], fake_a, a),
        (run.networks["discriminator_b"], fake_b, b),
    ):
        logits, *features = network(fake)
        adversarial = adversarial + bce(logits, 1)
        kept = 1 if run.settings["bottleneck"] else 0  # angle_pairing.py leaves out the first
        for of_real, of_fake in zip(network(real)[1 + kept :], features[kept:], strict=True):
            matching = matching + mse(of_real.mean(0), of_fake.mean(0))
    decay = _half_squares(run, "generator_ab", "generator_ba")
    run.log(
        reconstruction=reconstruction, adversarial=adversarial, feature_matching=matching,
        generators_decay=decay,
    )  # fmt: skip
    started = run.step >= run.settings["reconstruction_weight_start_steps"]
    rate = 0.5 if started else 0.01  # the code's starting_rate, then its default rate
    total = (1 - rate) * ((1 - _MATCHING) * adversarial + _MATCHING * matching)
    total = total + rate * reconstruction + _DECAY * decay
    run.turn("generators", {"generator_ab": total, "generator_ba": total})


def _half_squares(run: Run, *networks: str) -> Tensor:
    """What weight_decay of PyTorch's Adam is the gradient of."""
    return sum((0.5 * (weight**2).sum() for weight in run.weights(*networks)), torch.zeros(()))
