"""TILE and BROADCAST_TO, which XNNPACK lacks.

Keras's `UpSampling2D` and `repeat` become one of them, between reshapes of five axes.
RESIZE_NEAREST_NEIGHBOR, which XNNPACK lacks too, is left: its kernel takes 5 % less time than
concatenations would, with a 3x3 convolution after it (2 threads, AVX-512).
"""

import math
from collections.abc import Sequence

from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.graph_editor import GraphEditor

_CODES = schema.BuiltinOperator
_MAX_COPIES = 16  # of each value along one axis


def repeat_by_concatenation(editor: GraphEditor, operator: schema.OperatorT) -> bool:
    """Replaces a repetition along one axis by a concatenation of the tensor with itself.

    A tensor whose axis is repeated n times is a matrix with a row for each index of the axes
    before, and n copies of it side by side. Only values are copied, so results are equal.

    Returns:
        Whether it was replaced; not if several axes are repeated or there are more than 16 copies.
    """
    image, output = int(operator.inputs[0]), int(operator.outputs[0])
    before, after = editor.shape(image), editor.shape(output)
    if not editor.is_float(image) or len(before) != len(after) or min(after, default=0) < 1:
        return False
    repeated = [axis for axis in range(len(before)) if before[axis] != after[axis]]
    if len(repeated) != 1:
        return False
    (axis,) = repeated
    copies = after[axis] // before[axis]
    if copies * before[axis] != after[axis] or copies > _MAX_COPIES:
        return False
    source, sizes = _before_reshape(editor, image), (before[:axis], before[axis:])
    wide = _copied_rows(editor, source, sizes, copies, f"{editor.name(output)}_axis_{axis}")
    _write_reshaped(editor, wide, output)
    return True


def _copied_rows(
    editor: GraphEditor,
    image: int,
    sizes: tuple[Sequence[int], Sequence[int]],
    copies: int,
    name: str,
) -> int:
    """A tensor, seen as a matrix, with copies of each row side by side.

    Args:
        editor: Of the graph.
        image: The tensor, in any shape.
        sizes: The axes that are rows, and those that are columns.
        copies: How many.
        name: How the names of new tensors begin.
    """
    rows, columns = map(math.prod, sizes)
    matrix, shape = image, editor.shape(image)
    if not 0 < len(shape) <= 4 or shape[-1] != columns:
        shape = (1, 1, rows, columns)
        matrix = editor.reshape(image, shape, name)
    wide = editor.new_tensor((*shape[:-1], copies * columns), f"{name}_copies")
    editor.concatenate([matrix] * copies, len(shape) - 1, wide)
    return wide


def _before_reshape(editor: GraphEditor, tensor: int) -> int:
    """The tensor that a RESHAPE, or several, took; the tensor itself if none made it."""
    producer = editor.producer(tensor)
    while producer is not None and editor.code(producer) == _CODES.RESHAPE:
        tensor = int(producer.inputs[0])
        producer = editor.producer(tensor)
    return tensor


def _write_reshaped(editor: GraphEditor, wide: int, output: int) -> None:
    """Writes the result in its shape, or in that of a RESHAPE which alone reads it."""
    consumer = editor.only_consumer(output)
    if consumer is not None and editor.code(consumer) == _CODES.RESHAPE:
        editor.drop(consumer)
        output = int(consumer.outputs[0])
    editor.write_reshape(wide, output)
