"""The signature of a model that was made elsewhere."""

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from exporters.arguments import check_type, shown
from exporters.errors import ExportError
from exporters.from_model.keras_models import as_function as keras_function
from exporters.from_model.keras_models import is_keras_model, load_keras_file
from exporters.from_model.saved_models import saved_function
from exporters.signature import Signature, Tensor

Range = tuple[float, float]
IMAGE_CHANNELS = (1, 3, 4)
ASSUMED_RANGE: Range = (-1.0, 1.0)
_DTYPES = ("float32", "int32", "uint8")


@dataclass(frozen=True)
class ModelFunction:
    """The function that a model or a file computes, with positional tensors.

    Attributes:
        function: Takes the inputs in order; returns a tensor, a sequence or a mapping of them.
        float64_function: The same in float64, or None if it is not known.
        inputs: Their specs, with names where the model has some.
        output_names: Names of the outputs in order; empty where the model has none.
        inference_behavior: As in a signature.
        input_ranges, output_ranges: Value ranges that layers tell, None where they tell none; empty
            if nothing is known.
    """

    function: Callable[..., Any]
    inputs: Sequence[tf.TensorSpec]
    output_names: Sequence[str] = ()
    inference_behavior: Mapping[str, str] | None = None
    input_ranges: Sequence[Range | None] = ()
    output_ranges: Sequence[Range | None] = ()
    float64_function: Callable[..., Any] | None = None


def describe_model(
    model: Any,
    *,
    name: str,
    size: tuple[int, int] | None,
    ranges: Range | Mapping[str, Range | None] | None,
    names: Mapping[str, str] | None,
) -> Signature:
    """Implements `exporters.signature_of`."""
    _check_arguments(name, size, names)
    source = _model_function(model)
    given = dict(ranges) if isinstance(ranges, Mapping) else {}
    everywhere = None if ranges is None or isinstance(ranges, Mapping) else _checked_range(ranges)
    specs = [_with_sides(spec, size) for spec in source.inputs]
    input_names = _names(specs, [spec.name for spec in specs], "image", "input")
    outputs = _traced_outputs(source, specs)
    output_names = _names(outputs, _names_of_outputs(source, outputs), "image", "output")
    renamed = dict(names or {})
    _check_known("names", renamed, [*input_names, *output_names])
    _check_known("ranges", given, [*input_names, *output_names, *renamed.values()])
    if len({*renamed.values()}) < len(renamed):
        raise ExportError(f"`names` must give different names, got {shown(renamed)}")
    final_inputs = [renamed.get(each, each) for each in input_names]
    final_outputs = [renamed.get(each, each) for each in output_names]
    told_inputs, told_outputs = (
        [*stated, *[None] * len(tensors)][: len(tensors)]
        for stated, tensors in ((source.input_ranges, specs), (source.output_ranges, outputs))
    )

    def tensor(
        spec: tf.TensorSpec,
        old: str,
        new: str,
        stated: Range | None,
        kind: str,
        assumed: Range = ASSUMED_RANGE,
    ) -> Tensor:
        limits = given.get(new, given.get(old, everywhere))
        declared = new in given or old in given or everywhere is not None
        return _tensor(spec, new, kind, limits, declared=declared, stated=stated, assumed=assumed)

    results = tuple(
        tensor(*each, "output")
        for each in zip(outputs, output_names, final_outputs, told_outputs, strict=True)
    )
    # Networks from images to images mostly have one range.
    ranged = (each.value_range for each in results if each.dtype == "float32")
    as_output = next((limits for limits in ranged if limits is not None), ASSUMED_RANGE)
    inputs = tuple(
        tensor(*each, "input", as_output)
        for each in zip(specs, input_names, final_inputs, told_inputs, strict=True)
    )

    def named(function: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
        def call(**tensors: Any) -> dict[str, Any]:
            found = _flat(function(*(tensors[each] for each in final_inputs)))
            return dict(zip(final_outputs, found, strict=True))

        return call

    return Signature(
        name,
        named(source.function),
        inputs,
        results,
        dict(source.inference_behavior or {}),
        float64_function=source.float64_function and named(source.float64_function),
    )


def _check_arguments(name: Any, size: Any, names: Any) -> None:
    check_type("name", name, str, "a text")
    if size is not None:
        sides = tuple(size) if isinstance(size, Sequence) and not isinstance(size, str) else ()
        if len(sides) != 2 or not all(
            isinstance(each, Integral) and int(each) > 0 for each in sides
        ):
            raise ExportError(
                f"`size` must be height and width in pixels such as (256, 256), got {shown(size)}"
            )
    if names is not None:
        what = "a mapping from names of the model to new names"
        check_type("names", names, Mapping, what)
        for each in (*names, *names.values()):
            check_type("names", each, str, what)


def _model_function(model: Any) -> ModelFunction:
    if isinstance(model, (str, Path)):
        path = Path(model)
        if path.is_dir():
            return ModelFunction(**saved_function(path))
        model = load_keras_file(path)
    if is_keras_model(model):
        return ModelFunction(**keras_function(model))
    concrete = _concrete(model)
    if concrete is None:
        raise ExportError(
            "`model` must be a keras.Model, a .keras file, the folder of a SavedModel or a "
            f"tf.function with an input_signature, got {model!r}"
        )
    specs = [spec for spec in concrete.structured_input_signature[0] if spec is not None]
    if not specs or not all(isinstance(spec, tf.TensorSpec) for spec in specs):
        raise ExportError(
            "`model` must be a tf.function of tensors, each a tf.TensorSpec of its "
            f"input_signature, got {shown(specs)}"
        )
    return ModelFunction(concrete, specs)


def _concrete(model: Any) -> Any:
    """The concrete function of a tf.function with an input signature, or of a concrete one."""
    if hasattr(model, "structured_input_signature"):
        return model
    if getattr(model, "input_signature", None) is not None:
        return model.get_concrete_function()
    return None


def _with_sides(spec: tf.TensorSpec, size: tuple[int, int] | None) -> tf.TensorSpec:
    """An input with any batch and every other side known."""
    which = f"input {spec.name!r}" if spec.name else "the input"
    if spec.shape.rank is None:
        raise ExportError(f"{which} has an unknown number of sides; declare its shape")
    shape = spec.shape.as_list()
    if not shape or shape[0] not in (None, 1):
        raise ExportError(
            f"{which} has a fixed batch in {tuple(shape)}, and apps call a model with "
            "one image: build it with a batch of None"
        )
    if len(shape) == 4 and None in shape[1:3]:
        if size is None:
            raise ExportError(
                f"{which} leaves sides open in {tuple(shape)}, and phones need them "
                "fixed: give `size=(height, width)` (--size HEIGHT WIDTH)"
            )
        shape[1:3] = [side or given for side, given in zip(shape[1:3], size, strict=True)]
    elif len(shape) == 4 and size is not None and tuple(shape[1:3]) != tuple(size):
        raise ExportError(f"`size` must agree with {which} of shape {tuple(shape)}, got {size}")
    if None in shape[1:]:
        raise ExportError(
            f"{which} leaves sides open in {tuple(shape)}: give a tf.function with an "
            "input_signature that fixes them"
        )
    return tf.TensorSpec([None, *shape[1:]], spec.dtype, spec.name)


def _traced_outputs(source: ModelFunction, specs: Sequence[tf.TensorSpec]) -> list[tf.TensorSpec]:
    traced = tf.function(lambda *tensors: _flat(source.function(*tensors)), autograph=False)
    of_one = [tf.TensorSpec([1, *spec.shape[1:]], spec.dtype) for spec in specs]
    try:
        outputs = traced.get_concrete_function(*of_one).structured_outputs
    except Exception as error:  # layers raise exceptions of many kinds
        shapes = ", ".join(str(tuple(spec.shape)) for spec in of_one)
        raise ExportError(
            f"the model does not run on inputs of shape {shapes}: {_reason(error)}"
        ) from error
    if not outputs or any(not isinstance(output, tf.Tensor) for output in outputs):
        raise ExportError("`model` must return tensors, and it returns something else or nothing")
    return [tf.TensorSpec([None, *output.shape[1:]], output.dtype) for output in outputs]


def _reason(error: Exception) -> str:
    """The line that says what is wrong: Keras writes the name of the layer and a blank line first.

    Colour codes and the node's definition are left out.
    """
    lines = [line for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() if line.strip()]
    first = [line.split(" for '{{node")[0] for line in lines[:2]]
    if len(first) > 1 and first[0].startswith("Exception encountered"):
        layer = first[0].removeprefix("Exception encountered when calling ").rstrip(".")
        return f"{layer}: {first[1]}"
    return first[0] if first else type(error).__name__


def _flat(outputs: Any) -> list:
    return list(tf.nest.flatten(outputs))


def _names_of_outputs(source: ModelFunction, outputs: Sequence) -> list[str]:
    names = list(source.output_names)
    return names if len(names) == len(outputs) else ["output"] * len(outputs)


def _names(specs: Sequence[tf.TensorSpec], given: Sequence[str | None], image: str, other: str):
    """Names that a bundle accepts, all different; a single image is `image`."""
    images = [index for index, spec in enumerate(specs) if _may_be_image(spec)]
    found: list[str] = []
    for index, each in enumerate(given):
        clean = re.sub(r"\W+", "_", str(each or other)).strip("_")
        clean = clean if clean[:1].isalpha() else f"{other}_{clean}".rstrip("_")
        if images == [index]:
            clean = image
        unique, count = clean, 2
        while unique in found:
            unique, count = f"{clean}_{count}", count + 1
        found.append(unique)
    return found


def _may_be_image(spec: tf.TensorSpec) -> bool:
    return spec.shape.rank == 4 and spec.shape[-1] in IMAGE_CHANNELS and spec.dtype != tf.int32


def _tensor(
    spec: tf.TensorSpec,
    name: str,
    kind: str,
    limits: Range | None,
    *,
    declared: bool,
    stated: Range | None,
    assumed: Range,
) -> Tensor:
    dtype = tf.as_dtype(spec.dtype).name
    if dtype not in _DTYPES:
        raise ExportError(
            f"{kind} {name!r} is {dtype}; bundles hold {', '.join(_DTYPES)}: cast it in a "
            "tf.function around the model"
        )
    shape = tuple(spec.shape.as_list())
    if dtype != "float32" or not _may_be_image(spec):
        limits = _checked_range(limits) if limits is not None and dtype == "float32" else None
        return Tensor(name, shape, dtype, (0.0, 255.0) if _is_pixels(spec) else limits)
    if declared:
        return Tensor(name, shape, dtype, None if limits is None else _checked_range(limits))
    if stated is None:
        low, high = assumed
        other = (0.0, 1.0) if assumed == ASSUMED_RANGE else ASSUMED_RANGE
        warnings.warn(
            f"value range of {kind} {name!r} assumed [{low:g}, {high:g}]: give "
            f"ranges={{{name!r}: {other}}} otherwise, or None if it is no image",
            stacklevel=4,
        )
    return Tensor(name, shape, dtype, stated or assumed)


def _is_pixels(spec: tf.TensorSpec) -> bool:
    return spec.dtype == tf.uint8 and _may_be_image(spec)


def _checked_range(limits: Any) -> Range:
    given = isinstance(limits, (Sequence, np.ndarray)) and not isinstance(limits, str)
    numbers = tuple(limits) if given else ()
    if len(numbers) != 2 or not all(isinstance(each, Real) for each in numbers):
        numbers = ()
    if not numbers or not -math.inf < numbers[0] < numbers[1] < math.inf:
        raise ExportError(
            "`ranges` must be a minimum and a larger maximum such as (0.0, 1.0), or a mapping of "
            f"names to them, got {shown(limits)}"
        )
    return float(numbers[0]), float(numbers[1])


def _check_known(argument: str, given: Mapping, known: Sequence[str]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        there_are = ", ".join(dict.fromkeys(known))
        raise ExportError(f"`{argument}` names {unknown[0]!r}, but there are {there_are}")
