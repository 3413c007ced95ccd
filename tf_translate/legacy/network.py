"""Networks as Keras 2 described them: layers, and who feeds whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tf_translate.errors import DataError
from tf_translate.legacy.calls import as_layer
from tf_translate.legacy.layers import Custom, class_of, layer_of, name_of

_FUNCTIONAL = ("Functional", "Model")


@dataclass(frozen=True)
class Piece:
    """A layer or a network beside what the file says of it.

    Attributes:
        layer: Made anew and built.
        entry: How the file describes it.
        pieces: A network's layers in the file's order; None for a layer.
    """

    layer: Any
    entry: Mapping[str, Any]
    pieces: "tuple[Piece, ...] | None" = None


def network_of(
    entry: dict[str, Any], *, image_shape: tuple[int, int, int] | None, custom: Custom
) -> Piece:
    """Makes a network, without its weights.

    Args:
        entry: A functional or Sequential network as the file describes it; changed.
        image_shape: Takes the place of free sides of its only input.
        custom: The user's classes by name.

    Raises:
        DataError: If it is of another kind, or `image_shape` contradicts it.
    """
    if class_of(entry) not in (*_FUNCTIONAL, "Sequential"):
        raise DataError(
            f"holds the class {class_of(entry)!r}, whose code is not in the file; save its "
            "functional or Sequential generator alone"
        )
    if image_shape is not None:
        _set_sides(entry["config"]["layers"], image_shape)
    return _piece(entry, custom)


def _set_sides(layers: list[dict[str, Any]], image_shape: tuple[int, int, int]) -> None:
    given = [one for one in layers if one["class_name"] == "InputLayer"] or layers[:1]
    inputs = [one["config"] for one in given if "batch_input_shape" in one["config"]]
    if len(inputs) != 1:
        raise DataError(f"has {len(inputs)} inputs, so `image_shape` must be left out")
    old = inputs[0]["batch_input_shape"][1:]
    if len(old) != 3 or any(a not in (None, b) for a, b in zip(old, image_shape, strict=True)):
        raise DataError(f"takes images of shape {tuple(old)}, got image_shape={image_shape}")
    inputs[0]["batch_input_shape"] = [None, *image_shape]


def _piece(entry: dict[str, Any], custom: Custom) -> Piece:
    kind = class_of(entry)
    if kind in custom or kind not in (*_FUNCTIONAL, "Sequential"):
        return Piece(layer_of(entry, custom), entry)
    return _sequential(entry, custom) if kind == "Sequential" else _functional(entry, custom)


def _sequential(entry: dict[str, Any], custom: Custom) -> Piece:
    config = entry["config"]
    first = config["layers"][0]["config"]
    shape = first.get("batch_input_shape") or config.get("build_input_shape")
    if shape is None:
        raise DataError(
            f"network {name_of(entry)!r} was saved before it had seen an image; call it on one, "
            "and save it again"
        )
    described = [one for one in config["layers"] if one["class_name"] != "InputLayer"]
    pieces = tuple(_piece(one, custom) for one in described)
    start = keras.Input(shape[1:], dtype="float32")
    layers = [start, *(piece.layer for piece in pieces)]
    return Piece(keras.Sequential(layers, name=name_of(entry)), entry, pieces)


def _functional(entry: dict[str, Any], custom: Custom) -> Piece:
    config = entry["config"]
    layers = [as_layer(one) for one in config["layers"]]
    made: dict[str, Piece] = {}
    tensors: dict[str, list] = {}
    for one in layers:
        if one["class_name"] == "InputLayer":
            tensors[one["name"]] = [[_input(one["config"])]]
        else:
            made[one["name"]] = piece = _piece(one, custom)
            # Keras 2 counted a network's own making as its first call.
            tensors[one["name"]] = [] if piece.pieces is None else [None]
    _connect(layers, made, tensors)
    network = keras.Model(
        _pick(config["input_layers"], tensors),
        _pick(config["output_layers"], tensors),
        name=name_of(entry),
    )
    return Piece(network, entry, tuple(made.values()))


def _input(config: Mapping[str, Any]):
    dtype = config.get("dtype")
    whole = isinstance(dtype, str) and dtype.startswith(("int", "uint"))
    return keras.Input(config["batch_input_shape"][1:], dtype=dtype if whole else "float32")


def _connect(layers: list[dict[str, Any]], made: dict[str, Piece], tensors: dict) -> None:
    """Calls each layer on what its calls in the file name, as soon as all of it is there."""
    waiting = [(one["name"], call) for one in layers for call in one["inbound_nodes"]]
    while waiting:
        left, blocked = [], set()  # calls of one layer keep their order: others count them
        for name, call in waiting:
            if name in blocked or not all(_is_there(given, tensors) for given in call):
                blocked.add(name)
                left.append((name, call))
                continue
            outputs = made[name].layer(_pick(call, tensors), **_settings(name, call))
            tensors[name].append(outputs if isinstance(outputs, list) else [outputs])
        if len(left) == len(waiting):
            raise DataError(f"layer {left[0][0]!r} is fed by nothing that the file describes")
        waiting = left


def _is_there(given: list, tensors: dict) -> bool:
    return given[1] < len(tensors[given[0]])


def _pick(places: list, tensors: dict):
    """The tensors that `[[layer, call, output, ...], ...]` names; one alone without a list."""
    if places and isinstance(places[0], str):
        places = [places]
    found = [tensors[layer][call][output] for layer, call, output, *_ in places]
    return found[0] if len(found) == 1 else found


def _settings(name: str, call: list) -> dict[str, Any]:
    """What a layer was called with beside tensors: whether it trains, and no more."""
    settings = {key: value for _, _, _, *rest in call for key, value in (rest or [{}])[0].items()}
    settings = {key: value for key, value in settings.items() if value is not None}
    if not all(key == "training" and isinstance(value, bool) for key, value in settings.items()):
        raise DataError(f"layer {name!r} was called with {settings}, which has no equal here")
    return settings
