"""Converts calls of TensorFlow functions in Keras 2 networks, such as `x + y`, to layers."""

from typing import Any

from tf_translate.errors import DataError

# Functions of two tensors, and of one tensor, by their names in Keras 2 files.
_BINARY_FUNCTIONS = {
    "__operators__.add": "Add",
    "math.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
}
_UNARY_FUNCTIONS = {
    "math.tanh": ("Activation", {"activation": "tanh"}),
    "math.sigmoid": ("Activation", {"activation": "sigmoid"}),
    "nn.relu": ("ReLU", {}),
}


def call_to_layer(entry: dict[str, Any]) -> dict[str, Any]:
    """Replaces a call of a known function by the equivalent layer.

    Args:
        entry: A layer of a functional network. Anything but a call is returned unchanged.

    Raises:
        DataError: If no layer is equivalent to the function with these arguments.
    """
    if entry["class_name"] not in ("TFOpLambda", "SlicingOpLambda"):
        return entry
    function = entry["config"].get("function")
    (node,) = entry["inbound_nodes"]
    arguments = [node] if isinstance(node[0], str) else node
    options = {key: value for key, value in arguments[0][3].items() if value is not None}
    tensors = [argument[:3] for argument in arguments]
    if function in _BINARY_FUNCTIONS and _is_tensor(options.get("y")):
        tensors.append(options.pop("y"))
        layer: tuple[str, dict] | None = (_BINARY_FUNCTIONS[function], {})
    else:
        layer = _find_layer(function, options)
    if layer is None or options:
        raise DataError(
            f"layer {entry['config']['name']!r} calls the TensorFlow function {function!r}; "
            "replace the call by a layer (for example `layers.Rescaling`) and save the network "
            "again"
        )
    class_name, settings = layer
    config = {"name": entry["config"]["name"], **settings}
    converted = {"class_name": class_name, "registered_name": None, "config": config}
    return {**entry, **converted, "inbound_nodes": [tensors]}


def _find_layer(function: Any, options: dict[str, Any]) -> tuple[str, dict] | None:
    """Finds the layer of a function and removes the options it covers from `options`."""
    if function in _UNARY_FUNCTIONS:
        return _UNARY_FUNCTIONS[function]
    if function == "nn.leaky_relu":
        return "LeakyReLU", {"alpha": options.pop("alpha", 0.2)}
    if function == "concat":
        return "Concatenate", {"axis": options.pop("axis")}
    if function == "compat.v1.pad" and options.pop("constant_values", 0) == 0:
        return _padding(options.pop("paddings"), options.pop("mode", "CONSTANT").upper())
    return None


def _padding(paddings: list, mode: str) -> tuple[str, dict] | None:
    if len(paddings) != 4 or paddings[0] != [0, 0] or paddings[3] != [0, 0]:
        return None
    if mode == "CONSTANT":
        return "ZeroPadding2D", {"padding": paddings[1:3]}
    return ("ReflectionPadding2D", {"padding": paddings[1:3]}) if mode == "REFLECT" else None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)
