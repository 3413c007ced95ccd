"""Rebuilds networks that Keras 2 saved: their layers and connections."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tf_translate.errors import DataError
from tf_translate.legacy.calls import call_to_layer
from tf_translate.legacy.layers import Custom, build_layer, class_name_of, layer_name_of

_FUNCTIONAL = ("Functional", "Model")


@dataclass(frozen=True)
class RebuiltLayer:
    """A rebuilt layer or network with its description in the file.

    Attributes:
        layer: The Keras 3 layer or network, built.
        entry: The description in the file.
        sublayers: The layers of a network in the order of the file; None for a single layer.
    """

    layer: Any
    entry: Mapping[str, Any]
    sublayers: "tuple[RebuiltLayer, ...] | None" = None


def build_network(
    entry: dict[str, Any], *, image_shape: tuple[int, int, int] | None, custom: Custom
) -> RebuiltLayer:
    """Builds a network without its weights.

    Args:
        entry: Description of a functional or Sequential network; modified in place.
        image_shape: Replaces unknown sizes of its only input.
        custom: Classes of the user by name.

    Raises:
        DataError: If it is another kind of network, or `image_shape` contradicts it.
    """
    if class_name_of(entry) not in (*_FUNCTIONAL, "Sequential"):
        raise DataError(
            f"holds the class {class_name_of(entry)!r}, but not its code; save its "
            "functional or Sequential generator alone"
        )
    if image_shape is not None:
        _set_image_shape(entry["config"]["layers"], image_shape)
    return _rebuild(entry, custom)


def _set_image_shape(layers: list[dict[str, Any]], image_shape: tuple[int, int, int]) -> None:
    candidates = [one for one in layers if one["class_name"] == "InputLayer"] or layers[:1]
    inputs = [one["config"] for one in candidates if "batch_input_shape" in one["config"]]
    if len(inputs) != 1:
        raise DataError(f"has {len(inputs)} inputs, so `image_shape` must be left out")
    old = inputs[0]["batch_input_shape"][1:]
    image_shape = (*image_shape[:2], image_shape[2] or old[-1])
    if len(old) != 3 or any(a not in (None, b) for a, b in zip(old, image_shape, strict=True)):
        raise DataError(f"takes images of shape {tuple(old)}, got image_shape={image_shape}")
    inputs[0]["batch_input_shape"] = [None, *image_shape]


def _rebuild(entry: dict[str, Any], custom: Custom) -> RebuiltLayer:
    kind = class_name_of(entry)
    if kind in custom or kind not in (*_FUNCTIONAL, "Sequential"):
        return RebuiltLayer(build_layer(entry, custom), entry)
    return (
        _rebuild_sequential(entry, custom)
        if kind == "Sequential"
        else _rebuild_functional(entry, custom)
    )


def _rebuild_sequential(entry: dict[str, Any], custom: Custom) -> RebuiltLayer:
    config = entry["config"]
    first = config["layers"][0]["config"]
    shape = first.get("batch_input_shape") or config.get("build_input_shape")
    if shape is None:
        raise DataError(
            f"network {layer_name_of(entry)!r} was saved before it was built; call it on an image, "
            "and save it again"
        )
    described = [one for one in config["layers"] if one["class_name"] != "InputLayer"]
    sublayers = tuple(_rebuild(one, custom) for one in described)
    start = keras.Input(shape[1:], dtype="float32")
    layers = [start, *(rebuilt.layer for rebuilt in sublayers)]
    return RebuiltLayer(keras.Sequential(layers, name=layer_name_of(entry)), entry, sublayers)


def _rebuild_functional(entry: dict[str, Any], custom: Custom) -> RebuiltLayer:
    config = entry["config"]
    layers = [call_to_layer(one) for one in config["layers"]]
    rebuilt_layers: dict[str, RebuiltLayer] = {}
    tensors: dict[str, list] = {}
    for one in layers:
        if one["class_name"] == "InputLayer":
            tensors[one["name"]] = [[_input(one["config"])]]
        else:
            rebuilt_layers[one["name"]] = rebuilt = _rebuild(one, custom)
            # Keras 2 counts the construction of a network as its first call.
            tensors[one["name"]] = [] if rebuilt.sublayers is None else [None]
    _connect(layers, rebuilt_layers, tensors)
    network = keras.Model(
        _find_tensors(config["input_layers"], tensors),
        _find_tensors(config["output_layers"], tensors),
        name=layer_name_of(entry),
    )
    return RebuiltLayer(network, entry, tuple(rebuilt_layers.values()))


def _input(config: Mapping[str, Any]):
    dtype = config.get("dtype")
    is_integer = isinstance(dtype, str) and dtype.startswith(("int", "uint"))
    return keras.Input(config["batch_input_shape"][1:], dtype=dtype if is_integer else "float32")


def _connect(
    layers: list[dict[str, Any]], rebuilt_layers: dict[str, RebuiltLayer], tensors: dict
) -> None:
    """Makes the calls of each layer in the file as soon as all their inputs exist."""
    waiting = [(one["name"], call) for one in layers for call in one["inbound_nodes"]]
    while waiting:
        left, blocked = [], set()  # calls of one layer stay in order: other layers refer to them
        for name, call in waiting:
            if name in blocked or not all(_exists(reference, tensors) for reference in call):
                blocked.add(name)
                left.append((name, call))
                continue
            outputs = rebuilt_layers[name].layer(
                _find_tensors(call, tensors), **_call_settings(name, call)
            )
            tensors[name].append(outputs if isinstance(outputs, list) else [outputs])
        if len(left) == len(waiting):
            raise DataError(f"layer {left[0][0]!r} has an input that the file does not describe")
        waiting = left


def _exists(reference: list, tensors: dict) -> bool:
    return reference[1] < len(tensors[reference[0]])


def _find_tensors(references: list, tensors: dict):
    """Returns the tensors of `[[layer, call, output, ...], ...]`; a single one without a list."""
    if references and isinstance(references[0], str):
        references = [references]
    selected = [tensors[layer][call][output] for layer, call, output, *_ in references]
    return selected[0] if len(selected) == 1 else selected


def _call_settings(name: str, call: list) -> dict[str, Any]:
    """Returns the arguments of a call except tensors; only `training` is allowed."""
    settings = {key: value for _, _, _, *rest in call for key, value in (rest or [{}])[0].items()}
    settings = {key: value for key, value in settings.items() if value is not None}
    if not all(key == "training" and isinstance(value, bool) for key, value in settings.items()):
        raise DataError(
            f"layer {name!r} was called with {settings}, which has no equivalent in Keras 3"
        )
    return settings
