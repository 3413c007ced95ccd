"""What `predict` and a call of a translator are given: names, types, shapes and ranges."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_translate.core.signature import IMAGE_RANGE, Signature, TensorSpec
from tf_translate.core.training_step.batch_check import SCALE
from tf_translate.images import LARGEST, UNIT_RANGE_FIX


def inputs_by_name(signature: Signature, given: Any, model: str) -> dict[str, Any]:
    """The inputs of a signature, from what `predict` or a call of a model is given.

    Args:
        signature: Its inputs are asked for.
        given: A mapping of inputs by name, or the input of a signature that has one.
        model: Name of the model, for the error message.

    Raises:
        ValueError: If an input is missing or is not one of the signature's, or has another shape
            than the networks, or images are not float.
    """
    names = [each.name for each in signature.inputs]
    inputs = dict(given) if isinstance(given, Mapping) else {names[0]: given}
    if set(inputs) != set(names):
        wanted = ", ".join(f'"{each.name}": {_shape_text(each)}' for each in signature.inputs)
        got = sorted(inputs) if isinstance(given, Mapping) else f"one {type(given).__name__}"
        raise ValueError(
            f"the input of a {model} must be {{{wanted}}}, as in predict({{...}}), got {got}"
        )
    for spec in signature.inputs:
        value = inputs[spec.name]
        # One scalar for each image may come without its axis, as Keras's `predict` adds it.
        if spec.shape[1:] == (1,) and len(getattr(value, "shape", ())) == 1:
            inputs[spec.name] = value[:, None]
        _check(spec, inputs[spec.name])
    return inputs


def check_ranges(signature: Signature, inputs: Mapping[str, Any]) -> None:
    """Refuses arrays outside of the range of their input, and warns of images in [0, 1].

    Tensors of a graph, which have no values yet, are passed over.

    Raises:
        ValueError: If values are outside of a range that is not only typical.
    """
    for spec in signature.inputs:
        value = inputs[spec.name]
        if spec.value_range is None or not (isinstance(value, np.ndarray) or tf.is_tensor(value)):
            continue
        if tf.is_tensor(value) and not hasattr(value, "numpy"):
            continue
        array = np.asarray(value)
        if not array.size:
            continue
        low, high = float(array.min()), float(array.max())
        if spec.value_range == IMAGE_RANGE and low >= 0.0 and high <= 1.0 and low < high:
            warnings.warn(
                f"all values of the input {spec.name!r} are in [0, 1]; {UNIT_RANGE_FIX}",
                stacklevel=3,
            )
        least, largest = spec.value_range
        slack = (LARGEST - 1.0) * max(abs(least), abs(largest))
        # Values that are no numbers compare as false.
        if spec.range_is_typical or (least - slack <= low and high <= largest + slack):
            continue
        fix = f": {SCALE}" if spec.value_range == IMAGE_RANGE and high > 2 else ""
        raise ValueError(
            f"the input {spec.name!r} must be in [{least:g}, {largest:g}], got values from "
            f"{low:g} to {high:g}{fix}"
        )


def _check(spec: TensorSpec, value: Any) -> None:
    """Checks type and shape, which are known in a graph too."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise ValueError(
            f"the input {spec.name!r} must be an array or a tensor {_shape_text(spec)}, "
            f"got a {type(value).__name__}"
        )
    is_image = spec.value_range == IMAGE_RANGE and len(spec.shape) == 4
    if is_image and not tf.as_dtype(value.dtype).is_floating:
        raise ValueError(
            f"the input {spec.name!r} must be float32 in [-1, 1], got "
            f"{tf.as_dtype(value.dtype).name}: {SCALE}"
        )
    if tf.TensorShape(value.shape).rank is None:
        return
    found, expected = tuple(value.shape), spec.shape
    if len(found) == len(expected) and _equal(found[1:], expected[1:]):
        return
    single = len(found) == len(expected) - 1 and _equal(found, expected[1:])
    axis = "; add an axis for the batch: x[None]" if single else ""
    raise ValueError(
        f"the input {spec.name!r} must be of shape {_shape_text(spec)}, got {found}{axis}"
    )


def _equal(found: Sequence, expected: Sequence) -> bool:
    """Whether sides are equal where both are known."""
    return all(None in sides or sides[0] == sides[1] for sides in zip(found, expected, strict=True))


def _shape_text(spec: TensorSpec) -> str:
    sides = ", ".join("any" if side is None else str(side) for side in spec.shape[1:])
    labels = f" for {', '.join(spec.labels)}" if spec.labels else ""
    return f"(batch, {sides}){labels}"
