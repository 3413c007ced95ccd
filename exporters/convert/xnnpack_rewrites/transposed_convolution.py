"""Transposed convolutions that double an image by an odd kernel."""

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from exporters.convert.xnnpack_rewrites.graph_editor import Editor

_CODES = schema.BuiltinOperator
_LEAST_SAVED = 128  # products for each number given; interleaving costs about 70 (measured)


@dataclass(frozen=True)
class _Part:
    """What gives the rows, or the columns, of one parity.

    Attributes:
        taps: Places in the kernel, in the order in which pixels come.
        before, after: Pixels of zero that the image needs on either side.
    """

    taps: tuple[int, ...]
    before: int
    after: int

    @property
    def same(self) -> bool:
        """Whether padding "same" pads just so; XNNPACK pads for nothing then."""
        needed = len(self.taps) - 1
        return (self.before, self.after) == (needed // 2, needed - needed // 2)


def split_doubling(editor: Editor, operator: schema.OperatorT) -> bool:
    """Splits a doubling by an odd kernel into a convolution for each parity of rows and columns.

    Of a 3x3 kernel, pixels of even rows and columns meet 4 taps, of odd ones 1 and the others 2:
    9 in all. XNNPACK pads all four to 2x2, 16 in all, and so takes 1.8 times as long. Here four
    convolutions give what they need and are interleaved. A slice that drops the first row and
    column, as PyTorch's padding of 1 does, goes into them.

    Returns:
        Whether it was split: only where more is saved than interleaving costs.
    """
    _, kernel, image, *bias = (int(each) for each in operator.inputs if each >= 0)
    options = operator.builtinOptions
    weights = editor.numbers(kernel)
    if weights is None or not editor.is_float(image) or not _pays(weights.shape, options):
        return False
    result, cut, crop = _cropped(editor, operator, weights.shape, editor.shape(image))
    parts = _parts(weights.shape, editor.shape(image), editor.shape(result), cut)
    if parts is None:
        return False
    if crop is not None:
        editor.drop(crop)
    given = bias or [
        editor.constant(np.zeros(weights.shape[0], np.float32), f"{editor.name(kernel)}_no_bias")
    ]
    made = [
        _convolve(editor, (image, kernel, *given), (down, across), result, options)
        for down in parts[0]
        for across in parts[1]
    ]
    batch, height, width, channels = editor.shape(result)
    beside = (batch, height // 2, width // 2, 4 * channels)
    whole = editor.result(beside, f"{editor.name(kernel)}_parts")
    editor.write(_CODES.CONCATENATION, made, whole, schema.ConcatenationOptionsT(axis=3))
    editor.write(_CODES.DEPTH_TO_SPACE, [whole], result, schema.DepthToSpaceOptionsT(2))
    return True


def _pays(kernel: tuple[int, ...], options: schema.TransposeConvOptionsT) -> bool:
    _, rows, columns, channels = kernel
    if (options.strideH, options.strideW) != (2, 2) or min(rows, columns) < 2:
        return False
    padded = 4 * ((rows + 1) // 2) * ((columns + 1) // 2)
    return channels * (padded - rows * columns) / 4 >= _LEAST_SAVED


def _cropped(editor, operator, kernel, image):
    """What is given in the end, how many rows and columns go ahead of it, and by which slice."""
    result = int(operator.outputs[0])
    if operator.builtinOptions.padding == schema.Padding.SAME:
        over = [max(side - 2, 0) for side in kernel[1:3]]  # of sides that are exactly doubled
        return result, tuple(each // 2 for each in over), None
    crop = editor.only_reader(result)
    if crop is None or editor.code(crop) != _CODES.STRIDED_SLICE:
        return result, (0, 0), None
    begin = _first_kept(editor, crop)
    if begin is None:
        return result, (0, 0), None
    return int(crop.outputs[0]), begin, crop


def _first_kept(editor: Editor, crop: schema.OperatorT) -> tuple[int, int] | None:
    """Where a slice of whole rows and columns begins; None of any other slice."""
    before, after = editor.shape(int(crop.inputs[0])), editor.shape(int(crop.outputs[0]))
    begin, strides = (editor.numbers(int(crop.inputs[at])) for at in (1, 3))
    options = crop.builtinOptions
    masks = (options.ellipsisMask, options.newAxisMask, options.shrinkAxisMask)
    if begin is None or strides is None or any(masks) or set(strides.tolist()) != {1}:
        return None
    if len(after) != 4 or (before[0], before[3]) != (after[0], after[3]):
        return None
    kept = [0 if options.beginMask >> axis & 1 else int(begin[axis]) for axis in range(4)]
    return (kept[1], kept[2]) if min(kept) >= 0 else None


def _parts(kernel, image, result, cut) -> tuple[list[_Part], list[_Part]] | None:
    """Both parities of rows, then of columns; None if they do not interleave to the result."""
    found = []
    for axis in (0, 1):
        taps, taken, given = kernel[1 + axis], image[1 + axis], result[1 + axis]
        both = [_part(taps, taken, given // 2, parity + cut[axis]) for parity in (0, 1)]
        if given % 2 or any(each.before < 0 or each.after < 0 for each in both):
            return None
        found.append(both)
    return found[0], found[1]


def _part(kernel: int, taken: int, given: int, shift: int) -> _Part:
    """Row 2 j + parity of the result meets pixel j + (shift - tap) / 2 by every tap of its parity.

    Args:
        kernel: Taps in all.
        taken: Pixels of the image.
        given: Pixels of this parity.
        shift: The parity and how many rows were cut ahead of it.
    """
    taps = [tap for tap in reversed(range(kernel)) if (tap - shift) % 2 == 0]
    first, last = (shift - taps[0]) // 2, (shift - taps[-1]) // 2
    return _Part(tuple(taps), -first, given - 1 + last - (taken - 1))


def _convolve(editor, inputs, part, result, options) -> int:
    """Writes the convolution of one parity of rows and one of columns; gives its tensor."""
    image, kernel, bias = inputs
    down, across = part
    batch, height, width, channels = editor.shape(result)
    name = f"{editor.name(kernel)}_taps_{'_'.join(map(str, (*down.taps, *across.taps)))}"
    weights = editor.numbers(kernel)[:, down.taps][:, :, across.taps]
    taps = editor.weights(weights, f"{name}_kernel", like=kernel)
    padding = schema.Padding.SAME
    if not (down.same and across.same):
        padding = schema.Padding.VALID
        image = _padded(editor, image, part, name)
    made = editor.result((batch, height // 2, width // 2, channels), name)
    activation = options.fusedActivationFunction
    editor.write(
        _CODES.CONV_2D,
        [image, taps, bias],
        made,
        schema.Conv2DOptionsT(padding, 1, 1, fusedActivationFunction=activation),
    )
    return made


def _padded(editor: Editor, image: int, part: tuple[_Part, _Part], name: str) -> int:
    sides = [[0, 0], *([each.before, each.after] for each in part), [0, 0]]
    if not np.any(sides):
        return image
    shape = [side + sum(more) for side, more in zip(editor.shape(image), sides, strict=True)]
    padded = editor.result(shape, f"{name}_padded")
    amounts = editor.constant(np.array(sides), f"{name}_padding")
    editor.write(_CODES.PAD, [image, amounts], padded, schema.PadOptionsT())
    return padded
