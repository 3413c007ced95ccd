"""GeneGAN, Zhou et al. 2017 (arXiv 1705.04932), section 3, and the authors' TensorFlow code."""

import torch

from scripts.benchmarks.parity.losses import l1
from scripts.benchmarks.parity.run import Run

Tensor = torch.Tensor

_PARALLELOGRAM = 0.01 * 255  # the code: .01 on [0, 255]; the other terms are on [0, 1]
_DECAY = 5e-5  # the code: times half the mean square of each weight


def genegan(run: Run) -> None:
    """Discriminators take a turn in every step, generators none in the first ones of a burst."""
    batch = run.batch()
    # The code's images are in [0, 1].
    with_object, without = _unit(batch["a"]), _unit(batch["b"])
    # The documented departure: one pass of each network, so that batch norm sees all images.
    backgrounds, objects = run.networks["splitter"](torch.cat([batch["a"], batch["b"]]))
    (a, b), (x, e) = backgrounds.chunk(2), objects.chunk(2)
    nothing = torch.zeros_like(x)
    joined = run.networks["joiner"](torch.cat([a, b, b, a]), torch.cat([x, nothing, x, nothing]))
    again_with, again_without, child_with, child_without = joined.chunk(4)
    loss = _score(run, "a", child_with.detach(), batch["a"])
    loss = loss + _score(run, "b", child_without.detach(), batch["b"])
    run.log(discriminator=loss)
    totals = {"discriminator_a": loss, "discriminator_b": loss}
    run.turn("discriminators", totals, clip=run.settings["clip"])
    if _in_burst(run):
        return
    adversarial = -run.networks["discriminator_a"](child_with).mean()
    adversarial = adversarial - run.networks["discriminator_b"](child_without).mean()
    reconstruction = l1(_unit(again_with), with_object) + l1(_unit(again_without), without)
    children = _unit(child_with) + _unit(child_without)
    parallelogram = l1(with_object + without, children)
    nulling = e.abs().mean()
    decay = sum((0.5 * (w**2).mean() for w in run.weights("splitter", "joiner")), torch.zeros(()))
    run.log(
        adversarial=adversarial, reconstruction=reconstruction, parallelogram=parallelogram,
        nulling=nulling, weight_decay=decay,
    )  # fmt: skip
    total = adversarial + reconstruction + nulling
    total = total + _PARALLELOGRAM * parallelogram + _DECAY * decay
    run.turn("generators", {"splitter": total, "joiner": total})


def _score(run: Run, side: str, child: Tensor, real: Tensor) -> Tensor:
    network = run.networks[f"discriminator_{side}"]
    of_real, of_child = network(real).mean(), network(child).mean()
    return of_child - of_real


def _in_burst(run: Run) -> bool:
    """Whether the discriminators play alone: in all steps of a burst but the last."""
    alone = run.settings["discriminator_burst_turns"] - 1
    return run.step % (run.settings["discriminator_burst_every"] + alone) < alone


def _unit(images: Tensor) -> Tensor:
    return (images + 1) / 2
