"""Graph rewrites that make converted models faster on XNNPACK with equal outputs.

Operations that copy values are rewritten in all files, before quantization. Those that compute
only in files of floats: with integers every added tensor would be rounded once more.
"""

from collections.abc import Callable, Mapping

from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.few_output_channels import split_few_output_channels
from exporters.convert.xnnpack_rewrites.flatbuffer_file import pack, unpack
from exporters.convert.xnnpack_rewrites.graph_editor import GraphEditor
from exporters.convert.xnnpack_rewrites.mirror_padding import pad_by_slices
from exporters.convert.xnnpack_rewrites.repetition import repeat_by_concatenation
from exporters.convert.xnnpack_rewrites.transposed_convolution import split_stride_two

_Rewrites = Mapping[int, Callable[[GraphEditor, schema.OperatorT], bool]]
_COPIES: _Rewrites = {
    schema.BuiltinOperator.BROADCAST_TO: repeat_by_concatenation,
    schema.BuiltinOperator.MIRROR_PAD: pad_by_slices,
    schema.BuiltinOperator.TILE: repeat_by_concatenation,
}
_SUMS: _Rewrites = {
    schema.BuiltinOperator.CONV_2D: split_few_output_channels,
    schema.BuiltinOperator.TRANSPOSE_CONV: split_stride_two,
}

_MAX_BYTES = 2**30  # a rewritten file may grow, and 2 GiB is the limit of the format


def optimize_for_xnnpack(content: bytes) -> bytes:
    """Rewrites convolutions that XNNPACK would compute with many products by padded zeros.

    A convolution to few channels becomes two, one along each axis (`few_output_channels`). A
    transposed convolution with an odd kernel becomes one convolution for each parity of rows and
    columns (`transposed_convolution`). The sums are the same in another order, so results differ
    by rounding only. Copies are rewritten too (`delegate_copies`).

    Args:
        content: A .tflite file with static shapes, float32 activations, and float32 or float16
            constants.

    Returns:
        A file with the same signatures; the same bytes if no rewrite makes it faster.
    """
    return _rewritten(content, {**_COPIES, **_SUMS})


def delegate_copies(content: bytes) -> bytes:
    """Rewrites operations that only copy values, and that XNNPACK lacks, to some that it has.

    Mirrored borders become slices and concatenations (`mirror_padding`), and values that are
    repeated along an axis, as by Keras's UpSampling2D, concatenations (`repetition`). Results are
    equal. Each of the original operations splits the part of the graph that XNNPACK runs.

    Args:
        content: A .tflite file with static shapes and float32 activations; weights may be of any
            type.

    Returns:
        A file with the same signatures; the same bytes if it has no such operations.
    """
    return _rewritten(content, _COPIES)


def _rewritten(content: bytes, rewrites: _Rewrites) -> bytes:
    model = unpack(content)
    if len(content) > _MAX_BYTES or any(buffer.offset > 1 for buffer in model.buffers):
        return content  # constants are, or would have to be, stored behind the graph
    changed = False
    for graph in model.subgraphs:
        editor = GraphEditor(model, graph)
        changed |= editor.rewrite(rewrites)
    return pack(model, len(content)) if changed else content
