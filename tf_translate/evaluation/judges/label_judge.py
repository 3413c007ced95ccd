"""A judge of labels: says what class a image of the target domain shows.

It learns from real training images of the target domain and their labels, and from nothing
else: it is never a network or a loss that a method trains with. Its own accuracy on real
held-out images belongs beside every metric it gives.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_translate.errors import DataError
from tf_translate.evaluation.judges import networks
from tf_translate.evaluation.judges.training import digest, fit, in_batches, kept
from tf_translate.images import to_uint8
from tf_translate.pretrained import network_inputs

PROTOCOL = 1  # raise it when the network, its training or its input changes
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green, blue (BT.601)


@dataclass(frozen=True)
class LabelSettings:
    """How the judge of labels is made; part of the protocol of its metric.

    Attributes:
        side: It sees images of `side` x `side` pixels; a multiple of 8.
        batch: Images a training step.
        steps: Training steps.
        seed: Decides initial weights, order and changes.
    """

    side: int = 32
    batch: int = 64
    steps: int = 800
    seed: int = 0

    def __post_init__(self):
        if self.side < 16 or self.side % 8:
            raise ValueError(f"`side` must be a multiple of 8, at least 16, got {self.side}")
        if self.steps < 1 or self.batch < 2:
            raise ValueError(
                "`steps` must be at least 1 and `batch` at least 2, "
                f"got {self.steps} and {self.batch}"
            )


class LabelJudge:
    """Says which class a image shows.

    Args:
        network: As `networks.label_network` builds it, trained.
        classes: Names of the classes, in the order of labels.
        grey: Whether it knows grey images only; colours are then turned to luminance.
        settings: How it was trained.
        fingerprint: Of the training images and labels it saw.
    """

    def __init__(
        self,
        network: keras.Model,
        classes: Sequence[str],
        *,
        grey: bool,
        settings: LabelSettings,
        fingerprint: str,
    ):
        self._network = network
        self.classes, self.grey = tuple(classes), grey
        self.settings, self.fingerprint = settings, fingerprint

    def says(self, images: np.ndarray) -> np.ndarray:
        """Gives labels, int64 `(n,)`, for float images `(n, h, w, 1, 3 or 4)` in [-1, 1]."""
        seen = _seen(images, self.settings.side, grey=self.grey)
        return in_batches(self._network, seen)[0].argmax(axis=1)

    def hits(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Gives float64 `(n,)`: 1 where the judge sees the label that is given, else 0."""
        if len(images) != len(labels):
            raise ValueError(
                f"`labels` must hold one for each of the {len(images)} images, got {len(labels)}"
            )
        return (self.says(images) == np.asarray(labels)).astype(np.float64)


def train_label_judge(
    images: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    folder: str | Path | None = None,
    settings: LabelSettings | None = None,
) -> LabelJudge:
    """Trains the judge of labels of a target domain, or loads it where it was trained before.

    Args:
        images: Float `(n, h, w, 1, 3 or 4)` in [-1, 1], of the target's training split only.
        labels: Integers `(n,)`, each below `len(classes)`.
        classes: Names of the classes, in the order of labels.
        folder: Where the judge is kept; None keeps nothing.
        settings: How to train.

    Raises:
        ValueError: If labels do not go with the images or the classes.
        DataError: If fewer than two classes have images.
    """
    settings = settings or LabelSettings()
    labels = np.asarray(labels, np.int32)
    if labels.shape != (len(images),):
        raise ValueError(
            f"`labels` must hold one integer for each of the {len(images)} images, "
            f"got shape {labels.shape}"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(
            f"`labels` must lie in 0..{len(classes) - 1}, one a class, "
            f"got {labels.min()}..{labels.max()}"
        )
    if len(np.unique(labels)) < 2:
        raise DataError(
            "the judge of labels needs training images of at least 2 classes, got "
            f"{len(np.unique(labels))}: label more classes, or leave the labels out"
        )
    grey = images.shape[-1] == 1
    seen = to_uint8(_seen(images, settings.side, grey=grey))
    marks = [hashlib.sha256(part.tobytes()).hexdigest() for part in (seen, labels)]
    protocol = {"protocol": PROTOCOL, "settings": asdict(settings), "classes": list(classes)}
    protocol |= {"images": marks[0], "labels": marks[1]}
    network = kept("label", protocol, folder, lambda: _train(seen, labels, len(classes), settings))
    return LabelJudge(network, classes, grey=grey, settings=settings, fingerprint=digest(marks))


def _train(
    seen: np.ndarray, labels: np.ndarray, classes: int, settings: LabelSettings
) -> keras.Model:
    network = networks.label_network(settings.side, classes, seed=settings.seed)
    batches = networks.label_batches(
        tf.constant(seen),
        tf.constant(labels),
        batch=settings.batch,
        steps=settings.steps,
        seed=settings.seed,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fit(keras.Model(network.input, network.output), batches, loss, settings.steps)
    return network


def _seen(images: np.ndarray, side: int, *, grey: bool) -> np.ndarray:
    """What the judge sees: three channels, all of them the luminance where it knows grey only."""
    shown = network_inputs.for_judge(images, side)
    return np.repeat((shown @ _LUMINANCE)[..., None], 3, axis=-1) if grey else shown
