"""The largest activations of a graph, compared with the largest float16 value.

GPUs of phones compute in float16 by default. Values above 65504 become infinite there, and the
output image is black or noise although it is correct on the processor.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from exporters.tflite_graph.operators import SignatureGraph, Tensor
from exporters.verification.golden import Golden

FLOAT16_MAX = 65504.0
MARGIN = 4.0  # golden cases are few; other images may cause larger activations


@dataclass(frozen=True)
class Peak:
    """The largest magnitude at one operation over all golden cases.

    Attributes:
        node_index: The operation's index in its graph.
        largest: Largest magnitude of its outputs.
        total: For a mean the largest magnitude of the sum that it computes, else 0.
    """

    node_index: int
    largest: float
    total: float


def peaks(content: bytes, name: str, graph: SignatureGraph, cases: Golden) -> list[Peak]:
    """Runs a signature of a .tflite file on golden cases and records every operation's peak.

    Needs memory for all tensors of the graph at once: 1.3 GB for ResNet-9 at 256 pixels.

    Args:
        content: The file's content.
        name: The signature.
        graph: Its graph from `read_signatures`.
        cases: Its golden cases.

    Returns:
        One peak for each operation with float32 outputs, in order.
    """
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    runner = interpreter.get_signature_runner(name or None)
    by_node: dict[int, Peak] = {}
    for inputs, _ in cases.cases():
        runner(**inputs)
        for peak in _peaks_of_one_run(interpreter, graph):
            before = by_node.get(peak.node_index, peak)
            largest = max(before.largest, peak.largest)
            total = max(before.total, peak.total)
            by_node[peak.node_index] = Peak(peak.node_index, largest, total)
    return list(by_node.values())


def _peaks_of_one_run(interpreter: Interpreter, graph: SignatureGraph) -> Iterator[Peak]:
    for index, node in enumerate(graph.nodes):
        tensors = [tensor for tensor in node.outputs if _is_activation(tensor)]
        if not tensors:
            continue
        values = [interpreter.get_tensor(tensor.index, graph.index) for tensor in tensors]
        total = 0.0
        if node.operation == "MEAN" and (data := node.inputs[0]) is not None:
            total = _magnitude(values[0]) * data.size / max(tensors[0].size, 1)
        yield Peak(index, max(_magnitude(value) for value in values), total)


def _is_activation(tensor: Tensor) -> bool:
    return tensor.dtype == "float32" and tensor.buffer is None


def _magnitude(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0.0))
