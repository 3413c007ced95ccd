"""Training steps in Keras for `scripts/bench training`.

python -m scripts.benchmarks.training_keras TASK

TASK is JSON: method, side, base_filters, blocks, precision, threads, seed, product (side of the
matrices) and folder. The folder receives the weights, the batch and the first masks of dropout,
for PyTorch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from scripts.benchmarks.machine import versions
from scripts.benchmarks.training_worker import serve
from tf_translate.layers.dropout import Dropout
from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.methods.pix2pix import Pix2Pix, Pix2PixSettings

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


class KerasTraining:
    """A translator that takes training steps on one batch, as `fit` does."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(task["threads"])
        tf.config.threading.set_inter_op_parallelism_threads(task["threads"])
        keras.utils.set_random_seed(task["seed"])
        keras.mixed_precision.set_global_policy(POLICIES[task["precision"]])
        self._translator = _translator(task)
        self._translator.compile()
        self._translator.make_train_function()
        networks = {name: getattr(self._translator, name) for name in _networks(self._translator)}
        self.parameters = {
            name: sum(int(np.prod(v.shape)) for v in network.trainable_variables)
            for name, network in networks.items()
        }
        self.versions = versions(("tensorflow", "keras", "numpy"))
        random = np.random.default_rng(task["seed"])
        shape = (1, task["side"], task["side"], 3)
        batch = {name: random.uniform(-1, 1, shape).astype(np.float32) for name in ("a", "b")}
        _write_start(Path(task["folder"]), networks, batch)
        self._batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
        dtype = tf.bfloat16 if task["precision"] == "bfloat16" else tf.float32
        self._matrix = tf.cast(tf.random.uniform([task["product"]] * 2), dtype)
        self._multiply = tf.function(lambda matrix: tf.matmul(matrix, matrix))

    def step(self) -> dict[str, float]:
        """Takes a training step on the batch; returns the unweighted losses."""
        self._translator.reset_metrics()
        logs = self._translator.train_function(self._batches)
        return {name.split("/")[-1]: float(value) for name, value in logs.items()}

    def product(self) -> float:
        """Multiplies two large matrices; returns one value, which waits for the product."""
        return float(self._multiply(self._matrix)[0, 0])


def _translator(task: Mapping[str, Any]) -> CycleGAN | Pix2Pix:
    side, filters = task["side"], task["base_filters"]
    shapes = [(side, side, 3)] * 2
    sizes = {"base_filters": filters, "discriminator_filters": filters}
    if task["method"] == "cyclegan":
        settings = CycleGANSettings(residual_blocks=task["blocks"], **sizes)
        return CycleGAN.from_settings(settings, *shapes)
    return Pix2Pix.from_settings(
        Pix2PixSettings(num_downsamples=side.bit_length() - 1, **sizes), *shapes
    )


def _networks(translator: CycleGAN | Pix2Pix) -> list[str]:
    return [name for player in translator.players for name in player.networks]


def _write_start(folder: Path, networks: Mapping, batch: Mapping[str, np.ndarray]) -> None:
    """Writes the weights of each network in order, the masks of the first pass, and the batch."""
    arrays = {f"batch/{name}": images for name, images in batch.items()}
    for name, network in networks.items():
        weights = [value for layer in network.layers for value in layer.weights if value.ndim]
        for index, value in enumerate(weights):
            arrays[f"{name}/{index:03}"] = value.numpy()
        layers = [layer for layer in network.layers if isinstance(layer, Dropout)]
        for index, layer in enumerate(layers):
            ones = tf.ones([1, *layer.output.shape[1:]])
            arrays[f"mask/{index}"] = layer(ones, training=True).numpy().astype(np.float32)
            layer.counter.assign(0)  # the first step generates the same mask again
    np.savez(folder / "start.npz", **arrays)


if __name__ == "__main__":
    serve(KerasTraining)
