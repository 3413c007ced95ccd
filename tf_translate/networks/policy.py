"""What a network does at inference that it might not do in training, in words."""

import keras

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.dropout import Dropout
from tf_translate.layers.instance_norm import InstanceNormalization

_NORMALIZATION = {
    "image": "statistics of each image",
    "moving": "moving averages of training",
}


def inference_policy(network: keras.Model) -> dict[str, str]:
    """Reads from its layers how a network treats noise and statistics at inference.

    Returns:
        `{"dropout": "none" | "off" | "fixed", "normalization": in words}`.
    """
    layers = network._flatten_layers()
    dropout, norms = "none", set()
    for layer in layers:
        if isinstance(layer, Dropout) and layer.rate:
            dropout = layer.inference
        if isinstance(layer, InstanceNormalization):
            norms.add("statistics of each image")
        if isinstance(layer, BatchNormalization):
            norms.add(_NORMALIZATION[layer.inference_statistics])
    return {"dropout": dropout, "normalization": ", ".join(sorted(norms)) or "none"}
