"""How large activations become, against the largest number of float16.

GPUs of phones compute in float16 by default: whatever passes 65504 becomes infinite there,
and a image comes out black or as noise though the processor's is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from exporters.tflite_graph.operators import SignatureGraph, Tensor
from exporters.verification.golden import Golden

FLOAT16_MAX = 65504.0
MARGIN = 4.0  # golden cases are few; other images reach further


@dataclass(frozen=True)
class Peak:
    """The largest magnitude at one operation over all golden cases.

    Attributes:
        place: The operation's place in its graph.
        largest: Largest magnitude among its outputs.
        total: For a mean the largest magnitude of the sum behind it, else 0.
    """

    place: int
    largest: float
    total: float


def peaks(content: bytes, name: str, graph: SignatureGraph, cases: Golden) -> list[Peak]:
    """Runs a signature of a .tflite file on golden cases and keeps what every operation gave.

    Needs memory for all tensors of the graph at once: 1.3 GB for ResNet-9 at 256 pixels.

    Args:
        content: The file's.
        name: The signature.
        graph: What `read_signatures` read of it.
        cases: Its golden cases.

    Returns:
        One peak for each operation that gives float32, in order.
    """
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    runner = interpreter.get_signature_runner(name or None)
    found: dict[int, Peak] = {}
    for inputs, _ in cases.cases():
        runner(**inputs)
        for peak in _peaks_of_one_run(interpreter, graph):
            before = found.get(peak.place, peak)
            largest = max(before.largest, peak.largest)
            found[peak.place] = Peak(peak.place, largest, max(before.total, peak.total))
    return list(found.values())


def _peaks_of_one_run(interpreter: Interpreter, graph: SignatureGraph) -> Iterator[Peak]:
    for place, node in enumerate(graph.nodes):
        tensors = [tensor for tensor in node.outputs if _is_activation(tensor)]
        if not tensors:
            continue
        values = [interpreter.get_tensor(tensor.index, graph.number) for tensor in tensors]
        total = 0.0
        if node.operation == "MEAN" and (data := node.inputs[0]) is not None:
            total = _magnitude(values[0]) * data.size / max(tensors[0].size, 1)
        yield Peak(place, max(_magnitude(value) for value in values), total)


def _is_activation(tensor: Tensor) -> bool:
    return tensor.dtype == "float32" and tensor.buffer is None


def _magnitude(values: np.ndarray) -> float:
    return float(np.abs(values).max(initial=0.0))
