"""Graph rewrites that make converted float models faster on XNNPACK with equal outputs.

Integer graphs are not rewritten: every added tensor would be rounded once more, and the
quantizer identifies layers by the names that conversion gives them.
"""

from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.few_output_channels import split_few_output_channels
from exporters.convert.xnnpack_rewrites.flatbuffer_file import pack, unpack
from exporters.convert.xnnpack_rewrites.graph_editor import GraphEditor
from exporters.convert.xnnpack_rewrites.transposed_convolution import split_stride_two

_REWRITES = {
    schema.BuiltinOperator.CONV_2D: split_few_output_channels,
    schema.BuiltinOperator.TRANSPOSE_CONV: split_stride_two,
}


_MAX_BYTES = 2**30  # a rewritten file may grow, and 2 GiB is the limit of the format


def optimize_for_xnnpack(content: bytes) -> bytes:
    """Rewrites convolutions that XNNPACK would compute with many products by padded zeros.

    A convolution to few channels becomes two, one along each axis (`few_output_channels`). A
    transposed convolution with an odd kernel becomes one convolution for each parity of rows and
    columns (`transposed_convolution`). The sums are the same in another order, so results differ
    by rounding only.

    Args:
        content: A .tflite file with static shapes, float32 activations, and float32 or float16
            constants.

    Returns:
        A file with the same signatures; the same bytes if no rewrite makes it faster.
    """
    model = unpack(content)
    if len(content) > _MAX_BYTES or any(buffer.offset > 1 for buffer in model.buffers):
        return content  # constants are, or would have to be, stored behind the graph
    changed = False
    for graph in model.subgraphs:
        editor = GraphEditor(model, graph)
        changed |= editor.rewrite(_REWRITES)
    return pack(model, len(content)) if changed else content
