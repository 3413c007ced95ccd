"""Judges of content and of domain, trained on the training split only and saved on disk.

No method trains with a judge, as a network or in a loss. A metric is only as reliable as its
judge, so the judge's own accuracy on real held-out images is reported with every metric
(`accuracy`, `restyled_retrieval`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_translate.errors import DataError
from tf_translate.evaluation.judges import networks, style_augmentation
from tf_translate.evaluation.judges.training import (
    BATCH,
    digest,
    fit,
    load_or_train,
    predict_in_batches,
)
from tf_translate.images import to_uint8
from tf_translate.pretrained import preprocessing

PROTOCOL = 1  # increase when a network, its training or its input changes


@dataclass(frozen=True)
class JudgeSettings:
    """How judges are trained; part of the protocol of every metric.

    Attributes:
        side: Height and width of the judges' input; a multiple of 16.
        batch: Images per training step, both domains together.
        domain_steps, content_steps: Training steps of each judge.
        seed: Seed of initial weights, order and style augmentation.
    """

    side: int = 64
    batch: int = 64
    domain_steps: int = 400
    content_steps: int = 100
    seed: int = 0

    def __post_init__(self):
        if self.side < 16 or self.side % 16:
            raise ValueError(f"`side` must be a multiple of 16, at least 16, got {self.side}")
        if min(self.domain_steps, self.content_steps) < 1 or self.batch < 4:
            raise ValueError(
                "`domain_steps` and `content_steps` must be at least 1 and `batch` at least 4, "
                f"got {self.domain_steps}, {self.content_steps} and {self.batch}"
            )


class DomainJudge:
    """Classifies images as target domain or source domain.

    Args:
        network: A trained `networks.domain_network`.
        side: Height and width of its input.
        target_is_second: Whether the target was the second domain in training.
    """

    def __init__(self, network: keras.Model, *, side: int, target_is_second: bool):
        features = network.get_layer(networks.FEATURES).output
        self._network = keras.Model(network.input, [features, network.output])
        self.target_is_second = target_is_second
        self.side = side

    def predicts_target(self, images: np.ndarray) -> np.ndarray:
        """Classifies float images `(n, h, w, c)` in [-1, 1]: bool `(n,)`, true for the target."""
        return self.logits(images) > 0

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Computes float32 `(n,)`, positive for the target; `images` as in `predicts_target`."""
        sign = 1.0 if self.target_is_second else -1.0
        return self._run(images)[1][:, 0] * np.float32(sign)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Computes features, float32 `(n, 128)`, each with L2 norm sqrt(128).

        They are standardized over the training images. The equal norm bounds the cubic kernel:
        without it, a few outliers dominate the kernel distance.
        """
        features = self._run(images)[0]
        norms = np.linalg.norm(features, axis=1, keepdims=True)
        return features / np.maximum(norms, 1e-6) * np.float32(np.sqrt(features.shape[1]))

    def accuracy(self, source: np.ndarray, target: np.ndarray) -> float:
        """Computes the balanced accuracy over both domains; 0.5 is chance."""
        false_positives = self.predicts_target(source).mean()
        return float((1.0 - false_positives + self.predicts_target(target).mean()) / 2.0)

    def _run(self, images: np.ndarray) -> list[np.ndarray]:
        return predict_in_batches(self._network, preprocessing.to_square_rgb(images, self.side))


class ContentJudge:
    """Computes content features of images, which change little with their style.

    Args:
        network: A trained `networks.content_network`.
        side: Height and width of its input.
    """

    def __init__(self, network: keras.Model, *, side: int):
        self._network = network
        self.side = side

    def features(self, images: np.ndarray) -> np.ndarray:
        """Computes float32 unit vectors `(n, 960)` of float images `(n, h, w, c)` in [-1, 1]."""
        return predict_in_batches(self._network, preprocessing.to_square_rgb(images, self.side))[0]

    def restyled_retrieval(self, images: np.ndarray, *, seed: int = 0) -> float:
        """Computes retrieval@1 of images among themselves after random style augmentation.

        This is the judge's own accuracy where no ground truth is known.
        """
        inputs = preprocessing.to_square_rgb(images, self.side)
        parts = [
            style_augmentation.strong(
                tf.constant(inputs[start : start + BATCH]), tf.constant([seed, start])
            )
            for start in range(0, len(inputs), BATCH)
        ]
        restyled = self.features(np.concatenate(parts))
        return float(retrieval_hits(restyled, self.features(images)).mean())


@dataclass(frozen=True)
class Judges:
    """Both judges of one direction, and how they were trained.

    Attributes:
        domain, content: The judges.
        settings: How they were trained.
        fingerprint: Hash of their training images.
        file_id: Part of the names of their files, if they are saved.
    """

    domain: DomainJudge
    content: ContentJudge
    settings: JudgeSettings
    fingerprint: str
    file_id: str


def retrieval_hits(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Computes for every query whether its nearest neighbour has the same index.

    Args:
        queries, gallery: `(n, d)` unit vectors; the nearest has the highest cosine similarity.

    Returns:
        float64 `(n,)`: 1 for a hit, 0 for a miss, 1/k for a tie among k, so that constant
        features score at chance.
    """
    similarity = np.asarray(queries, np.float64) @ np.asarray(gallery, np.float64).T
    best = similarity >= similarity.max(axis=1, keepdims=True) - 1e-9
    return np.diagonal(best) / best.sum(axis=1)


def train_judges(
    source: np.ndarray,
    target: np.ndarray,
    *,
    folder: str | Path | None = None,
    settings: JudgeSettings | None = None,
    report: Callable[[str], None] | None = None,
) -> Judges:
    """Trains the judges of a direction, or loads judges trained before.

    The reverse direction of the same images shares the trained judges.

    Args:
        source, target: Float `(n, h, w, c)` in [-1, 1], of the training split only; at least
            2 each. Sizes and channels may differ.
        folder: Where judges are saved; None does not save them.
        settings: How to train.
        report: Called with a line before a judge trains, which takes minutes.

    Raises:
        DataError: If a domain has fewer than 2 images.
    """
    settings = settings or JudgeSettings()
    if min(len(source), len(target)) < 2:
        raise DataError(
            "judges need at least 2 training images of each domain, but there "
            f"are {len(source)} and {len(target)}"
        )
    inputs = [
        to_uint8(preprocessing.to_square_rgb(images, settings.side)) for images in (source, target)
    ]
    hashes = [hashlib.sha256(images.tobytes()).hexdigest() for images in inputs]
    in_order = hashes[0] <= hashes[1]  # the same order for both directions
    first, second = inputs if in_order else inputs[::-1]
    protocol = {"protocol": PROTOCOL, "settings": asdict(settings), "images": sorted(hashes)}
    domain = load_or_train(
        "domain", protocol, folder, lambda: _train_domain(first, second, settings), report
    )
    content = load_or_train(
        "content", protocol, folder, lambda: _train_content(first, second, settings), report
    )
    return Judges(
        domain=DomainJudge(domain, side=settings.side, target_is_second=in_order),
        content=ContentJudge(content, side=settings.side),
        settings=settings,
        fingerprint=digest(sorted(hashes)),
        file_id=digest(protocol)[:16],
    )


def _train_domain(first: np.ndarray, second: np.ndarray, settings: JudgeSettings) -> keras.Model:
    network = networks.domain_network(settings.side, seed=settings.seed)
    batches = networks.domain_batches(
        tf.constant(first),
        tf.constant(second),
        batch=settings.batch,
        steps=settings.domain_steps,
        seed=settings.seed,
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.05)
    fit(keras.Model(network.input, network.output), batches, loss, settings.domain_steps)
    return network


def _train_content(first: np.ndarray, second: np.ndarray, settings: JudgeSettings) -> keras.Model:
    network = networks.content_network(settings.side, seed=settings.seed)
    batches = networks.content_batches(
        tf.constant(first),
        tf.constant(second),
        batch=settings.batch,
        steps=settings.content_steps,
        seed=settings.seed,
    )
    projection = keras.Model(network.input, network.get_layer(networks.PROJECTION).output)
    fit(projection, batches, networks.nt_xent_within_domain, settings.content_steps)
    return network
