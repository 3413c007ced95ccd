"""Transposed convolutions with stride 2 and an odd kernel."""

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.graph_editor import GraphEditor

_CODES = schema.BuiltinOperator
_MIN_SAVED = 128  # products per output value; interleaving costs about 70 (measured)


@dataclass(frozen=True)
class _Parity:
    """The convolution along one axis that computes the rows, or columns, of one parity.

    Attributes:
        taps: Indices within the kernel, in the order of the pixels they multiply.
        before, after: Zeros that the image needs on either side.
    """

    taps: tuple[int, ...]
    before: int
    after: int

    @property
    def is_same_padding(self) -> bool:
        """Whether it equals padding "same", which costs XNNPACK nothing."""
        needed = len(self.taps) - 1
        return (self.before, self.after) == (needed // 2, needed - needed // 2)


def split_stride_two(editor: GraphEditor, operator: schema.OperatorT) -> bool:
    """Splits a transposed convolution into a convolution per parity of output rows and columns.

    Of a 3x3 kernel, outputs at even rows and columns use 4 taps, those at odd ones 1, the others
    2: 9 in total. XNNPACK pads all four to 2x2, 16 in total, and takes 1.8 times as long. The
    rewrite computes the four parities by convolutions without padded taps and interleaves them.
    A slice that drops the first row and column (PyTorch's padding of 1) becomes part of them.

    Returns:
        Whether it was split; only if that saves more than interleaving costs.
    """
    _, kernel, image, *bias = (int(each) for each in operator.inputs if each >= 0)
    options = operator.builtinOptions
    weights = editor.constant_values(kernel)
    if weights is None or not editor.is_float(image) or not _is_faster(weights.shape, options):
        return False
    output, cut, crop = _with_crop(editor, operator, weights.shape)
    parities = _parities(weights.shape, editor.shape(image), editor.shape(output), cut)
    if parities is None:
        return False
    if crop is not None:
        editor.drop(crop)
    bias = bias or [
        editor.constant(np.zeros(weights.shape[0], np.float32), f"{editor.name(kernel)}_no_bias")
    ]
    parts = [
        _convolve(editor, (image, kernel, *bias), (rows, columns), output, options)
        for rows in parities[0]
        for columns in parities[1]
    ]
    batch, height, width, channels = editor.shape(output)
    stacked_shape = (batch, height // 2, width // 2, 4 * channels)
    stacked = editor.new_tensor(stacked_shape, f"{editor.name(kernel)}_parts")
    editor.write(_CODES.CONCATENATION, parts, stacked, schema.ConcatenationOptionsT(axis=3))
    editor.write(_CODES.DEPTH_TO_SPACE, [stacked], output, schema.DepthToSpaceOptionsT(2))
    return True


def _is_faster(kernel: tuple[int, ...], options: schema.TransposeConvOptionsT) -> bool:
    _, rows, columns, channels = kernel
    if (options.strideH, options.strideW) != (2, 2) or min(rows, columns) < 2:
        return False
    padded = 4 * ((rows + 1) // 2) * ((columns + 1) // 2)
    return channels * (padded - rows * columns) / 4 >= _MIN_SAVED


def _with_crop(editor, operator, kernel):
    """The final output, how many rows and columns are cut before it, and the slice that cuts."""
    output = int(operator.outputs[0])
    if operator.builtinOptions.padding == schema.Padding.SAME:
        excess = [max(side - 2, 0) for side in kernel[1:3]]  # of sides that are exactly doubled
        return output, tuple(each // 2 for each in excess), None
    crop = editor.only_consumer(output)
    if crop is None or editor.code(crop) != _CODES.STRIDED_SLICE:
        return output, (0, 0), None
    begin = _slice_begin(editor, crop)
    if begin is None:
        return output, (0, 0), None
    return int(crop.outputs[0]), begin, crop


def _slice_begin(editor: GraphEditor, crop: schema.OperatorT) -> tuple[int, int] | None:
    """First row and column of a slice along these two axes; None for any other slice."""
    before, after = editor.shape(int(crop.inputs[0])), editor.shape(int(crop.outputs[0]))
    begin, strides = (editor.constant_values(int(crop.inputs[index])) for index in (1, 3))
    options = crop.builtinOptions
    masks = (options.ellipsisMask, options.newAxisMask, options.shrinkAxisMask)
    if begin is None or strides is None or any(masks) or set(strides.tolist()) != {1}:
        return None
    if len(after) != 4 or (before[0], before[3]) != (after[0], after[3]):
        return None
    kept = [0 if options.beginMask >> axis & 1 else int(begin[axis]) for axis in range(4)]
    return (kept[1], kept[2]) if min(kept) >= 0 else None


def _parities(kernel, image, output, cut) -> tuple[list[_Parity], list[_Parity]] | None:
    """Both parities of rows, then of columns; None if they do not interleave to the output."""
    by_axis = []
    for axis in (0, 1):
        taps, in_size, out_size = kernel[1 + axis], image[1 + axis], output[1 + axis]
        both = [_parity(taps, in_size, out_size // 2, parity + cut[axis]) for parity in (0, 1)]
        if out_size % 2 or any(each.before < 0 or each.after < 0 for each in both):
            return None
        by_axis.append(both)
    return by_axis[0], by_axis[1]


def _parity(kernel: int, in_size: int, out_size: int, shift: int) -> _Parity:
    """The convolution of one parity.

    Output row 2 j + parity is a sum over taps of that parity, each times pixel
    j + (shift - tap) / 2.

    Args:
        kernel: Number of taps of the whole kernel.
        in_size: Pixels of the image.
        out_size: Output pixels of this parity.
        shift: The parity plus the number of rows that are cut before it.
    """
    taps = [tap for tap in reversed(range(kernel)) if (tap - shift) % 2 == 0]
    first, last = (shift - taps[0]) // 2, (shift - taps[-1]) // 2
    return _Parity(tuple(taps), -first, out_size - 1 + last - (in_size - 1))


def _convolve(editor, inputs, parity, output, options) -> int:
    """Writes the convolution of one parity of rows and one of columns; returns its tensor."""
    image, kernel, bias = inputs
    rows, columns = parity
    batch, height, width, channels = editor.shape(output)
    name = f"{editor.name(kernel)}_taps_{'_'.join(map(str, (*rows.taps, *columns.taps)))}"
    weights = editor.constant_values(kernel)[:, rows.taps][:, :, columns.taps]
    taps = editor.constant_like(weights, f"{name}_kernel", like=kernel)
    padding = schema.Padding.SAME
    if not (rows.is_same_padding and columns.is_same_padding):
        padding = schema.Padding.VALID
        image = _pad(editor, image, parity, name)
    part = editor.new_tensor((batch, height // 2, width // 2, channels), name)
    activation = options.fusedActivationFunction
    editor.write(
        _CODES.CONV_2D,
        [image, taps, bias],
        part,
        schema.Conv2DOptionsT(padding, 1, 1, fusedActivationFunction=activation),
    )
    return part


def _pad(editor: GraphEditor, image: int, parity: tuple[_Parity, _Parity], name: str) -> int:
    sides = [[0, 0], *([each.before, each.after] for each in parity), [0, 0]]
    if not np.any(sides):
        return image
    shape = [side + sum(more) for side, more in zip(editor.shape(image), sides, strict=True)]
    padded = editor.new_tensor(shape, f"{name}_padded")
    amounts = editor.constant(np.array(sides), f"{name}_padding")
    editor.write(_CODES.PAD, [image, amounts], padded, schema.PadOptionsT())
    return padded
