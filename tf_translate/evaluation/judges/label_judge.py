"""The label judge: a classifier of the target domain's labels.

It is trained on real training images of the target domain and their labels only. No method
trains with it, as a network or in a loss. Its own accuracy on real held-out images is reported
with its metric.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_translate.errors import DataError
from tf_translate.evaluation.judges import networks
from tf_translate.evaluation.judges.training import (
    digest,
    fit,
    load_or_train,
    predict_in_batches,
)
from tf_translate.images import to_uint8
from tf_translate.pretrained import preprocessing

PROTOCOL = 1  # increase when the network, its training or its input changes
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green, blue (BT.601)


@dataclass(frozen=True)
class LabelJudgeSettings:
    """How the label judge is trained; part of the protocol of its metric.

    Attributes:
        side: Height and width of its input; a multiple of 8.
        batch: Images per training step.
        steps: Training steps.
        seed: Seed of initial weights, order and augmentation.
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
    """Predicts the class of an image.

    Args:
        network: A trained `networks.label_network`.
        classes: Names of the classes, in the order of labels.
        grey: Whether it was trained on grey images; colours are then converted to luminance.
        settings: How it was trained.
        fingerprint: Hash of its training images and labels.
    """

    def __init__(
        self,
        network: keras.Model,
        classes: Sequence[str],
        *,
        grey: bool,
        settings: LabelJudgeSettings,
        fingerprint: str,
    ):
        self._network = network
        self.classes, self.grey = tuple(classes), grey
        self.settings, self.fingerprint = settings, fingerprint

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts labels, int64 `(n,)`, of float images `(n, h, w, 1, 3 or 4)` in [-1, 1]."""
        inputs = _network_input(images, self.settings.side, grey=self.grey)
        return predict_in_batches(self._network, inputs)[0].argmax(axis=1)

    def correct(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Computes float64 `(n,)`: 1 where the predicted label equals `labels`, else 0."""
        if len(images) != len(labels):
            raise ValueError(
                f"`labels` must hold one for each of the {len(images)} images, got {len(labels)}"
            )
        return (self.predict(images) == np.asarray(labels)).astype(np.float64)


def train_label_judge(
    images: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    folder: str | Path | None = None,
    settings: LabelJudgeSettings | None = None,
    report: Callable[[str], None] | None = None,
) -> LabelJudge:
    """Trains the label judge of a target domain, or loads a judge trained before.

    Args:
        images: Float `(n, h, w, 1, 3 or 4)` in [-1, 1], of the target's training split only.
        labels: Integers `(n,)`, each below `len(classes)`.
        classes: Names of the classes, in the order of labels.
        folder: Where the judge is saved; None does not save it.
        settings: How to train.
        report: Called with a line before it trains, which takes minutes.

    Raises:
        ValueError: If the labels do not match the images or the classes.
        DataError: If fewer than two classes have images.
    """
    settings = settings or LabelJudgeSettings()
    labels = np.asarray(labels, np.int32)
    if labels.shape != (len(images),):
        raise ValueError(
            f"`labels` must hold one integer for each of the {len(images)} images, "
            f"got shape {labels.shape}"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(
            f"`labels` must lie in 0..{len(classes) - 1}, one per class, "
            f"got {labels.min()}..{labels.max()}"
        )
    if len(np.unique(labels)) < 2:
        raise DataError(
            "the label judge needs training images of at least 2 classes, got "
            f"{len(np.unique(labels))}: label more classes, or remove the labels"
        )
    grey = images.shape[-1] == 1
    inputs = to_uint8(_network_input(images, settings.side, grey=grey))
    hashes = [hashlib.sha256(array.tobytes()).hexdigest() for array in (inputs, labels)]
    protocol = {"protocol": PROTOCOL, "settings": asdict(settings), "classes": list(classes)}
    protocol |= {"images": hashes[0], "labels": hashes[1]}
    network = load_or_train(
        "label", protocol, folder, lambda: _train(inputs, labels, len(classes), settings), report
    )
    return LabelJudge(network, classes, grey=grey, settings=settings, fingerprint=digest(hashes))


def _train(
    inputs: np.ndarray, labels: np.ndarray, classes: int, settings: LabelJudgeSettings
) -> keras.Model:
    network = networks.label_network(settings.side, classes, seed=settings.seed)
    batches = networks.label_batches(
        tf.constant(inputs),
        tf.constant(labels),
        batch=settings.batch,
        steps=settings.steps,
        seed=settings.seed,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fit(keras.Model(network.input, network.output), batches, loss, settings.steps)
    return network


def _network_input(images: np.ndarray, side: int, *, grey: bool) -> np.ndarray:
    """RGB images at the judge's size; with `grey`, all three channels are the luminance."""
    rgb = preprocessing.to_square_rgb(images, side)
    return np.repeat((rgb @ _LUMINANCE)[..., None], 3, axis=-1) if grey else rgb
