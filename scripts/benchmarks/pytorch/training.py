"""The same training steps in PyTorch: python -m scripts.benchmarks.pytorch.training TASK.

TASK is that of scripts.benchmarks.training_keras plus the layout: contiguous or channels_last.
Written from the papers' equations; only the initial weights are shared with our code.
"""

import math
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scripts.benchmarks.pytorch.networks import (
    Dropout,
    UNet,
    copy_weights,
    patchgan_discriminator,
    resnet,
)
from scripts.benchmarks.training_worker import serve

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
CYCLE, IDENTITY, L1, POOL = 10.0, 5.0, 100.0, 50
RATE, BETAS, EPSILON = 2e-4, (0.5, 0.999), 1e-8


class ImagePool:
    """A history of images: once full, returns an older image half of the time."""

    def __init__(self, size: int = POOL, seed: int = 0) -> None:
        self._size, self._random = size, random.Random(seed)
        self._images: list[torch.Tensor] = []

    def exchange(self, images: torch.Tensor) -> torch.Tensor:
        """Images for the discriminators `(batch, ...)`: the ones passed in, or older ones."""
        return torch.cat([self._one(image[None]) for image in images.detach()])

    def _one(self, image: torch.Tensor) -> torch.Tensor:
        if len(self._images) < self._size:
            self._images.append(image.clone())
            return image
        if self._random.random() < 0.5:
            return image
        index = self._random.randrange(self._size)
        older, self._images[index] = self._images[index], image.clone()
        return older


class CycleGANLosses:
    """Networks by name, the players that train them, and the loss of each player."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        def discriminator() -> nn.Module:
            return patchgan_discriminator(3, task["base_filters"], nn.InstanceNorm2d)

        self.networks = {
            "generator_ab": resnet(task["blocks"], task["base_filters"]),
            "generator_ba": resnet(task["blocks"], task["base_filters"]),
            "discriminator_a": discriminator(),
            "discriminator_b": discriminator(),
        }
        self.players = {
            "generators": ("generator_ab", "generator_ba"),
            "discriminators": ("discriminator_a", "discriminator_b"),
        }
        self._pools = ImagePool(seed=1), ImagePool(seed=2)
        self._fakes: tuple[torch.Tensor, ...] = ()

    def generators(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """The loss of G and F: the total, and each term."""
        g, f = self.networks["generator_ab"], self.networks["generator_ba"]
        fake_b, fake_a = g(a), f(b)
        self._fakes = fake_a.detach(), fake_b.detach()
        losses = {
            "cycle_a": functional.l1_loss(f(fake_b), a),
            "cycle_b": functional.l1_loss(g(fake_a), b),
            "identity_a": functional.l1_loss(f(a), a),
            "identity_b": functional.l1_loss(g(b), b),
            "adversarial": _mean_square(self.networks["discriminator_b"](fake_b), 1.0)
            + _mean_square(self.networks["discriminator_a"](fake_a), 1.0),
        }
        total = (
            CYCLE * (losses["cycle_a"] + losses["cycle_b"])
            + IDENTITY * (losses["identity_a"] + losses["identity_b"])
            + losses["adversarial"]
        )
        return total, losses

    def discriminators(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """The loss of D_X and D_Y on the generators' fakes of this step."""
        fakes = [pool.exchange(fake) for pool, fake in zip(self._pools, self._fakes, strict=True)]
        discriminators = self.networks["discriminator_a"], self.networks["discriminator_b"]
        loss = torch.zeros(())
        for discriminator, real, fake in zip(discriminators, (a, b), fakes, strict=True):
            loss = loss + 0.5 * (
                _mean_square(discriminator(real), 1.0) + _mean_square(discriminator(fake), 0.0)
            )
        return loss, {"discriminator": loss}


class Pix2PixLosses:
    """Networks by name, the players that train them, and the loss of each player."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self.networks = {
            "discriminator": patchgan_discriminator(6, task["base_filters"], nn.BatchNorm2d),
            "generator": UNet(task["side"].bit_length() - 1, task["base_filters"]),
        }
        self.players = {"discriminator": ("discriminator",), "generator": ("generator",)}
        self._fake = torch.empty(0)

    def discriminator(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """The loss of D."""
        self._fake = self.networks["generator"](a)  # once a step; the generator's turn reuses it
        real, fake = self._logits(a, b), self._logits(a, self._fake.detach())
        loss = 0.5 * (_cross_entropy(real, 1.0) + _cross_entropy(fake, 0.0))
        return loss, {"discriminator": loss}

    def generator(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """The loss of G on the discriminator's fake of this step: the total, and each term."""
        losses = {
            "l1": functional.l1_loss(self._fake, b),
            "adversarial": _cross_entropy(self._logits(a, self._fake), 1.0),
        }
        return L1 * losses["l1"] + losses["adversarial"], losses

    def _logits(self, a: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return self.networks["discriminator"](torch.cat([a, images], dim=1))


class TorchTraining:
    """Training steps on one batch: the players take their turns in order."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        torch.set_num_threads(task["threads"])
        torch.manual_seed(task["seed"])
        self._layout = LAYOUTS[task["layout"]]
        self._half = task["precision"] == "bfloat16"
        self._losses = {"cyclegan": CycleGANLosses, "pix2pix": Pix2PixLosses}[task["method"]](task)
        self._start_from(Path(task["folder"]) / "start.npz")
        networks = self._losses.networks
        self._steps = 0
        self._optimizers = {
            name: torch.optim.Adam(
                [weight for part in parts for weight in networks[part].parameters()],
                lr=RATE, betas=BETAS, eps=EPSILON, fused=True,
            )
            for name, parts in self._losses.players.items()
        }  # fmt: skip
        self.parameters = {
            name: sum(weight.numel() for weight in network.parameters())
            for name, network in networks.items()
        }
        self.versions = {"torch": torch.__version__}
        dtype = torch.bfloat16 if self._half else torch.float32
        self._matrix = torch.rand(task["product"], task["product"]).to(dtype)

    def _start_from(self, file: Path) -> None:
        with np.load(file) as start:
            arrays = {name: start[name] for name in sorted(start.files)}
        for name, network in self._losses.networks.items():
            copy_weights(network, [a for key, a in arrays.items() if key.startswith(f"{name}/")])
            network.to(memory_format=self._layout)
        layers = [each for each in self._modules() if isinstance(each, Dropout)]
        for index, layer in enumerate(layers):
            layer.mask = self._channels_first(arrays[f"mask/{index}"])
        self._batch = [self._channels_first(arrays[f"batch/{name}"]) for name in ("a", "b")]

    def _modules(self) -> Iterable[nn.Module]:
        return (each for network in self._losses.networks.values() for each in network.modules())

    def _channels_first(self, images: np.ndarray) -> torch.Tensor:
        channels_first = torch.from_numpy(images).permute(0, 3, 1, 2)
        return channels_first.contiguous().to(memory_format=self._layout)

    def step(self) -> dict[str, float]:
        """Takes a training step on the batch; returns the unweighted losses."""
        losses: dict[str, torch.Tensor] = {}
        self._steps += 1
        for player in self._losses.players:
            losses |= self._take_turn(player)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _take_turn(self, player: str) -> dict[str, torch.Tensor]:
        for name, network in self._losses.networks.items():
            if name.startswith(
                "discriminator"
            ):  # gradients pass through it in the other turns, not into its weights
                network.requires_grad_(name in self._losses.players[player])
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            total, losses = getattr(self._losses, player)(*self._batch)
        optimizer = self._optimizers[player]
        # Ours adds epsilon before the bias correction of the second moment, PyTorch after it.
        for group in optimizer.param_groups:
            group["eps"] = EPSILON / math.sqrt(1 - BETAS[1] ** self._steps)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()
        return losses

    def product(self) -> float:
        """Multiplies two large matrices; returns one value of the product."""
        with torch.inference_mode():
            return float((self._matrix @ self._matrix)[0, 0])


def _mean_square(scores: torch.Tensor, target: float) -> torch.Tensor:
    return torch.mean((scores.float() - target) ** 2)


def _cross_entropy(scores: torch.Tensor, target: float) -> torch.Tensor:
    scores = scores.float()
    return functional.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


if __name__ == "__main__":
    serve(TorchTraining)
