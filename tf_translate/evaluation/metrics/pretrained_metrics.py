"""Metrics by pretrained networks, which others know too, beside those of our own judges."""

from collections.abc import Sequence

import numpy as np

from tf_translate.evaluation.metrics import kernel_distance
from tf_translate.evaluation.metrics.results import Direction, Measured, Metric, measured
from tf_translate.pretrained.registry import Features


class FeatureFigures:
    """Kernel distance and identity of one direction, seen through pretrained networks.

    Args:
        direction: What is measured.
        networks: Of different names.
        seed: Of the kernel distance's subsets.
    """

    def __init__(self, direction: Direction, networks: Sequence[Features], *, seed: int):
        self._networks, self._seed = networks, seed
        self._direction = direction
        self._source = [network.embed(direction.source) for network in networks]
        self._target = [network.embed(direction.target) for network in networks]

    def of(self, images: np.ndarray, counterparts: np.ndarray) -> dict[str, Measured]:
        """Gives the metrics of one row.

        Args:
            images: One for each source image.
            counterparts: As in `kernel_distance.kernel_distance`.
        """
        taken = {}
        for network, source, target in zip(self._networks, self._source, self._target, strict=True):
            features = self._known(images, source, target)
            if features is None:
                features = network.embed(images)
            distance = kernel_distance.kernel_distance(
                features, target, counterparts=counterparts, seed=self._seed
            )
            taken[identity_name(network, self._direction)] = _identity(features, source)
            taken[kid_name(network, self._direction)] = measured(
                distance.value, standard_error=distance.standard_error
            )
        return taken

    def _known(self, images: np.ndarray, source: np.ndarray, target: np.ndarray):
        """Features that were taken before, of the very same images; None of others."""
        if images is self._direction.source:
            return source
        return target if images is self._direction.target else None

    def references(self) -> dict[str, Measured]:
        """Gives where the distance stands when nothing differs: target against target."""
        taken = {}
        order = np.random.default_rng(self._seed).permutation(len(self._direction.target))
        for network, target in zip(self._networks, self._target, strict=True):
            if len(target) < 8:
                continue
            floor = kernel_distance.kernel_distance(
                target[order[::2]], target[order[1::2]], seed=self._seed
            )
            name = kid_name(network, self._direction).removeprefix("domain/")
            taken[f"{name} floor (target vs target, halves)"] = measured(
                floor.value, standard_error=floor.standard_error
            )
        return taken


def kid_name(network: Features, direction: Direction) -> str:
    """As `domain/kid/lite0@64`: the network, and the height of the images it is shown."""
    return f"domain/kid/{network.name}@{direction.target.shape[1]}"


def identity_name(network: Features, direction: Direction) -> str:
    """As `content/identity/face128@64`."""
    return f"content/identity/{network.name}@{direction.target.shape[1]}"


def feature_metrics(
    direction: Direction, networks: Sequence[Features], on: str, *, seed: int
) -> list[Metric]:
    """Names, meanings and protocols of what `FeatureFigures.of` gives."""
    listed = []
    for network in networks:
        height, width = network.size
        seen = (
            f"features of {network.name} (frozen, pretrained), images resized to {height} x "
            f"{width} (bicubic with antialiasing, clipped; alpha over white, grey repeated); {on}"
        )
        listed += [
            Metric(
                identity_name(network, direction),
                "Likeness of the image to its own source as the network sees it; read it between "
                "random target and identity, for unlike images are far from 0 too.",
                f"mean cosine, {seen}; standard error over images; identity is 1 by construction",
            ),
            Metric(
                kid_name(network, direction),
                "Distance of the images as a set to real target images as the network sees "
                "them; 0 is no difference. Not the published KID, whose network is Inception.",
                "unbiased squared kernel distance (cubic polynomial), "
                f"{seen} against {len(direction.target)} held-out targets, pairs of an image and "
                f"its own counterpart left out; {kernel_distance.SUBSETS} random halves, seed {seed}; "
                "standard error by delete-half jackknife",
                higher_is_better=False,
            ),
        ]
    return listed


def _identity(features: np.ndarray, source: np.ndarray) -> Measured:
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(source, axis=1)
    cosines = np.sum(features * source, axis=1) / np.maximum(lengths, 1e-12)
    error = np.std(cosines, ddof=1) / np.sqrt(len(cosines))
    return measured(cosines.mean(), standard_error=float(error))
