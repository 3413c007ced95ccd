"""Bare calls of TensorFlow's functions in Keras 2 networks, such as `x + y`, told as layers."""

from typing import Any

from tf_translate.errors import DataError

# Functions of two tensors, and of one, by the name that Keras 2 writes.
_OF_TWO = {
    "__operators__.add": "Add",
    "math.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
}
_OF_ONE = {
    "math.tanh": ("Activation", {"activation": "tanh"}),
    "math.sigmoid": ("Activation", {"activation": "sigmoid"}),
    "nn.relu": ("ReLU", {}),
}


def as_layer(entry: dict[str, Any]) -> dict[str, Any]:
    """Describes a call of a known function as the layer that does the same.

    Args:
        entry: A layer of a functional network; any other than a call comes back as it is.

    Raises:
        DataError: If the function, or what it was called with, has no equal among layers.
    """
    if entry["class_name"] not in ("TFOpLambda", "SlicingOpLambda"):
        return entry
    function = entry["config"].get("function")
    (node,) = entry["inbound_nodes"]
    given = [node] if isinstance(node[0], str) else node
    options = {key: value for key, value in given[0][3].items() if value is not None}
    tensors = [place[:3] for place in given]
    if function in _OF_TWO and _is_tensor(options.get("y")):
        tensors.append(options.pop("y"))
        known: tuple[str, dict] | None = (_OF_TWO[function], {})
    else:
        known = _of_options(function, options)
    if known is None or options:
        raise DataError(
            f"layer {entry['config']['name']!r} is a bare call of TensorFlow's {function!r}; put a "
            "layer in its place (for example `layers.Rescaling`) and save the network again"
        )
    kind, settings = known
    config = {"name": entry["config"]["name"], **settings}
    told = {"class_name": kind, "registered_name": None, "config": config}
    return {**entry, **told, "inbound_nodes": [tensors]}


def _of_options(function: Any, options: dict[str, Any]) -> tuple[str, dict] | None:
    """The layer of a function, whose options are taken out as far as they are understood."""
    if function in _OF_ONE:
        return _OF_ONE[function]
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
