"""Convolutions to few output channels, such as the last layer of a generator (three colours)."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.graph_editor import GraphEditor

_LANES = (8, 16)  # channels that XNNPACK's kernels compute at once, on phones and on desktops
_MAX_REMAINING = 0.6  # fraction of the products that may remain for the rewrite to be used
_MIN_PRODUCTS = 10**7  # counted with padding to lanes; smaller convolutions gain nothing


def split_few_output_channels(editor: GraphEditor, operator: schema.OperatorT) -> bool:
    """Splits a convolution to few channels into one along rows and one along columns.

    XNNPACK always computes 8 or 16 channels at once, so a 7x7 convolution to 3 channels takes as
    long as one to 16. The first new convolution has a kernel of one row. Every row of the
    original kernel becomes separate channels in it (7 rows of 3 are 21 channels). The second has
    a kernel of one column with ones and zeros, which adds the channels of each row at the right
    offset.

    Returns:
        Whether it was split; only if that leaves fewer products.
    """
    image, kernel, *bias = (int(each) for each in operator.inputs if each >= 0)
    options = operator.builtinOptions
    weights = editor.constant_values(kernel)
    if weights is None or not editor.is_float(image) or not _has_unit_strides(options):
        return False
    if weights.shape[3] != editor.shape(image)[3]:
        return False  # a grouped convolution
    output = int(operator.outputs[0])
    batch, height, width, _ = editor.shape(output)
    if not _is_faster(weights.shape, batch * height * width):
        return False
    input_height = editor.shape(image)[1]
    few, rows = weights.shape[0], weights.shape[1]
    name = editor.name(kernel)  # contains the layer's path; the output's name may not
    row_weights = np.moveaxis(weights, 1, 0).reshape(rows * few, 1, *weights.shape[2:])
    by_row = editor.new_tensor((batch, input_height, width, rows * few), f"{name}_by_row")
    no_bias = editor.constant(np.zeros(rows * few, np.float32), f"{name}_by_row_bias")
    row_kernel = editor.constant_like(row_weights, f"{name}_by_row_kernel", like=kernel)
    editor.write(
        schema.BuiltinOperator.CONV_2D,
        [image, row_kernel, no_bias],
        by_row,
        schema.Conv2DOptionsT(padding=options.padding, strideW=1, strideH=1),
    )
    column_kernel = editor.constant_like(_row_sums(rows, few), f"{name}_rows", like=kernel)
    final_bias = bias or [editor.constant(np.zeros(few, np.float32), f"{name}_no_bias")]
    editor.write(
        schema.BuiltinOperator.CONV_2D, [by_row, column_kernel, *final_bias], output, options
    )
    return True


def _has_unit_strides(options: schema.Conv2DOptionsT) -> bool:
    strides = (options.strideH, options.strideW)
    return strides == (1, 1) and (options.dilationHFactor, options.dilationWFactor) == (1, 1)


def _is_faster(kernel: tuple[int, ...], pixels: int) -> bool:
    few, rows, columns, channels = kernel
    for lanes in _LANES:
        before = rows * columns * channels * _pad_to_lanes(few, lanes)
        after = columns * channels * _pad_to_lanes(rows * few, lanes) + rows * rows * few * lanes
        if after > _MAX_REMAINING * before or before * pixels < _MIN_PRODUCTS:
            return False
    return True


def _pad_to_lanes(channels: int, lanes: int) -> int:
    return -(-channels // lanes) * lanes


def _row_sums(rows: int, few: int) -> np.ndarray:
    """`(few, rows, 1, rows * few)`: 1 where a channel holds that row's part of that colour."""
    ones = np.zeros((few, rows, 1, rows, few), np.float32)
    for row in range(rows):
        for colour in range(few):
            ones[colour, row, 0, row, colour] = 1.0
    return ones.reshape(few, rows, 1, rows * few)
