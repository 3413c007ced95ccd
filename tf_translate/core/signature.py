"""Signatures: the named functions that are deployed."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tf_translate.layers.value_ranges import Range, image_ranges

IMAGE_RANGE = (-1.0, 1.0)
LATENT = "the output of `encode` and input of `decode`"
_OBSERVED = "attributes of the input: 0 absent, 1 present"
_TARGET = "attributes of the result: 0 absent, 1 present, beyond exaggerates"


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a signature.

    Attributes:
        name: Keyword of an input, key of an output.
        shape: The batch axis comes first. None is any batch size, or any height or width.
        dtype: Name of the dtype.
        value_range: Minimum and maximum; None if unbounded.
        labels: Names of the values along the last axis, in order; empty if they have none.
        default: Default value for each index of the last axis; None if it must be given.
        meaning: A description for app developers; empty where the name suffices.
        range_is_typical: Whether values outside `value_range` are allowed too.
        interpolation: How images are resized to and from its size: "bicubic", or "nearest" for
            label maps.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    value_range: tuple[float, float] | None = None
    labels: tuple[str, ...] = ()
    default: tuple[float, ...] | None = None
    meaning: str = ""
    range_is_typical: bool = False
    interpolation: str = "bicubic"


@dataclass(frozen=True)
class Signature:
    """A deployable function with typed inputs and outputs.

    Attributes:
        name: For example "a_to_b".
        function: Takes the inputs as keyword tensors and returns a mapping of outputs.
        inputs, outputs: Specs of the inputs and outputs.
        inference_behavior: How noise and statistics behave at inference, for example
            `{"dropout": "off", "normalization": "per image"}`; recorded in bundles.
        tolerance_factor: Factor on the tolerance of its output error on a device, from 1 to 100.
    """

    name: str
    function: Callable[..., Mapping[str, object]]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    inference_behavior: Mapping[str, str] = field(default_factory=dict)
    tolerance_factor: float = 1.0


def image_spec(shape: tuple[int | None, ...], name: str = "image", meaning: str = "") -> TensorSpec:
    """Describes float32 images in [-1, 1] of `(height, width, channels)`, any batch."""
    return TensorSpec(name, (None, *shape), value_range=IMAGE_RANGE, meaning=meaning)


def attribute_spec(
    columns: Sequence[str], prefix: str = "", *, observed: bool = False
) -> TensorSpec:
    """Describes attributes, float32 `(batch, columns)`: 0 absent, 1 present, others allowed.

    By default all are absent; an attribute of several values (`hair=black`) has the first one.

    Args:
        columns: Their names in order.
        prefix: Prefix of the name and the labels, where a signature has two inputs of attributes.
        observed: Whether they describe the input image instead of the result.
    """
    names = [column.partition("=")[0] for column in columns]
    default = tuple(
        float("=" in column and name not in names[:index])
        for index, (column, name) in enumerate(zip(columns, names, strict=True))
    )
    return TensorSpec(
        f"{prefix}attributes",
        (None, len(columns)),
        value_range=(0.0, 1.0),
        labels=tuple(f"{prefix}{column}" for column in columns),
        default=default,
        meaning=_OBSERVED if observed else _TARGET,
        range_is_typical=True,
    )


def scalar_spec(
    name: str, maximum: float, meaning: str, *, range_is_typical: bool = False
) -> TensorSpec:
    """Describes one scalar per image in [0, `maximum`], float32 `(batch, 1)`; default `maximum`.

    Args:
        name: Its name and label.
        maximum: Its default.
        meaning: What it does.
        range_is_typical: Whether a value beyond `maximum` is allowed, such as to exaggerate.
    """
    return TensorSpec(
        name,
        (None, 1),
        value_range=(0.0, float(maximum)),
        labels=(name,),
        default=(float(maximum),),
        meaning=meaning,
        range_is_typical=range_is_typical,
    )


def steps_spec(maximum: int, purpose: str) -> TensorSpec:
    """Describes `steps`: how many of an edit's or a search's steps take effect.

    It is float32 `(batch, 1)` in [0, `maximum`] and may be fractional: at 2.5 the third step is
    half as long.

    Args:
        maximum: Number of steps in the graph.
        purpose: The steps by name, such as "gradient steps towards the painted colours".
    """
    meaning = f"how many of {maximum} {purpose} take effect; all are computed anyway"
    return scalar_spec("steps", maximum, meaning)


def latent_spec(size: int) -> TensorSpec:
    """Describes latents, float32 `(batch, size)`, unbounded."""
    return TensorSpec("latent", (None, size), meaning=LATENT)


def image_signature(
    name: str,
    network: Any,
    inference_behavior: Mapping[str, str],
    *,
    input_range: Range | None = None,
    output_range: Range | None = None,
) -> Signature:
    """Deploys a network from one image to one image, in inference mode.

    Args:
        name: Name of the signature.
        network: Model from `(batch, h, w, c)` to `(batch, h, w, c')`.
        inference_behavior: Recorded behaviour at inference.
        input_range: Minimum and maximum of its input. None takes it from a first layer that
            rescales, such as `Rescaling(1 / 127.5, -1)`: 0 to 255.
        output_range: The same of its output. None takes it from the last layers: sigmoid, tanh,
            and Rescaling after a layer of known range.

    Warns:
        UserWarning: For each range that is neither given nor known from layers: of an input that
            of the output is assumed, of an output [-1, 1].

    Returns:
        The signature, for `signatures` of a translator of one's own.

    Example:
        ```python
        def signatures(self):
            behavior = {"dropout": "off"}
            return {"a_to_b": image_signature("a_to_b", self.generator, behavior)}
        ```
    """

    def function(image):
        return {"image": network(image, training=False)}

    ranges = image_ranges(network, input_range, output_range)
    for kind in ranges.assumed:
        warnings.warn(
            f"signature {name!r}: {ranges.assumption(kind, '{}_range=({:g}, {:g})')}", stacklevel=2
        )
    (_, *shape), (_, *result) = network.input_shape, network.output_shape
    return Signature(
        name=name,
        function=function,
        inputs=(TensorSpec("image", (None, *shape), value_range=ranges.input),),
        outputs=(TensorSpec("image", (None, *result), value_range=ranges.output),),
        inference_behavior=dict(inference_behavior),
    )


def image_signatures(networks: Mapping, inference_behavior: Callable) -> dict[str, Signature]:
    """A signature for each network from images in [-1, 1] to images in [-1, 1].

    Args:
        networks: Networks by the name of their signature.
        inference_behavior: Describes the behaviour of a network at inference.
    """
    return {
        name: image_signature(
            name,
            network,
            inference_behavior(network),
            input_range=IMAGE_RANGE,
            output_range=IMAGE_RANGE,
        )
        for name, network in networks.items()
    }
