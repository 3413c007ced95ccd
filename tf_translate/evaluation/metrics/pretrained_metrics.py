"""Metrics by pretrained networks, in addition to those of the judges."""

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
        self._source = [network.embed(direction.source) for network in networks]
        self._target = [network.embed(direction.target) for network in networks]

    def of(self, images: np.ndarray, counterparts: np.ndarray) -> dict[str, MetricValue]:
        """Computes the metrics of the outputs or of a baseline.

        Args:
            images: One for each source image.
            counterparts: As in `kernel_distance.kernel_distance`.
        """
        values = {}
        for network, source, target in zip(self._networks, self._source, self._target, strict=True):
            features = self._cached(images, source, target)
            if features is None:
                features = network.embed(images)
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

    def _cached(self, images: np.ndarray, source: np.ndarray, target: np.ndarray):
        """Features of the source or target set if `images` is that array, otherwise None."""
        if images is self._direction.source:
            return source
        return target if images is self._direction.target else None

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
