"""Training, saving and batched inference of all judges."""

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_translate.atomic_files import write_atomically, write_text_atomically
from tf_translate.errors import DataError
from tf_translate.keras_files.loading import load_keras_file

BATCH = 128  # images per inference call
_PEAK_LEARNING_RATE = 2e-3


def fit(model: keras.Model, batches: tf.data.Dataset, loss: Callable, steps: int) -> None:
    """Trains a temporary model that shares the network's layers.

    The network itself gets no optimizer state.
    """
    warmup = max(1, steps // 10)
    learning_rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=_PEAK_LEARNING_RATE, warmup_steps=warmup
    )
    model.compile(keras.optimizers.Adam(learning_rate), loss)
    model.fit(batches, shuffle=False, verbose=0)


def load_or_train(
    kind: str,
    protocol: dict,
    folder: str | Path | None,
    train: Callable[[], keras.Model],
    report: Callable[[str], None] | None = None,
) -> keras.Model:
    """Loads the network that was saved for this protocol, or trains and saves it.

    A file that cannot be loaded is replaced, with a warning. `report` is called with a line before
    it trains.
    """
    if folder is None:
        _report(report, f"training the {kind} judge")
        return train()
    path = Path(folder) / f"{kind}-{digest(protocol)[:16]}.keras"
    metadata = path.with_suffix(".json")
    if path.is_file() and metadata.is_file():
        try:
            return load_keras_file(path, compile=False)
        except DataError as error:
            warnings.warn(f"the {kind} judge is trained again: {error}", stacklevel=2)
    _report(report, f"training the {kind} judge, once for these images")
    network = train()
    write_atomically(path, network.save)
    # Written last: a network without metadata is incomplete and ignored.
    write_text_atomically(metadata, json.dumps({"kind": kind, **protocol}, indent=2) + "\n")
    return network


def _report(report: Callable[[str], None] | None, line: str) -> None:
    if report is not None:
        report(line)


def digest(value: object) -> str:
    """SHA-256 of a JSON-serializable value, in hex."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def predict_in_batches(network: keras.Model, images: np.ndarray) -> list[np.ndarray]:
    """Runs a network in inference mode and returns each of its outputs for all images."""
    parts = [
        keras.tree.flatten(network(images[start : start + BATCH], training=False))
        for start in range(0, len(images), BATCH)
    ]
    return [
        np.concatenate([np.asarray(part) for part in output]) for output in zip(*parts, strict=True)
    ]
