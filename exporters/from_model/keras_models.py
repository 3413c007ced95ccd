"""The function of a Keras model in inference mode and float32, without loops."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from exporters.errors import ExportError, first_line

_HALF = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
_FLOATS = (*_HALF, "float32")
_BOUNDED = {"sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def is_keras_model(model: Any) -> bool:
    """Whether it is a `keras.Model`."""
    import keras

    return isinstance(model, keras.Model)


def load_keras_file(path: Path) -> Any:
    """Loads a file of Keras 3; layers of one's own must be registered or imported first.

    Raises:
        ExportError: If there is no such file, or Keras cannot read it.
    """
    import keras

    if not path.is_file():
        raise ExportError(f"there is no model file or folder {path}")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises exceptions of many kinds
        raise ExportError(
            f"Keras cannot read {path} ({first_line(str(error))}); files of Keras 2 are read by "
            "tf_translate.load_legacy and `tf-translate export`"
        ) from error


def as_function(model: Any) -> dict[str, Any]:
    """Function, inputs, output names, value ranges and inference behaviour of a Keras model.

    Raises:
        ExportError: If its inputs are unknown, because it is subclassed or not built.
    """
    model = float32_copy(model)
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ExportError(
            f"the inputs of {type(model).__name__} {model.name!r} are unknown, as it is subclassed "
            "or not built: give a tf.function with an input_signature that calls it"
        )
    names = [_own_name(tensor.name) for tensor in inputs]
    specs = [
        tf.TensorSpec(tensor.shape, tensor.dtype, name)
        for tensor, name in zip(inputs, names, strict=True)
    ]

    def in_float64(*tensors: Any) -> Any:
        if "model" not in copies:
            copies["model"] = _copy_in("float64", model)
        return _called(copies["model"], tensors)

    copies: dict[str, Any] = {}  # made once, and only if someone asks
    return {
        "function": lambda *tensors: _called(model, tensors),
        "float64_function": in_float64,
        "inputs": specs,
        "output_names": _output_names(model),
        "inference_behavior": _behavior(model),
        "input_ranges": input_ranges(model),
        "output_ranges": output_ranges(model),
    }


def _called(model: Any, tensors: Sequence[Any]) -> Any:
    """Outputs in inference mode for inputs in order, packed as the model takes them."""
    given = tensors[0] if len(tensors) == 1 else list(tensors)
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, dict):
        given = tf.nest.pack_sequence_as(structure, tensors)
    with _without_loops(model):
        return model(given, training=False)


@contextlib.contextmanager
def _without_loops(model: Any) -> Iterator[None]:
    """Writes out the steps of recurrent layers: loops cannot be exported (`saved_model.save`)."""
    layers = [each for each in model._flatten_layers() if getattr(each, "unroll", None) is False]
    for layer in layers:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in layers:
            layer.unroll = False


def _own_name(name: str) -> str | None:
    """The name that someone gave; None for one that Keras made up."""
    return None if name.startswith(("keras_tensor", "input_layer")) else name


def _output_names(model: Any) -> list[str]:
    """Names of the outputs in the order of `tf.nest.flatten`; empty if they have none."""
    structure = getattr(model, "_outputs_struct", None)
    if isinstance(structure, dict):
        return sorted(structure)
    names = list(getattr(model, "output_names", None) or ())
    return names if len(names) > 1 else []


def float32_copy(model: Any) -> Any:
    """The model itself, or if it computes in half precision a copy in float32, same weights."""
    half = [layer for layer in model._flatten_layers() if layer.dtype_policy.name in _HALF]
    if not half:
        return model
    try:
        return _copy_in("float32", model)
    except Exception as error:  # a subclassed model may not be rebuilt from its configuration
        raise ExportError(
            f"{model.name!r} computes in {half[0].dtype_policy.name} and cannot be rebuilt in "
            f"float32 ({first_line(str(error))}); load it under the policy float32"
        ) from error


def _copy_in(dtype: str, model: Any) -> Any:
    """The model rebuilt from its configuration in a type, with the same weights."""
    # Keras finds its own; by name alone, a layer Concatenate hides the operation of that name.
    kinds = {type(layer) for layer in model._flatten_layers()}
    classes = {kind.__name__: kind for kind in kinds if not kind.__module__.startswith("keras.")}
    copy = type(model).from_config(_with_type(dtype, model.get_config()), custom_objects=classes)
    copy.set_weights(model.get_weights())
    return copy


def output_ranges(model: Any) -> list[tuple[float, float] | None]:
    """For each output of a functional model, the range that its last activation tells."""
    return [_bounded(tensor) for tensor in getattr(model, "outputs", None) or ()]


def input_ranges(model: Any) -> list[tuple[float, float] | None]:
    """For each input of a functional model, [0, 255] if a Rescaling of that range takes it."""
    rescalings = [layer for layer in model._flatten_layers() if _divides_pixels(layer)]
    taken = {id(tensor) for layer in rescalings for tensor in _inputs_of(layer)}
    return [(0.0, 255.0) if id(tensor) in taken else None for tensor in model.inputs or ()]


def _divides_pixels(layer: Any) -> bool:
    is_rescaling = type(layer).__name__ == "Rescaling" and isinstance(layer.scale, (int, float))
    return is_rescaling and 1 / 300 < layer.scale < 1 / 100


def _inputs_of(layer: Any) -> list[Any]:
    return [tensor for node in layer._inbound_nodes for tensor in node.input_tensors]


def _bounded(tensor: Any) -> tuple[float, float] | None:
    """The range of a tensor by the activation of the layer or function that gives it."""
    layer = tensor._keras_history.operation
    if layer is None:
        return None  # an input
    if isinstance(getattr(layer, "outputs", None), list) and hasattr(layer, "layers"):
        return _bounded(layer.outputs[tensor._keras_history.tensor_index])  # of a nested model
    if type(layer).__name__ == "Rescaling" and isinstance(layer.scale, (int, float)):
        before = _bounded(_inputs_of(layer)[0])
        limits = [] if before is None else [each * layer.scale + layer.offset for each in before]
        return (min(limits), max(limits)) if limits else None
    activation = getattr(layer, "activation", None)
    return _BOUNDED.get(getattr(activation, "__name__", type(layer).__name__.lower()))


def _behavior(model: Any) -> dict[str, str]:
    kinds = {type(layer).__name__ for layer in model._flatten_layers()}
    dropout = "off" if any("Dropout" in kind for kind in kinds) else "none"
    moving = any("BatchNormalization" in kind for kind in kinds)
    each = any(kind in ("GroupNormalization", "InstanceNormalization") for kind in kinds)
    norms = ["moving averages of training"] * moving + ["statistics of each image"] * each
    return {"dropout": dropout, "normalization": ", ".join(norms) or "none"}


def _with_type(dtype: str, value: Any) -> Any:
    """A configuration in which `dtype` takes the place of every float type and policy."""
    if isinstance(value, dict):
        if value.get("class_name") == "DTypePolicy":
            return dtype
        return {
            key: dtype if key == "dtype" and each in _FLOATS else _with_type(dtype, each)
            for key, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(_with_type(dtype, each) for each in value)
    return value
