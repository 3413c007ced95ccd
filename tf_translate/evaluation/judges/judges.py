"""Judges of content and of domain, trained on the training split only and kept on disk.

A judge is never a network or a loss that a method trains with. What it gives is only as
good as the judge is, so its own accuracy on real held-out images belongs beside every
metric (`accuracy`, `restyled_retrieval`).
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_translate.errors import DataError
from tf_translate.evaluation.judges import networks, style_augmentation
from tf_translate.evaluation.judges.training import BATCH, digest, fit, in_batches, kept
from tf_translate.images import to_uint8
from tf_translate.pretrained import network_inputs

PROTOCOL = 1  # raise it when a network, its training or its input changes


@dataclass(frozen=True)
class JudgeSettings:
    """How judges are made; part of the protocol of every metric.

    Attributes:
        side: Judges see images of `side` x `side` pixels; a multiple of 16.
        batch: Images a training step, both domains together.
        domain_steps, content_steps: Training steps of each judge.
        seed: Decides initial weights, order and changes of style.
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
    """Says whether a image belongs to the target domain or to the source domain.

    Args:
        network: As `networks.domain_network` builds it, trained.
        side: Side of the images it sees.
        target_is_second: Whether the target is the domain that was called second in training.
    """

    def __init__(self, network: keras.Model, *, side: int, target_is_second: bool):
        features = network.get_layer(networks.FEATURES).output
        self._network = keras.Model(network.input, [features, network.output])
        self.target_is_second = target_is_second
        self.side = side

    def says_target(self, images: np.ndarray) -> np.ndarray:
        """Gives bool `(n,)` for float images `(n, h, w, c)` in [-1, 1]."""
        return self.logits(images) > 0

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Gives float32 `(n,)`, above 0 for the target; `images` as in `says_target`."""
        sign = 1.0 if self.target_is_second else -1.0
        return self._run(images)[1][:, 0] * np.float32(sign)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Gives float32 `(n, 128)`, standardised over training images, each of length sqrt(128).

        One length for all bounds the cubic kernel: without it a few odd images decide it.
        """
        features = self._run(images)[0]
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return features / np.maximum(lengths, 1e-6) * np.float32(np.sqrt(features.shape[1]))

    def accuracy(self, source: np.ndarray, target: np.ndarray) -> float:
        """Gives the share judged rightly, both domains weighing the same; 0.5 is chance."""
        wrong_side = self.says_target(source).mean()
        return float((1.0 - wrong_side + self.says_target(target).mean()) / 2.0)

    def _run(self, images: np.ndarray) -> list[np.ndarray]:
        return in_batches(self._network, network_inputs.for_judge(images, self.side))


class ContentJudge:
    """Describes what is where in a image, whatever the style it is drawn in.

    Args:
        network: As `networks.content_network` builds it, trained.
        side: Side of the images it sees.
    """

    def __init__(self, network: keras.Model, *, side: int):
        self._network = network
        self.side = side

    def features(self, images: np.ndarray) -> np.ndarray:
        """Gives float32 unit vectors `(n, 960)` for float images `(n, h, w, c)` in [-1, 1]."""
        return in_batches(self._network, network_inputs.for_judge(images, self.side))[0]

    def restyled_retrieval(self, images: np.ndarray, *, seed: int = 0) -> float:
        """Gives the share of images found among all of them after a random change of style.

        The judge's own accuracy where no counterparts are known.
        """
        seen = network_inputs.for_judge(images, self.side)
        parts = [
            style_augmentation.strong(
                tf.constant(seen[start : start + BATCH]), tf.constant([seed, start])
            )
            for start in range(0, len(seen), BATCH)
        ]
        changed = self.features(np.concatenate(parts))
        return float(retrieved(changed, self.features(images)).mean())


@dataclass(frozen=True)
class Judges:
    """Both judges of one direction, and how they came to be.

    Attributes:
        domain, content: The judges.
        settings: How they were trained.
        fingerprint: Of the training images they saw.
        kept_as: What their files are called after, where they are kept.
    """

    domain: DomainJudge
    content: ContentJudge
    settings: JudgeSettings
    fingerprint: str
    kept_as: str


def retrieved(features: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Says of every row whether its nearest neighbour is the row of the same number.

    Args:
        features, among: `(n, d)` unit vectors; nearest by cosine.

    Returns:
        float64 `(n,)`: 1 where it is, 0 where not, 1/k in a tie of k, so that features
        which are all alike get chance and not more.
    """
    similarity = np.asarray(features, np.float64) @ np.asarray(among, np.float64).T
    best = similarity >= similarity.max(axis=1, keepdims=True) - 1e-9
    return np.diagonal(best) / best.sum(axis=1)


def train_judges(
    source: np.ndarray,
    target: np.ndarray,
    *,
    folder: str | Path | None = None,
    settings: JudgeSettings | None = None,
) -> Judges:
    """Trains the judges of a direction, or loads them where they were trained before.

    The reverse direction of the same images shares the trained judges.

    Args:
        source, target: Float `(n, h, w, c)` in [-1, 1], of the training split only; at least
            2 each. Sizes and channels may differ.
        folder: Where judges are kept; None keeps nothing.
        settings: How to train.

    Raises:
        DataError: If a domain has fewer than 2 images.
    """
    settings = settings or JudgeSettings()
    if min(len(source), len(target)) < 2:
        raise DataError(
            "judges need at least 2 training images of each domain to learn from, but there "
            f"are {len(source)} and {len(target)}"
        )
    seen = [
        to_uint8(network_inputs.for_judge(images, settings.side)) for images in (source, target)
    ]
    marks = [hashlib.sha256(images.tobytes()).hexdigest() for images in seen]
    in_order = marks[0] <= marks[1]  # one order for both directions
    first, second = seen if in_order else seen[::-1]
    protocol = {"protocol": PROTOCOL, "settings": asdict(settings), "images": sorted(marks)}
    domain = kept("domain", protocol, folder, lambda: _train_domain(first, second, settings))
    content = kept("content", protocol, folder, lambda: _train_content(first, second, settings))
    return Judges(
        domain=DomainJudge(domain, side=settings.side, target_is_second=in_order),
        content=ContentJudge(content, side=settings.side),
        settings=settings,
        fingerprint=digest(sorted(marks)),
        kept_as=digest(protocol)[:16],
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
    learnt = keras.Model(network.input, network.get_layer(networks.LEARNT).output)
    fit(learnt, batches, networks.instance_loss, settings.content_steps)
    return network
