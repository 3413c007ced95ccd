"""A stage of training in PyTorch: networks, batches, random values, and players' turns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from scripts.benchmarks.parity import optimizers
from scripts.benchmarks.parity.networks import Network

Tensor = torch.Tensor


class Run:
    """What the steps of a method need, and what they leave for the comparison.

    Args:
        task: What `ours.py` writes: method, stage, settings, loss weights that are not the
            defaults, the attributes' sizes, microbatches, networks and optimizers by player.
        arrays: Weights, batches, random values and masks, by name.

    Attributes:
        step: Index of the step in the stage.
        settings: The method's settings.
        loss_weights: Those that are not the method's defaults.
        sizes: Number of values of each attribute.
        networks: By name.
        results: Losses, gradients, and weights at the end, by name.
    """

    def __init__(self, task: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.step = 0
        self.settings: Mapping[str, Any] = task["settings"]
        self.loss_weights: Mapping[str, float] = task["loss_weights"]
        self.sizes: Sequence[int] = task["sizes"]
        self.results: dict[str, np.ndarray] = {}
        self.networks = {
            name: Network(
                task["architectures"][name],
                _under(f"start/{name}/", arrays),
                task["trainable"][name],
                _under(f"masks/{name}/", arrays),
            )
            for name in task["architectures"]
        }
        self._microbatches: int = task["microbatches"]
        self._arrays = arrays
        self._optimizers = {
            player: optimizers.from_settings(settings)
            for player, settings in task["optimizers"].items()
        }
        self._turns: dict[str, int] = {}
        self._logs: dict[str, list[float]] = {}
        self._squares: dict[str, list[float]] = {}

    def batch(self, microbatch: int = 0) -> dict[str, Tensor]:
        """The images of a microbatch by key: every n-th from its index on."""
        batch = _under(f"batch/{self.step}/", self._arrays)
        return {
            name: torch.from_numpy(
                values if np.issubdtype(values.dtype, np.integer) else values.astype(np.float64)
            )[microbatch :: self._microbatches]
            for name, values in batch.items()
        }

    def random(self, name: str) -> Tensor:
        """The random values of this step that ours has sampled for a purpose."""
        return torch.from_numpy(self._arrays[f"random/{self.step}/{name}"].astype(np.float64))

    def weights(self, *networks: str) -> list[Tensor]:
        """The trainable weights of networks."""
        parts = [self.networks[name] for name in networks]
        return [part.weights[name] for part in parts for name in part.trainable]

    def log(self, **losses: Tensor) -> None:
        """Logs losses before their weights; a step's value is the mean over its turns."""
        for name, loss in losses.items():
            self._logs.setdefault(name, []).append(float(loss.detach()))

    def turn(
        self,
        player: str,
        totals: Mapping[str, Tensor],
        *,
        gradient_norm: float | None = None,
        clip: float | None = None,
    ) -> None:
        """Updates networks once.

        Args:
            player: Name of the player, whose optimizer moves the weights.
            totals: By network, the weighted sum of losses that it minimizes.
            gradient_norm: Largest norm of all gradients together; larger ones are scaled down.
            clip: Largest absolute weight after the move.
        """
        gradients: dict[str, Tensor] = {}
        for network, total in totals.items():
            names = self.networks[network].trainable
            weights = [self.networks[network].weights[name] for name in names]
            found = torch.autograd.grad(total, weights, retain_graph=True, allow_unused=True)
            for name, weight, gradient in zip(names, weights, found, strict=True):
                known = torch.zeros_like(weight) if gradient is None else gradient
                gradients[f"{network}/{name}"] = known.detach()
        if gradient_norm is not None:
            norm = sum((each**2).sum() for each in gradients.values()) ** 0.5
            factor = min(1.0, gradient_norm / float(norm))
            gradients = {name: factor * each for name, each in gradients.items()}
        moves = self._optimizers[player].moves(gradients)
        self._record(player, gradients, moves)
        for key, move in moves.items():
            network, name = key.split("/", 1)
            value = self.networks[network].weights[name] + move
            self.networks[network].replace(
                name, value if clip is None else value.clamp(-clip, clip)
            )

    def _record(self, player: str, gradients: Mapping, moves: Mapping) -> None:
        turn = self._turns.get(player, 0)
        self._turns[player] = turn + 1
        for name, gradient in gradients.items():
            self.results[f"gradients/{player}/{turn}/{name}"] = gradient.numpy()
        squares = torch.cat([move.ravel() ** 2 for move in moves.values()])
        self._squares.setdefault(player, []).append(float(squares.mean()))

    def finish_step(self) -> None:
        """Keeps the step's losses and goes on to the next."""
        for name, values in self._logs.items():
            self.results[f"losses/{self.step}/{name}"] = np.float64(np.mean(values))
        self._logs = {}
        self.step += 1

    def finish(self) -> dict[str, np.ndarray]:
        """All results: losses, gradients, the size of a step by player, weights at the end."""
        for player, squares in self._squares.items():
            self.results[f"step/{player}"] = np.float64(np.sqrt(np.mean(squares)))
        for network, part in self.networks.items():
            for name, value in part.weights.items():
                self.results[f"end/{network}/{name}"] = value.detach().numpy()
        return self.results


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
