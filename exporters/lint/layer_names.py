"""Which Keras layer an operation comes from, by the names that conversion leaves."""

import re
from collections.abc import Iterable

from exporters.bundle.signatures import PIXEL_SCOPE
from exporters.tflite_graph.operators import SignatureGraph, Tensor

OWN = "the signature's own arithmetic"
_SUFFIX = re.compile(r"_\d+$")
_SCOPES_OF_FUNCTIONS = {"clip_by_value", PIXEL_SCOPE}  # TensorFlow's and ours, not a layer's


def layers_of(graph: SignatureGraph) -> dict[int, str]:
    """Names the layer of every operation, by the operation's place in the graph.

    A tensor's name is `network_1/layer_1/Operation`: Keras opens each layer's scope once while
    it looks at the layer and again while it computes, so TensorFlow adds one number to each part.
    A tensor of the signature itself (its output, for example) has no such name; then the
    weights tell, then the operation before.

    Returns:
        Paths such as `resnet_generator/conv2d_3`; "after PATH" where only the operation before
        is known, and `OWN` where no layer is, as in the scaling of a uint8 signature.
    """
    layers: dict[int, str] = {}
    makers: dict[int, str] = {}  # index of a tensor -> layer that made it
    leaving = {tensor.index for tensor in graph.outputs}
    for place, node in enumerate(graph.nodes):
        weights = [tensor for tensor in node.given if tensor.buffer and tensor.size > 1]
        found = _path(node.outputs) or _path(weights)
        if found is None and leaving & {tensor.index for tensor in node.outputs}:
            before = (makers[tensor.index] for tensor in node.given if tensor.index in makers)
            found = next((f"after {path}" for path in before), None)
        layers[place] = found or OWN
        makers |= {tensor.index: found for tensor in node.outputs if found}
    return layers


def _path(tensors: Iterable[Tensor]) -> str | None:
    for tensor in tensors:
        # Operations that were fused name all of their origins; the last is the one that computes.
        for origin in reversed(tensor.name.split(";")):
            parts = [_SUFFIX.sub("", part) for part in origin.split("/")[:-1]]
            layer = [part for part in parts if part not in _SCOPES_OF_FUNCTIONS]
            if layer:
                return "/".join(layer)
    return None
