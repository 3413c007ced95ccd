"""Counts the multiply-adds and parameters of a graph."""

import math
from collections.abc import Iterable

from exporters.tflite_graph.operators import Node, SignatureGraph

_STORED = ("float32", "float16", "int8", "uint8", "int4", "int16")


def multiply_adds(node: Node) -> int:
    """Multiply-adds of one call of an operation; 0 for all but convolutions and matrix products.

    Elementwise operations (normalization, activations, padding) are not counted, as is usual. A
    transposed convolution is counted by its input. Tools that count it by its output get four
    times as much at stride 2 (56.8 instead of 49.6 billion for ResNet-9 at 256 pixels).
    """
    inputs, output = list(node.present_inputs), node.outputs[0] if node.outputs else None
    if output is None or len(inputs) < 2:
        return 0
    if node.operation == "CONV_2D":  # filters (out, height, width, in a group)
        return output.size * math.prod(inputs[1].shape[1:])
    if node.operation == "CONV_3D":  # filters (depth, height, width, in, out)
        return output.size * math.prod(inputs[1].shape[:-1])
    if node.operation == "DEPTHWISE_CONV_2D":  # filters (1, height, width, out)
        return output.size * math.prod(inputs[1].shape[1:3])
    if node.operation == "TRANSPOSE_CONV" and len(inputs) > 2:  # sizes, filters (out, h, w, in)
        return inputs[2].size * math.prod(inputs[1].shape[:-1])
    if node.operation == "FULLY_CONNECTED":  # weights (out, in)
        return output.size * inputs[1].shape[-1]
    if node.operation == "BATCH_MATMUL" and inputs[0].shape:
        return output.size * inputs[0].shape[-2 if node.options.get("adjX") else -1]
    return 0


def total_multiply_adds(graph: SignatureGraph) -> int:
    """Multiply-adds of one call of a signature."""
    return sum(multiply_adds(node) for node in graph.nodes)


def parameters(graphs: Iterable[SignatureGraph]) -> int:
    """Number of values in the constants of all graphs, counting each constant once.

    Integer arguments (axes, strides, shapes) are not counted; biases of zeros that the
    converter adds are.
    """
    sizes: dict[int, int] = {}
    for graph in graphs:
        for node in graph.nodes:
            for index, tensor in enumerate(node.inputs):
                if tensor is None or tensor.buffer is None:
                    continue
                bias = index == 2 and tensor.dtype in ("int32", "int64") and multiply_adds(node)
                if tensor.dtype in _STORED or bias:
                    sizes[tensor.buffer] = tensor.size
    return sum(sizes.values())
