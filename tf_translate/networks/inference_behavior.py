"""What a network does at inference that it might not do in training, in words."""

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
    """Reads from its layers how a network treats noise and statistics at inference.

    Returns:
        `{"dropout": "none" | "off" | "fixed", "normalization": in words}`.
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
    """Those of the layers that normalise by the statistics of each image at inference."""
    return [
        layer.image_statistics
        for layer in layers
        if isinstance(layer, InstanceNormalization)
        or (isinstance(layer, BatchNormalization) and layer.inference_statistics == "image")
    ]
