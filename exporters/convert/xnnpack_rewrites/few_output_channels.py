"""Convolutions to few channels, such as those that end generators in three colours."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.graph_editor import Editor

_LANES = (8, 16)  # channels that XNNPACK's kernels compute at once: phones', then desktops'
_LEAST_GAIN = 0.6  # of the products, at most, that may be left
_LEAST_PRODUCTS = 10**7  # padded to lanes, below which nothing is to gain


def split_narrow(editor: Editor, operator: schema.OperatorT) -> bool:
    """Splits a convolution to few channels into one along rows and one along columns.

    XNNPACK computes 8 or 16 channels at once, also where there are 3, and so a 7x7 convolution to
    3 takes as long as one to 16. Here every row of the kernel is a channel of its own in a
    convolution of one row (7 rows of 3 are 21 channels), and a convolution of one column of ones
    and zeros adds up each row's channels from where they belong. Sums are the same.

    Returns:
        Whether it was split: only where that leaves fewer products.
    """
    image, kernel, *bias = (int(each) for each in operator.inputs if each >= 0)
    options = operator.builtinOptions
    weights = editor.numbers(kernel)
    if weights is None or not editor.is_float(image) or not _plain(options):
        return False
    if weights.shape[3] != editor.shape(image)[3]:
        return False  # in groups
    result = int(operator.outputs[0])
    batch, height, width, _ = editor.shape(result)
    if not _pays(weights.shape, batch * height * width):
        return False
    taken = editor.shape(image)[1]
    few, rows = weights.shape[0], weights.shape[1]
    name = editor.name(kernel)  # the layer's, which the result's may not tell
    wide = np.moveaxis(weights, 1, 0).reshape(rows * few, 1, *weights.shape[2:])
    by_row = editor.result((batch, taken, width, rows * few), f"{name}_by_row")
    nothing = editor.constant(np.zeros(rows * few, np.float32), f"{name}_by_row_bias")
    first = editor.weights(wide, f"{name}_by_row_kernel", like=kernel)
    editor.write(
        schema.BuiltinOperator.CONV_2D,
        [image, first, nothing],
        by_row,
        schema.Conv2DOptionsT(padding=options.padding, strideW=1, strideH=1),
    )
    chosen = editor.weights(_belonging(rows, few), f"{name}_rows", like=kernel)
    last = bias or [editor.constant(np.zeros(few, np.float32), f"{name}_no_bias")]
    editor.write(schema.BuiltinOperator.CONV_2D, [by_row, chosen, *last], result, options)
    return True


def _plain(options: schema.Conv2DOptionsT) -> bool:
    strides = (options.strideH, options.strideW)
    return strides == (1, 1) and (options.dilationHFactor, options.dilationWFactor) == (1, 1)


def _pays(kernel: tuple[int, ...], pixels: int) -> bool:
    few, rows, columns, channels = kernel
    for lanes in _LANES:
        whole = rows * columns * channels * _padded(few, lanes)
        split = columns * channels * _padded(rows * few, lanes) + rows * rows * few * lanes
        if split > _LEAST_GAIN * whole or whole * pixels < _LEAST_PRODUCTS:
            return False
    return True


def _padded(channels: int, lanes: int) -> int:
    return -(-channels // lanes) * lanes


def _belonging(rows: int, few: int) -> np.ndarray:
    """`(few, rows, 1, rows * few)`: 1 where a channel holds that row's part of that colour."""
    ones = np.zeros((few, rows, 1, rows, few), np.float32)
    for row in range(rows):
        for colour in range(few):
            ones[colour, row, 0, row, colour] = 1.0
    return ones.reshape(few, rows, 1, rows * few)
