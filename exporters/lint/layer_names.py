"""Finds the Keras layer of an operation from the tensor names that conversion writes."""

import re
from collections.abc import Iterable

from exporters.bundle.signatures import PIXEL_SCOPE
from exporters.tflite_graph.operators import SignatureGraph, Tensor

NO_LAYER = "the signature's own arithmetic"
_SUFFIX = re.compile(r"_\d+$")
_FUNCTION_SCOPES = {"clip_by_value", PIXEL_SCOPE}  # name scopes that are not layers


def layers_of(graph: SignatureGraph) -> dict[int, str]:
    """Finds the layer of every operation, by the operation's index in the graph.

    A tensor's name is `network_1/layer_1/Operation`. Keras opens each layer's scope twice, to
    build and to compute, so TensorFlow appends a number to each part. Tensors of the signature
    itself, such as its outputs, have no such name. Their layer is found by the names of the
    weights, or else by the operation before.

    Returns:
        Paths such as `resnet_generator/conv2d_3`; "after PATH" if only the operation before is
        known; `NO_LAYER` if there is no layer, as in the pixel scaling of a uint8 signature.
    """
    layers: dict[int, str] = {}
    producers: dict[int, str] = {}  # index of a tensor -> layer that computes it
    graph_outputs = {tensor.index for tensor in graph.outputs}
    for index, node in enumerate(graph.nodes):
        inputs = list(node.present_inputs)
        layer = _path(node.outputs) or _path(
            each for each in inputs if each.buffer and each.size > 1
        )
        if layer is None and graph_outputs & {tensor.index for tensor in node.outputs}:
            before = (producers[each.index] for each in inputs if each.index in producers)
            layer = next((f"after {path}" for path in before), None)
        layers[index] = layer or NO_LAYER
        producers |= {tensor.index: layer for tensor in node.outputs if layer}
    return layers


def _path(tensors: Iterable[Tensor]) -> str | None:
    for tensor in tensors:
        # A fused operation has the names of all its origins; the last one is the convolution.
        for origin in reversed(tensor.name.split(";")):
            parts = [_SUFFIX.sub("", part) for part in origin.split("/")[:-1]]
            layer = [part for part in parts if part not in _FUNCTION_SCOPES]
            if layer:
                return "/".join(layer)
    return None
