"""Layers as Keras 2 described them, made anew as layers of Keras 3 or of ours."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from tf_translate.errors import DataError
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.layers.reflection_padding import ReflectionPadding2D

Custom = Mapping[str, type[keras.layers.Layer]]

# Layers that mean the same in Keras 2 and 3 and run no code that a file could bring.
_KERAS = frozenset(
    (
        *("Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "DepthwiseConv2D"),
        *("SeparableConv2D", "Dense", "Embedding", "Activation", "ReLU", "LeakyReLU", "PReLU"),
        *("ELU", "Softmax", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"),
        *("Concatenate", "ZeroPadding2D", "Cropping2D", "UpSampling2D", "MaxPooling2D"),
        *("AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten"),
        *("Reshape", "Permute", "RepeatVector", "Dropout", "SpatialDropout2D", "GaussianDropout"),
        *("GaussianNoise", "BatchNormalization", "LayerNormalization", "GroupNormalization"),
        "Rescaling",
    )
)
# Not hard_sigmoid: Keras 3 means another function by it.
_ACTIVATIONS = frozenset(
    (
        *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "mish"),
        *("softplus", "softsign", "softmax", "sigmoid", "tanh", "exponential"),
    )
)
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
# How weights start and what holds them back in training: they get the file's numbers.
_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
_SAID_ELSEWHERE = ("dtype", "trainable", "batch_input_shape", "input_shape")


def class_of(entry: Mapping[str, Any]) -> str:
    """The name under which a layer's class was saved, without Keras's `Custom>` ahead of it."""
    name = entry.get("registered_name") or entry["class_name"]
    return str(name).removeprefix("Custom>")


def name_of(entry: Mapping[str, Any]) -> str:
    """The name of a layer or network; Keras 3 wants no slashes in it."""
    return str(entry["config"]["name"]).replace("/", "_")


def layer_of(entry: Mapping[str, Any], custom: Custom) -> keras.layers.Layer:
    """Makes a layer, in float32, without its weights.

    Args:
        entry: `{"class_name", "config"}`, in `.keras` files "registered_name" too.
        custom: The user's classes by name; they come first.

    Raises:
        DataError: If its class is unknown or not to be run, or a setting has no equal here.
    """
    kind, name, config = class_of(entry), name_of(entry), _plain(entry["config"])
    if kind in custom and kind != "Lambda":
        layer = custom[kind].from_config({**config, "name": name, "dtype": "float32"})
    elif kind in _OURS:
        layer = _OURS[kind](name, config)
    elif kind in _KERAS:
        arguments = _arguments(kind, name, config)
        layer = getattr(keras.layers, kind)(**arguments, name=name, dtype="float32")
    else:
        raise DataError(_refusal(kind, name))
    layer.trainable = config.get("trainable", True)
    return layer


def _refusal(kind: str, name: str) -> str:
    if kind == "Lambda":
        return (
            f"layer {name!r} is a Lambda, whose code is in the file and is never run; put a named "
            "layer in its place where the network was made, and save it again"
        )
    return (
        f"layer {name!r} is of the class {kind!r}, which is not known here; write it as a layer "
        f"of Keras 3 with the same weights and pass `custom_objects={{{kind!r}: YourClass}}`"
    )


def _plain(value: Any) -> Any:
    """Tuples, which `.keras` files write as an object, as lists."""
    if isinstance(value, dict):
        if value.get("class_name") == "__tuple__":
            return [_plain(item) for item in value["items"]]
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _arguments(kind: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A Keras 2 layer's settings as arguments of the Keras 3 layer of that name."""
    known = inspect.signature(getattr(keras.layers, kind).__init__).parameters
    arguments = {}
    for old, value in config.items():
        key = _RENAMED.get((kind, old), old)
        if key == "name" or key.endswith(_TRAINING_ONLY) or key in _SAID_ELSEWHERE:
            continue
        if key == "activation":
            _check_activation(name, value)
        if not _is_plain(value) or value == "channels_first":
            raise DataError(f"layer {name!r} has {old}={value!r}, which has no equal here")
        if kind == "BatchNormalization" and key == "axis" and isinstance(value, list):
            (value,) = value
        if key in known:
            arguments[key] = value
        elif not (value is None or value is False or (key == "groups" and value == 1)):
            raise DataError(f"layer {name!r} has {old}={value!r}, which Keras 3 has no more")
    return arguments


def _check_activation(name: str, value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value in _ACTIVATIONS):
        raise DataError(
            f"layer {name!r} has the activation {value!r}, which Keras 3 has not; put a layer of "
            "its own in its place where the network was made, and save it again"
        )


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _instance_norm(name: str, config: Mapping[str, Any]) -> keras.layers.Layer:
    """Three libraries have a layer of this name; their settings tell which one it is."""
    if "groups" not in config and "center" in config:
        raise DataError(
            f"layer {name!r} is keras-contrib's InstanceNormalization, which divides by (deviation "
            "+ epsilon); write it as a layer of Keras 3 and pass "
            "`custom_objects={'InstanceNormalization': YourClass}`"
        )
    _last_axis(name, config)
    affine = config.get("center", True) or config.get("scale", True)
    return InstanceNormalization(
        epsilon=config["epsilon"], affine=bool(affine), name=name, dtype="float32"
    )


def _group_norm(name: str, config: Mapping[str, Any]) -> keras.layers.Layer:
    _last_axis(name, config)
    settings = {key: config[key] for key in ("groups", "epsilon", "center", "scale")}
    return keras.layers.GroupNormalization(**settings, name=name, dtype="float32")


def _last_axis(name: str, config: Mapping[str, Any]) -> None:
    if config.get("axis", -1) not in (-1, 3):
        raise DataError(
            f"layer {name!r} normalises along axis {config['axis']}; only networks with channels "
            "last (axis -1 or 3) can be read"
        )


def _reflection(name: str, config: Mapping[str, Any]) -> keras.layers.Layer:
    padding = config.get("padding")
    sides = {padding} if isinstance(padding, int) else set(_flat(padding or []))
    if len(sides) != 1:
        raise DataError(
            f"layer {name!r} pads by reflection with padding={padding!r}; only one number for all "
            "sides is known, for others pass `custom_objects={'ReflectionPadding2D': YourClass}`"
        )
    return ReflectionPadding2D(sides.pop(), name=name, dtype="float32")


def _flat(value: list) -> list:
    return [one for item in value for one in (_flat(item) if isinstance(item, list) else [item])]


_OURS = {
    "Addons>InstanceNormalization": _instance_norm,
    "Addons>GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
    "ReflectionPadding2D": _reflection,
}
