"""Rebuilds layers that Keras 2 saved as layers of Keras 3 or of this project."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from tf_translate.errors import DataError
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.layers.reflection_padding import ReflectionPadding2D

Custom = Mapping[str, type[keras.layers.Layer]]

# Layers that are equal in Keras 2 and 3 and run no code from the file.
_KERAS_LAYERS = frozenset(
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
# Without hard_sigmoid, which is another function in Keras 3.
_ACTIVATIONS = frozenset(
    (
        *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "mish"),
        *("softplus", "softsign", "softmax", "sigmoid", "tanh", "exponential"),
    )
)
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
# Settings that only matter in training: the weights are read from the file.
_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")
_HANDLED_ELSEWHERE = ("dtype", "trainable", "batch_input_shape", "input_shape")


def class_name_of(entry: Mapping[str, Any]) -> str:
    """Returns the name of a layer's class in the file, without the prefix `Custom>` of Keras."""
    name = entry.get("registered_name") or entry["class_name"]
    return str(name).removeprefix("Custom>")


def layer_name_of(entry: Mapping[str, Any]) -> str:
    """Returns the name of a layer or network; Keras 3 allows no slashes in it."""
    return str(entry["config"]["name"]).replace("/", "_")


def build_layer(entry: Mapping[str, Any], custom: Custom) -> keras.layers.Layer:
    """Builds a layer in float32, without its weights.

    Args:
        entry: `{"class_name", "config"}`, in `.keras` files also "registered_name".
        custom: Classes of the user by name; they take precedence.

    Raises:
        DataError: If its class is unknown or unsafe, or a setting has no equivalent in Keras 3.
    """
    kind, name, config = (
        class_name_of(entry),
        layer_name_of(entry),
        _tuples_to_lists(entry["config"]),
    )
    if kind in custom and kind != "Lambda":
        layer = custom[kind].from_config({**config, "name": name, "dtype": "float32"})
    elif kind in _PROJECT_LAYERS:
        layer = _PROJECT_LAYERS[kind](name, config)
    elif kind in _KERAS_LAYERS:
        arguments = _convert_arguments(kind, name, config)
        layer = getattr(keras.layers, kind)(**arguments, name=name, dtype="float32")
    else:
        raise DataError(_describe_unknown(kind, name))
    layer.trainable = config.get("trainable", True)
    return layer


def _describe_unknown(kind: str, name: str) -> str:
    if kind == "Lambda":
        return (
            f"layer {name!r} is a Lambda layer; its code is in the file and is never run; "
            "replace it by a named layer in the network's code, and save the network again"
        )
    return (
        f"layer {name!r} has the unknown class {kind!r}; write it as a layer of Keras 3 "
        f"with the same weights and pass `custom_objects={{{kind!r}: YourClass}}`"
    )


def _tuples_to_lists(value: Any) -> Any:
    """Converts tuples, which `.keras` files store as objects, to lists."""
    if isinstance(value, dict):
        if value.get("class_name") == "__tuple__":
            return [_tuples_to_lists(item) for item in value["items"]]
        return {key: _tuples_to_lists(item) for key, item in value.items()}
    return [_tuples_to_lists(item) for item in value] if isinstance(value, list) else value


def _convert_arguments(kind: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Converts the settings of a Keras 2 layer to arguments of the Keras 3 layer."""
    parameters = inspect.signature(getattr(keras.layers, kind).__init__).parameters
    arguments = {}
    for old, value in config.items():
        key = _RENAMED.get((kind, old), old)
        if key == "name" or key.endswith(_TRAINING_ONLY) or key in _HANDLED_ELSEWHERE:
            continue
        if key == "activation":
            _check_activation(name, value)
        if not _is_tuples_to_lists(value) or value == "channels_first":
            raise DataError(
                f"layer {name!r} has {old}={value!r}, which has no equivalent in Keras 3"
            )
        if kind == "BatchNormalization" and key == "axis" and isinstance(value, list):
            (value,) = value
        if key in parameters:
            arguments[key] = value
        elif not (value is None or value is False or (key == "groups" and value == 1)):
            raise DataError(f"layer {name!r} has {old}={value!r}, which Keras 3 no longer has")
    return arguments


def _check_activation(name: str, value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value in _ACTIVATIONS):
        raise DataError(
            f"layer {name!r} has the activation {value!r}, which Keras 3 does not have; "
            "replace it by a separate layer in the network's code, and save the network again"
        )


def _is_tuples_to_lists(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_tuples_to_lists(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _build_instance_norm(name: str, config: Mapping[str, Any]) -> keras.layers.Layer:
    """Builds an instance normalization. Three libraries have one; the settings show which."""
    if "groups" not in config and "center" in config:
        raise DataError(
            f"layer {name!r} is keras-contrib's InstanceNormalization, which divides by "
            "(standard deviation + epsilon); write it as a layer of Keras 3 and pass "
            "`custom_objects={'InstanceNormalization': YourClass}`"
        )
    _check_last_axis(name, config)
    affine = config.get("center", True) or config.get("scale", True)
    return InstanceNormalization(
        epsilon=config["epsilon"], affine=bool(affine), name=name, dtype="float32"
    )


def _build_group_norm(name: str, config: Mapping[str, Any]) -> keras.layers.Layer:
    _check_last_axis(name, config)
    settings = {key: config[key] for key in ("groups", "epsilon", "center", "scale")}
    return keras.layers.GroupNormalization(**settings, name=name, dtype="float32")


def _check_last_axis(name: str, config: Mapping[str, Any]) -> None:
    if config.get("axis", -1) not in (-1, 3):
        raise DataError(
            f"layer {name!r} normalises along axis {config['axis']}; only networks with "
            "channels last (axis -1 or 3) can be read"
        )


def _build_reflection_padding(name: str, config: Mapping[str, Any]) -> keras.layers.Layer:
    padding = config.get("padding")
    sides = {padding} if isinstance(padding, int) else set(_flat(padding or []))
    if len(sides) != 1:
        raise DataError(
            f"layer {name!r} pads by reflection with padding={padding!r}; only equal padding on "
            "all sides is supported; otherwise pass "
            "`custom_objects={'ReflectionPadding2D': YourClass}`"
        )
    return ReflectionPadding2D(sides.pop(), name=name, dtype="float32")


def _flat(value: list) -> list:
    return [one for item in value for one in (_flat(item) if isinstance(item, list) else [item])]


_PROJECT_LAYERS = {
    "Addons>InstanceNormalization": _build_instance_norm,
    "Addons>GroupNormalization": _build_group_norm,
    "InstanceNormalization": _build_instance_norm,
    "ReflectionPadding2D": _build_reflection_padding,
}
