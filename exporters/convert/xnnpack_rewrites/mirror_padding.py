"""MIRROR_PAD (`tf.pad` with REFLECT or SYMMETRIC), which XNNPACK lacks."""

from collections.abc import Iterable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.graph_editor import MAX_CONCATENATED, GraphEditor

_CODES = schema.BuiltinOperator
_MAX_PADDING = 16  # on one side of an axis; each row or column becomes a slice
_MAX_AXES = 4


def pad_by_slices(editor: GraphEditor, operator: schema.OperatorT) -> bool:
    """Replaces a mirrored border by slices of one row, or column, and concatenations.

    These only copy values, so results are equal. MIRROR_PAD would split XNNPACK's part of the
    graph and run on one thread.

    Returns:
        Whether it was replaced; not if a side has more than 16 rows to add.
    """
    image, amounts = (int(each) for each in operator.inputs)
    padding = editor.constant_values(amounts)
    shape = editor.shape(image)
    if padding is None or not editor.is_float(image) or not 0 < len(shape) <= _MAX_AXES:
        return False
    if padding.shape != (len(shape), 2) or padding.max() > _MAX_PADDING or padding.min() < 0:
        return False
    output = int(operator.outputs[0])
    axes = [axis for axis in range(len(shape)) if padding[axis].any()]
    if not axes:
        return False
    # REFLECT leaves the outermost row out, SYMMETRIC repeats it.
    edge = 0 if operator.builtinOptions.mode == schema.MirrorPadMode.SYMMETRIC else 1
    if any(padding[axis].max() + edge > shape[axis] for axis in axes):
        return False
    for axis in axes:
        image = _pad_axis(
            editor, image, axis, padding[axis], edge, output, is_last=axis == axes[-1]
        )
    return True


def _pad_axis(
    editor: GraphEditor,
    image: int,
    axis: int,
    amounts: np.ndarray,
    edge: int,
    output: int,
    *,
    is_last: bool,
) -> int:
    """Pads one axis; returns the padded tensor, which is `output` for the last axis."""
    before, after = (int(each) for each in amounts)
    shape, name = editor.shape(image), f"{editor.name(output)}_axis_{axis}"
    last_row = shape[axis] - 1 - edge
    first = _slices(editor, image, axis, range(edge + before - 1, edge - 1, -1), f"{name}_first")
    last = _slices(editor, image, axis, range(last_row, last_row - after, -1), f"{name}_last")
    if len(first) + 1 + len(last) > MAX_CONCATENATED:  # the image is in the last step alone
        first = _in_one(editor, first, axis, f"{name}_first")
        last = _in_one(editor, last, axis, f"{name}_last")
    padded = output
    if not is_last:
        sides = (*shape[:axis], shape[axis] + before + after, *shape[axis + 1 :])
        padded = editor.new_tensor(sides, name)
    editor.concatenate([*first, image, *last], axis, padded)
    return padded


def _in_one(editor: GraphEditor, parts: list[int], axis: int, name: str) -> list[int]:
    """The concatenation of several tensors, as a list of one."""
    if len(parts) < 2:
        return parts
    shape = list(editor.shape(parts[0]))
    shape[axis] = len(parts)
    strip = editor.new_tensor(shape, name)
    editor.concatenate(parts, axis, strip)
    return [strip]


def _slices(
    editor: GraphEditor, image: int, axis: int, rows: Iterable[int], name: str
) -> list[int]:
    """Slices of one row, or column, each, in the order given."""
    shape = editor.shape(image)
    size = (*shape[:axis], 1, *shape[axis + 1 :])
    slices = []
    for index, row in enumerate(rows):
        begin = [row if each == axis else 0 for each in range(len(shape))]
        part = editor.new_tensor(size, f"{name}_{index}")
        arguments = [
            editor.constant(np.array(values), f"{name}_{index}_{kind}")
            for values, kind in ((begin, "begin"), (size, "size"))
        ]
        editor.write(_CODES.SLICE, [image, *arguments], part, schema.SliceOptionsT())
        slices.append(part)
    return slices
