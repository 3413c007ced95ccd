"""How every judge is trained, kept on disk and run."""

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

BATCH = 128  # images a judge looks at in one go
_RATE = 2e-3  # highest learning rate


def fit(trained: keras.Model, batches: tf.data.Dataset, loss: Callable, steps: int) -> None:
    """Trains a throw-away view of a network, which itself stays free of optimizer state."""
    warm = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warm), warmup_target=_RATE, warmup_steps=warm
    )
    trained.compile(keras.optimizers.Adam(rate), loss)
    trained.fit(batches, shuffle=False, verbose=0)


def kept(
    kind: str, protocol: dict, folder: str | Path | None, train: Callable[[], keras.Model]
) -> keras.Model:
    """Loads the network that this protocol made before, or trains it and keeps it."""
    if folder is None:
        return train()
    path = Path(folder) / f"{kind}-{digest(protocol)[:16]}.keras"
    note = path.with_suffix(".json")
    if path.is_file() and note.is_file():
        with contextlib.suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
            return keras.saving.load_model(path, compile=False)  # a broken one is made anew
    network = train()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.keras")
    network.save(unfinished)
    unfinished.replace(path)
    # Written last: a network without its note does not count.
    unfinished = unfinished.with_suffix(".json")
    unfinished.write_text(json.dumps({"kind": kind, **protocol}, indent=2) + "\n")
    unfinished.replace(note)
    return network


def digest(value: object) -> str:
    """Hex digest of what JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def in_batches(network: keras.Model, images: np.ndarray) -> list[np.ndarray]:
    """Runs a network at inference and gives each of its outputs for all images."""
    parts = [
        keras.tree.flatten(network(images[start : start + BATCH], training=False))
        for start in range(0, len(images), BATCH)
    ]
    return [
        np.concatenate([np.asarray(part) for part in output]) for output in zip(*parts, strict=True)
    ]
