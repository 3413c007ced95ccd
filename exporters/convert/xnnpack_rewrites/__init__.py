"""Says the same in operations that processors run quicker, after a model was converted.

Only float graphs are rewritten: on integers every number between two operations is rounded once
more, and the quantiser knows layers by the names they were converted with.
"""

from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.few_output_channels import split_narrow
from exporters.convert.xnnpack_rewrites.flatbuffer_file import packed, unpacked
from exporters.convert.xnnpack_rewrites.graph_editor import Editor
from exporters.convert.xnnpack_rewrites.transposed_convolution import split_doubling

_REWRITES = {
    schema.BuiltinOperator.CONV_2D: split_narrow,
    schema.BuiltinOperator.TRANSPOSE_CONV: split_doubling,
}


_LARGEST = 2**30  # bytes of a file that may grow while it is written anew


def quicker(content: bytes) -> bytes:
    """Rewrites what XNNPACK computes with many products by zero.

    Convolutions to few channels become two of one axis each (`narrow`), transposed ones of odd
    kernels one for each parity of rows and columns (`doubling`). The same sums in another order:
    results differ by their rounding alone.

    Args:
        content: A .tflite file's whose shapes are static and whose numbers are float32, its
            constants float32 or float16.

    Returns:
        The content of a file of the same signatures; the same bytes where nothing is to gain.
    """
    model = unpacked(content)
    if len(content) > _LARGEST or any(buffer.offset > 1 for buffer in model.buffers):
        return content  # its constants lie behind the graph, or would have to
    changed = False
    for graph in model.subgraphs:
        editor = Editor(model, graph)
        changed |= editor.rewrite(_REWRITES)
    return packed(model, len(content)) if changed else content
