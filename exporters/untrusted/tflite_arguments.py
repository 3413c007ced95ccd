"""Refuses arguments of .tflite operations that crash kernels or make them fill the memory.

The shapes that a file declares are bounded, but some operations compute a shape of their own from
values: these must be constants, and the shape must be the declared one.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ai_edge_litert import schema_py_generated as schema

Shape = tuple[int, ...]

# Options that kernels divide by or step by.
_AT_LEAST_1 = {
    "AVERAGE_POOL_2D": ("StrideW", "StrideH", "FilterWidth", "FilterHeight"),
    "CONV_2D": ("StrideW", "StrideH", "DilationWFactor", "DilationHFactor"),
    "CONV_3D": (
        *("StrideD", "StrideW", "StrideH"),
        *("DilationDFactor", "DilationWFactor", "DilationHFactor"),
    ),
    "DEPTHWISE_CONV_2D": ("StrideW", "StrideH", "DilationWFactor", "DilationHFactor"),
    "DEPTH_TO_SPACE": ("BlockSize",),
    "MAX_POOL_2D": ("StrideW", "StrideH", "FilterWidth", "FilterHeight"),
    "SPACE_TO_DEPTH": ("BlockSize",),
    "TRANSPOSE_CONV": ("StrideW", "StrideH"),
}  # fmt: skip
_OPTIONS = {
    "AVERAGE_POOL_2D": schema.Pool2DOptions,
    "CONV_2D": schema.Conv2DOptions,
    "CONV_3D": schema.Conv3DOptions,
    "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptions,
    "DEPTH_TO_SPACE": schema.DepthToSpaceOptions,
    "MAX_POOL_2D": schema.Pool2DOptions,
    "SPACE_TO_DEPTH": schema.SpaceToDepthOptions,
    "SPLIT": schema.SplitOptions,
    "SPLIT_V": schema.SplitVOptions,
    "TRANSPOSE_CONV": schema.TransposeConvOptions,
    "UNPACK": schema.UnpackOptions,
}
# Options that count an operation's outputs.
_PARTS = {"SPLIT": "NumSplits", "SPLIT_V": "NumSplits", "UNPACK": "Num"}
# Division of whole numbers ends the process for some values.
_DIVISIONS = frozenset({"DIV", "FLOOR_DIV", "FLOOR_MOD"})
_FLOATS = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16)
# Operations that compute the shape of their output from the values of this input.
_SHAPE_INPUT = {
    "BROADCAST_TO": 1,
    "FILL": 0,
    "MIRROR_PAD": 1,
    "ONE_HOT": 1,
    "PAD": 1,
    "PADV2": 1,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 1,
    "RESIZE_NEAREST_NEIGHBOR": 1,
    "TILE": 1,
    "TRANSPOSE_CONV": 0,
}


def check_arguments(
    name: str,
    operator: schema.Operator,
    inputs: Sequence[Shape],
    outputs: Sequence[Shape],
    values: Sequence[Sequence[int] | None],
    types: Sequence[int],
) -> None:
    """Checks the options and constant arguments of one operation.

    Args:
        name: The operation.
        operator: The file's entry for it.
        inputs, outputs: Declared shapes of its tensors, without missing optional inputs.
        values: For each input its values, if it is a small integer constant.
        types: For each input its type in the schema.

    Raises:
        ValueError: If a kernel would fail on them.
    """
    options = _options(name, operator)
    for option in _AT_LEAST_1.get(name, ()):
        value = getattr(options, option)()
        if value < 1:
            raise ValueError(f"{name} has {option} = {value}, and it must be at least 1")
    if name in _PARTS:
        count = getattr(options, _PARTS[name])()
        if count != len(outputs):
            raise ValueError(f"{name} into {count} parts has {len(outputs)} outputs")
    if name in _DIVISIONS and any(each not in _FLOATS for each in types):
        raise ValueError(f"{name} divides whole numbers; export writes no such")
    if name in _SHAPE_INPUT:
        _check_shape(name, inputs, outputs[0], values)
    if name == "SLICE":
        _check_slice(inputs[0], values)
    if name == "STRIDED_SLICE" and (values[3] is None or 0 in values[3]):
        raise ValueError("STRIDED_SLICE takes strides that are 0 or not constants")


def _options(name: str, operator: schema.Operator) -> Any:
    """The options of an operation that are checked, None for all others."""
    kind = _OPTIONS.get(name)
    if kind is None:
        return None
    table, options = operator.BuiltinOptions(), kind()
    if table is None or operator.BuiltinOptionsType() != getattr(
        schema.BuiltinOptions, kind.__name__
    ):
        raise ValueError(f"{name} has no {kind.__name__}")
    options.Init(table.Bytes, table.Pos)
    return options


def _check_shape(
    name: str, inputs: Sequence[Shape], output: Shape, values: Sequence[Sequence[int] | None]
) -> None:
    index = _SHAPE_INPUT[name]
    if name == "RESHAPE" and len(inputs) == 1:  # its options hold the shape
        argument: Sequence[int] | None = output
    else:
        argument = values[index] if index < len(values) else None
    if argument is None:
        raise ValueError(f"{name} takes a shape that is not a constant; export writes no such")
    size = _COMPUTED.get(name, _product)(inputs[1 - index] if len(inputs) > 1 else (), argument)
    if name == "RESHAPE":
        size = math.prod(inputs[0])
    if size != math.prod(output):
        raise ValueError(f"{name} computes {size} elements for an output of {list(output)}")


def _check_slice(data: Shape, values: Sequence[Sequence[int] | None]) -> None:
    """A part that begins before its input, or ends behind it, would read other memory."""
    starts, sizes = values[1], values[2]
    if starts is None or sizes is None or not len(starts) == len(sizes) == len(data):
        raise ValueError("SLICE takes a part that is not given by constants for each dimension")
    for side, start, size in zip(data, starts, sizes, strict=True):
        if not (0 <= start <= side and -1 <= size <= side - start):
            raise ValueError(f"SLICE takes {size} elements from {start} on, of {side}")


def _product(data: Shape, argument: Sequence[int]) -> int:
    return math.prod(argument) if all(side >= 0 for side in argument) else -1


def _padded(data: Shape, argument: Sequence[int]) -> int:
    if len(argument) != 2 * len(data) or min(argument, default=0) < 0:
        return -1
    pairs = zip(data, argument[::2], argument[1::2], strict=True)
    return math.prod(side + before + after for side, before, after in pairs)


def _resized(data: Shape, argument: Sequence[int]) -> int:
    if len(data) != 4 or len(argument) != 2 or min(argument) < 1:
        return -1
    return data[0] * argument[0] * argument[1] * data[3]


def _one_hot(data: Shape, argument: Sequence[int]) -> int:
    if len(argument) != 1 or argument[0] < 0:
        return -1
    return math.prod(data) * argument[0]


def _tiled(data: Shape, argument: Sequence[int]) -> int:
    if len(argument) != len(data) or min(argument, default=0) < 0:
        return -1
    return math.prod(data) * math.prod(argument)


_COMPUTED: Mapping[str, Any] = {
    "MIRROR_PAD": _padded,
    "ONE_HOT": _one_hot,
    "PAD": _padded,
    "PADV2": _padded,
    "RESIZE_BILINEAR": _resized,
    "RESIZE_NEAREST_NEIGHBOR": _resized,
    "TILE": _tiled,
}
