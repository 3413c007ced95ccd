"""How much a graph computes and stores: multiply-adds and parameters."""

import math
from collections.abc import Iterable

from exporters.tflite_graph.operators import Node, SignatureGraph

_STORED = ("float32", "float16", "int8", "uint8", "int4", "int16")


def multiply_adds(node: Node) -> int:
    """Multiply-adds of one call of an operation; 0 for all but convolutions and products.

    Operations by element (norms, activations, padding) are left out, as is usual. A transposed
    convolution counts what each input is multiplied with; tools that count by its output say
    four times as much at stride 2 (56.8 in place of 49.6 thousand million for ResNet-9 at 256).
    """
    given, output = list(node.given), node.outputs[0] if node.outputs else None
    if output is None or len(given) < 2:
        return 0
    if node.operation == "CONV_2D":  # filters (out, height, width, in a group)
        return output.size * math.prod(given[1].shape[1:])
    if node.operation == "CONV_3D":  # filters (depth, height, width, in, out)
        return output.size * math.prod(given[1].shape[:-1])
    if node.operation == "DEPTHWISE_CONV_2D":  # filters (1, height, width, out)
        return output.size * math.prod(given[1].shape[1:3])
    if node.operation == "TRANSPOSE_CONV" and len(given) > 2:  # sizes, filters (out, h, w, in)
        return given[2].size * math.prod(given[1].shape[:-1])
    if node.operation == "FULLY_CONNECTED":  # weights (out, in)
        return output.size * given[1].shape[-1]
    if node.operation == "BATCH_MATMUL" and given[0].shape:
        return output.size * given[0].shape[-2 if node.options.get("adjX") else -1]
    return 0


def total_multiply_adds(graph: SignatureGraph) -> int:
    """Multiply-adds of one call of a signature."""
    return sum(multiply_adds(node) for node in graph.nodes)


def parameters(graphs: Iterable[SignatureGraph]) -> int:
    """Numbers in the constants of all graphs together, each constant counted once.

    Whole numbers that only steer (axes, strides, shapes) are left out; biases of zeros that
    the converter adds are in.
    """
    sizes: dict[int, int] = {}
    for graph in graphs:
        for node in graph.nodes:
            for place, tensor in enumerate(node.inputs):
                if tensor is None or tensor.buffer is None:
                    continue
                bias = place == 2 and tensor.dtype in ("int32", "int64") and multiply_adds(node)
                if tensor.dtype in _STORED or bias:
                    sizes[tensor.buffer] = tensor.size
    return sum(sizes.values())
