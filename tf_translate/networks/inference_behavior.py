"""How networks treat noise and normalization at inference."""

from collections.abc import Iterable

import keras

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.dropout import Dropout
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.layers.instance_statistics import ImageStatistics

_EACH_IMAGE = "statistics of each image"
_FROZEN = "statistics of a calibration set"
_MOVING = "moving averages of training"


def describe_inference(network: keras.Model) -> dict[str, str]:
    """Describes how a network treats noise and normalization at inference.

    Returns:
        `{"dropout": "none" | "off" | "fixed", "normalization": a phrase}`.
    """
    layers = list(network._flatten_layers())
    dropout, norms = "none", set()
    for layer in layers:
        if isinstance(layer, Dropout) and layer.rate:
            dropout = layer.inference
        if isinstance(layer, BatchNormalization) and layer.inference_statistics == "moving":
            norms.add(_MOVING)
    norms |= {_EACH_IMAGE if each.frozen is None else _FROZEN for each in image_statistics(layers)}
    return {"dropout": dropout, "normalization": ", ".join(sorted(norms)) or "none"}


def image_statistics(layers: Iterable[keras.layers.Layer]) -> list[ImageStatistics]:
    """The statistics of layers that normalise each image by its own at inference."""
    return [
        layer.image_statistics
        for layer in layers
        if isinstance(layer, InstanceNormalization)
        or (isinstance(layer, BatchNormalization) and layer.inference_statistics == "image")
    ]
