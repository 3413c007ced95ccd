"""Metrics by pretrained networks, in addition to those of the judges."""

import hashlib
from collections.abc import Sequence

import numpy as np

from tf_translate.evaluation.metrics import kernel_distance
from tf_translate.evaluation.metrics.frechet_distance import frechet_distance
from tf_translate.evaluation.metrics.results import Direction, Metric, MetricValue, metric_value
from tf_translate.pretrained.registry import PretrainedNetwork


class PretrainedMetrics:
    """KID, FID and identity similarity of one direction, by features of each network.

    Args:
        direction: What is measured.
        networks: With distinct names.
        seed: Seed of the kernel distance's subsets.
    """

    def __init__(self, direction: Direction, networks: Sequence[PretrainedNetwork], *, seed: int):
        self._networks, self._seed = networks, seed
        self._direction = direction
        self._known: list[dict[bytes, np.ndarray]] = [{} for _ in networks]
        self._source = [self._embed(index, direction.source) for index in range(len(networks))]
        self._target = [self._embed(index, direction.target) for index in range(len(networks))]

    def of(self, images: np.ndarray, counterparts: np.ndarray) -> dict[str, MetricValue]:
        """Computes the metrics of the outputs or of a baseline.

        Args:
            images: One for each source image.
            counterparts: As in `kernel_distance.kernel_distance`.
        """
        values = {}
        for index, network in enumerate(self._networks):
            source, target = self._source[index], self._target[index]
            features = self._embed(index, images)
            distance = kernel_distance.kernel_distance(
                features, target, counterparts=counterparts, seed=self._seed
            )
            values[identity_name(network, self._direction)] = _similarity(features, source)
            values[kid_name(network, self._direction)] = metric_value(
                distance.value, standard_error=distance.standard_error
            )
            values[fid_name(network, self._direction)] = metric_value(
                frechet_distance(features, target)
            )
        return values

    def _embed(self, index: int, images: np.ndarray) -> np.ndarray:
        """Features by a network; those of an image that was seen before are not computed again.

        The ground truth, random targets and real targets are often the same images.
        """
        known = self._known[index]
        keys = [hashlib.sha256(image.tobytes()).digest() for image in images]
        new = {key: at for at, key in enumerate(keys) if key not in known}
        if new:
            features = self._networks[index].embed(images[list(new.values())])
            known.update(zip(new, features, strict=True))
        return np.stack([known[key] for key in keys])

    def reference_values(self) -> dict[str, MetricValue]:
        """Computes the distance between two halves of the target set, the noise floor."""
        values = {}
        order = np.random.default_rng(self._seed).permutation(len(self._direction.target))
        for network, target in zip(self._networks, self._target, strict=True):
            if len(target) < 8:
                continue
            floor = kernel_distance.kernel_distance(
                target[order[::2]], target[order[1::2]], seed=self._seed
            )
            name = kid_name(network, self._direction).removeprefix("domain/")
            values[f"{name} floor (target vs target, halves)"] = metric_value(
                floor.value, standard_error=floor.standard_error
            )
            name = fid_name(network, self._direction).removeprefix("domain/")
            values[f"{name} floor (target vs target, halves)"] = metric_value(
                frechet_distance(target[order[::2]], target[order[1::2]])
            )
        return values


def kid_name(network: PretrainedNetwork, direction: Direction) -> str:
    """For example `domain/kid/efficientnet_lite0@64`: the network and the height of the images."""
    return f"domain/kid/{network.name}@{direction.target.shape[1]}"


def fid_name(network: PretrainedNetwork, direction: Direction) -> str:
    """For example `domain/fid/inception_v3@64`."""
    return f"domain/fid/{network.name}@{direction.target.shape[1]}"


def identity_name(network: PretrainedNetwork, direction: Direction) -> str:
    """For example `content/identity/dlib_face@64`."""
    return f"content/identity/{network.name}@{direction.target.shape[1]}"


def pretrained_metric_definitions(
    direction: Direction, networks: Sequence[PretrainedNetwork], on: str, *, seed: int
) -> list[Metric]:
    """Builds the definitions of the metrics that `PretrainedMetrics.of` computes."""
    definitions = []
    for network in networks:
        height, width = network.size
        features = (
            f"features of {network.name} (frozen, pretrained), images resized to {height} x "
            f"{width} (bicubic with antialiasing, clipped; alpha over white, grey repeated); {on}"
        )
        definitions += [
            Metric(
                identity_name(network, direction),
                "Similarity of each image to its own source in the network's features. Compare it "
                "with random target and identity: different images do not score 0.",
                f"mean cosine similarity, {features}; standard error over images; identity is 1 "
                "by construction",
            ),
            Metric(
                kid_name(network, direction),
                "Distance between the images and the real target images, as two sets of the "
                "network's features; 0 is no difference. Published KID uses Inception's features.",
                f"unbiased squared kernel distance (cubic polynomial), {features} against "
                f"{len(direction.target)} held-out targets, without pairs of an image and its own "
                f"counterpart; {kernel_distance.SUBSETS} random halves, seed {seed}; "
                "standard error by delete-half jackknife",
                higher_is_better=False,
            ),
            Metric(
                fid_name(network, direction),
                "Distance between the images and the real target images, as two normal "
                "distributions of the network's features. It falls with the number of images; "
                "compare values of this table only.",
                f"squared Fréchet distance (Heusel et al. 2017), {features} against "
                f"{len(direction.target)} held-out targets, an image's own counterpart among them",
                higher_is_better=False,
            ),
        ]
    return definitions


def _similarity(features: np.ndarray, source: np.ndarray) -> MetricValue:
    norms = np.linalg.norm(features, axis=1) * np.linalg.norm(source, axis=1)
    cosines = np.sum(features * source, axis=1) / np.maximum(norms, 1e-12)
    error = np.std(cosines, ddof=1) / np.sqrt(len(cosines))
    return metric_value(cosines.mean(), standard_error=float(error))
