"""The value ranges of a network's images, as far as its first and last layers tell them.

A network that ends in a sigmoid gives [0, 1], one that begins with `Rescaling(1 / 127.5, -1)` takes
0 to 255. What layers do not tell is assumed, and the caller says so.
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tf_translate.layers.nearest_upsampling import NearestUpsampling2D
from tf_translate.layers.reflection_padding import ReflectionPadding2D

Range = tuple[float, float]

ASSUMED_RANGE: Range = (-1.0, 1.0)
_USUAL_INPUTS: tuple[Range, ...] = ((0.0, 255.0), (0.0, 1.0), (-1.0, 1.0))
_USUAL_SCALED: tuple[Range, ...] = ((-1.0, 1.0), (0.0, 1.0))  # that networks compute with
_MAX_DEPTH = 200  # of layers that keep values; networks have a few

_ACTIVATIONS: Mapping[Callable, Range] = {
    keras.activations.sigmoid: (0.0, 1.0),
    keras.activations.hard_sigmoid: (0.0, 1.0),
    keras.activations.tanh: (-1.0, 1.0),
    keras.activations.hard_tanh: (-1.0, 1.0),
    keras.activations.softsign: (-1.0, 1.0),
}
# Functions of `keras.ops` in a functional network, by the names of their classes.
_FUNCTIONS: Mapping[str, Range] = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0)}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add,
    "Subtract": operator.sub,
    "Multiply": operator.mul,
    "Divide": operator.truediv,
    "TrueDivide": operator.truediv,
}
# Layers whose outputs are some of their inputs, or means of them.
_KEEPS_VALUES = (
    *(keras.layers.Identity, keras.layers.Reshape, keras.layers.Permute, keras.layers.Cropping2D),
    *(keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.Dropout),
    *(keras.layers.SpatialDropout2D, keras.layers.GaussianNoise, keras.layers.GaussianDropout),
    *(ReflectionPadding2D, NearestUpsampling2D),
)


@dataclass(frozen=True)
class ImageRanges:
    """The value ranges of the images that a network takes and gives.

    Attributes:
        input, output: Minimum and maximum value.
        assumed: Which of "input" and "output" neither the caller nor the layers told.
    """

    input: Range
    output: Range
    assumed: tuple[str, ...]

    def assumption(self, kind: str, argument: str) -> str:
        """Says that the range of "input" or "output" is assumed, and how another one is given.

        Args:
            kind: One of `assumed`.
            argument: How it is given: a format of `kind`, minimum and maximum.
        """
        low, high = self.input if kind == "input" else self.output
        other = (0.0, 1.0) if (low, high) == ASSUMED_RANGE else ASSUMED_RANGE
        given = argument.format(kind, *other)
        return f"{kind} range assumed [{low:g}, {high:g}]: give {given} otherwise"


def image_ranges(
    network: keras.Model, input_range: Range | None = None, output_range: Range | None = None
) -> ImageRanges:
    """Finds the value ranges of a network from one image to one image.

    Args:
        network: Functional or Sequential, built. Layers of other networks tell nothing.
        input_range, output_range: The ranges, if the caller knows them; None to look at layers.

    Returns:
        Given ranges, else those that layers tell. An unknown input range is assumed to be that of
        the output, as networks from images to images mostly have one range; an unknown output
        range to be [-1, 1].
    """
    taken = input_range or find_input_range(network)
    given = output_range or find_output_range(network, taken)
    found = {"input": taken, "output": given}
    output = given or ASSUMED_RANGE
    assumed = tuple(name for name, one in found.items() if one is None)
    return ImageRanges(taken or output, output, assumed)


def find_input_range(network: keras.Model) -> Range | None:
    """The range that a network takes, if its first layer scales it to [-1, 1] or [0, 1].

    Returns:
        (0, 255), (0, 1) or (-1, 1); None if the first layer tells nothing.
    """
    scale, offset = _leading_scaling(network, _MAX_DEPTH)
    if (scale, offset) == (1.0, 0.0):
        return None
    for usual in _USUAL_INPUTS:
        scaled = (usual[0] * scale + offset, usual[1] * scale + offset)
        if any(_nearly_equal(scaled, one) for one in _USUAL_SCALED):
            return usual
    return None


def find_output_range(network: keras.Model, input_range: Range | None) -> Range | None:
    """The range that a network gives, if its last layers bound it.

    Args:
        network: With one output.
        input_range: The range that it takes, or None; needed if no layer between bounds values.

    Returns:
        (0, 1) after a sigmoid, (-1, 1) after tanh, what a Rescaling makes of the range before it;
        None after a layer without bounds, such as a convolution, ReLU or softmax.
    """
    if not _has_graph(network) or len(network.outputs) != 1:
        return None
    known = {id(tensor): input_range for tensor in network.inputs}
    return _range_of(network.outputs[0], known, _MAX_DEPTH)


def _range_of(tensor: Any, known: Mapping[int, Range | None], left: int) -> Range | None:
    """The range of a tensor in a network's graph; `known` has those of its inputs, by id."""
    if id(tensor) in known or not left:
        return known.get(id(tensor))
    layer, node_index, position = tensor._keras_history
    node = layer._inbound_nodes[node_index]

    def before(index: int = 0) -> Range | None:
        return _range_of(node.input_tensors[index], known, left - 1)

    if isinstance(layer, keras.Model):
        if not _has_graph(layer) or len(layer.inputs) != len(node.input_tensors):
            return None
        inner = {id(each): before(index) for index, each in enumerate(layer.inputs)}
        return _range_of(layer.outputs[position], inner, left - 1)
    if (bounded := _bounds_of(layer)) is not None:
        return bounded
    if (scaling := _scaling_of(layer, node)) is not None:
        return _scaled(before(), scaling)
    return before() if _keeps_values(layer) and len(node.input_tensors) == 1 else None


def _leading_scaling(network: Any, left: int) -> tuple[float, float]:
    """Scale and offset of the layers that scale a network's input before all others."""
    scale, offset = 1.0, 0.0
    if not _has_graph(network) or len(network.inputs) != 1:
        return scale, offset
    tensor = network.inputs[0]
    while left and len(nodes := _consumers(network, tensor)) == 1:
        layer, node = nodes[0]
        left -= 1
        if isinstance(layer, keras.Model):
            further = _leading_scaling(layer, left)
            return scale * further[0], offset * further[0] + further[1]
        if (scaling := _scaling_of(layer, node)) is not None:
            scale, offset = scale * scaling[0], offset * scaling[0] + scaling[1]
        elif not _keeps_values(layer) or len(node.output_tensors) != 1:
            break
        tensor = node.output_tensors[0]
    return scale, offset


def _consumers(network: Any, tensor: Any) -> list[tuple[Any, Any]]:
    """The layers of a network that take a tensor, each with its call."""
    graph = getattr(network, "_functional", None) or network
    return [
        (layer, node)
        for layer in graph.operations
        for node in layer._inbound_nodes
        if any(each is tensor for each in node.input_tensors)
    ]


def _has_graph(network: Any) -> bool:
    """Whether a network is functional, or Sequential and built, so that its calls are known."""
    graph = getattr(network, "_functional", network)
    return hasattr(graph, "operations") and hasattr(graph, "inputs")


def _bounds_of(layer: Any) -> Range | None:
    """The range of a layer's outputs whatever its inputs are; None if it has no bounds."""
    if isinstance(layer, keras.layers.Layer):
        activation: Any = getattr(layer, "activation", None)
        return _ACTIVATIONS.get(activation)
    kind = type(layer).__name__
    if kind == "Clip":
        limits = (layer.x_min, layer.x_max)
        return limits if all(map(_is_number, limits)) and limits[0] < limits[1] else None
    return _FUNCTIONS.get(kind)


def _scaling_of(layer: Any, node: Any) -> tuple[float, float] | None:
    """Scale and offset of a Rescaling, or of arithmetic with one number; None for others."""
    if isinstance(layer, keras.layers.Rescaling):
        factors = (layer.scale, layer.offset)
        return factors if all(map(_is_number, factors)) else None
    if isinstance(layer, keras.layers.Layer) or type(layer).__name__ not in _ARITHMETIC:
        return None
    arguments = [*node.arguments.args, *node.arguments.kwargs.values()]
    numbers = [each for each in arguments if _is_number(each)]
    if len(arguments) != 2 or len(numbers) != 1:
        return None
    if type(layer).__name__.endswith("Divide") and (_is_number(arguments[0]) or not numbers[0]):
        return None  # a number divided by the image, or a division by zero
    function = _ARITHMETIC[type(layer).__name__]
    zero, one = (
        function(*(each if _is_number(each) else value for each in arguments)) for value in (0, 1)
    )
    return float(one - zero), float(zero)


def _scaled(before: Range | None, scaling: tuple[float, float]) -> Range | None:
    if before is None:
        return None
    low, high = sorted(value * scaling[0] + scaling[1] for value in before)
    low, high = (round(value, 6) + 0.0 for value in (low, high))  # 255.00000000000003 is 255
    return (low, high) if low < high else None


def _keeps_values(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Activation):
        return layer.activation is keras.activations.linear
    if isinstance(layer, keras.layers.UpSampling2D):
        return layer.interpolation in ("nearest", "bilinear")  # others overshoot at edges
    return isinstance(layer, _KEEPS_VALUES)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _nearly_equal(one: Range, other: Range) -> bool:
    # 1e-2, because some divide by 128 or 256 instead of 127.5 or 255.
    return all(abs(a - b) < 1e-2 for a, b in zip(one, other, strict=True))
