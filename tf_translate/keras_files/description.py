"""Checks the description of a network (`config.json`) before any part of it is built.

Keras builds whatever it names. So only classes of Keras that compute, and classes that this process
registered, are let through, and depth, length and sizes are bounded.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import keras

from tf_translate.errors import DataError

MAX_DEPTH = 100  # a network within a network adds 5; recursive code of Keras needs some frames each
MAX_VALUES = 2_000_000  # a ResNet with 9 blocks has 10,000
MAX_CLASSES = 100_000
MAX_SIZE = 2**31  # of one number, and of the product of a shape
_MAX_AXES = 8  # longer lists are no shapes

_MODULES = frozenset(
    (
        *("keras", "keras.activations", "keras.constraints", "keras.dtype_policies"),
        *("keras.initializers", "keras.layers", "keras.losses", "keras.metrics", "keras.models"),
        *("keras.ops", "keras.optimizers", "keras.optimizers.schedules", "keras.quantizers"),
        *("keras.random", "keras.regularizers", "builtins"),
    )
)
# Keras writes functions of a functional network with the module that defines them.
_MODULE_PREFIXES = ("keras.src.ops.", "keras.src.layers.", "keras.src.models.")
# Values that Keras writes as objects; none of them runs anything.
_VALUES = frozenset(
    (
        *("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__"),
        *("__slice__", "__tuple__"),
    )
)
# What runs code, loads other files or needs another framework.
_REFUSED = {
    "Lambda": "is a Lambda layer, whose code is in the file and is never run",
    "__lambda__": "is a Python function, whose code is in the file and is never run",
    "__typespec__": "is a type of TensorFlow, which no network of images needs",
    "TFSMLayer": "loads another file",
    "StringLookup": "may load another file",
    "IntegerLookup": "may load another file",
    "TextVectorization": "may load another file",
    "TorchModuleWrapper": "unpickles an object of PyTorch, which can run code",
    "JaxLayer": "runs code of JAX",
    "FlaxLayer": "runs code of Flax",
}


def parse_description(content: bytes | str, name: str = "config.json") -> dict[str, Any]:
    """Parses a description and checks its depth, length and sizes.

    Raises:
        DataError: If it is not a JSON object, nests more than `MAX_DEPTH` levels, has more than
            `MAX_VALUES` values, or a number or shape above `MAX_SIZE`.
    """
    try:
        description = json.loads(content)
    except RecursionError:
        raise DataError(_too_deep(name)) from None
    except ValueError as error:
        raise DataError(f"holds {name}, which is not valid JSON: {error}") from error
    if not isinstance(description, dict):
        raise DataError(f"holds {name}, which is not a JSON object")
    for count, (key, value, depth) in enumerate(_values(description)):
        if depth > MAX_DEPTH:
            raise DataError(_too_deep(name))
        if count >= MAX_VALUES:
            raise DataError(f"holds {name} with more than {MAX_VALUES:,} values")
        _check_size(key, value)
    return description


def check_classes(description: dict[str, Any], known: Mapping[str, Any]) -> None:
    """Checks that a description names only classes that compute.

    Args:
        description: From `parse_description`.
        known: Further classes by name, which the caller trusts.

    Raises:
        DataError: If it names another class, by the first one that is found.
    """
    count = 0
    for _, value, _ in _values(description):
        if isinstance(value, dict) and "class_name" in value:
            count += 1
            if count > MAX_CLASSES:
                raise DataError(f"describes more than {MAX_CLASSES:,} layers and other objects")
            _check_class(value, known)


def _values(description: Any) -> Iterator[tuple[str, Any, int]]:
    """All values in a description with their key and depth; without recursion."""
    waiting: list[tuple[str, Any, int]] = [("", description, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        yield key, value, depth
        if isinstance(value, dict):
            waiting.extend((str(name), each, depth + 1) for name, each in value.items())
        elif isinstance(value, list):
            waiting.extend((key, each, depth + 1) for each in value)


def _check_size(key: str, value: Any) -> None:
    # Any number is a seed or the identity of an object; arrays are kept in the file itself.
    if "seed" in key or key in ("value", "shared_object_id"):
        return
    sizes = value if isinstance(value, list) else [value]
    if len(sizes) > _MAX_AXES or not all(isinstance(each, int) for each in sizes if each):
        return
    product = math.prod(abs(each) for each in sizes if each)
    if product > MAX_SIZE:
        raise DataError(
            f"describes a network with {key}={str(value)[:60]}; sizes and the products of shapes "
            f"may be {MAX_SIZE} at most"
        )


def _check_class(entry: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    name, registered = entry["class_name"], entry.get("registered_name")
    if not isinstance(name, str):
        raise DataError(f"describes an object of the class {str(name)[:60]}, which is not a name")
    where = _name_of(entry)
    if name in _REFUSED:
        raise DataError(
            f"describes {where} of the class {name!r}, which {_REFUSED[name]}; replace it by "
            "layers of Keras, or by a named layer in code, and save the network again"
        )
    if name in _VALUES:
        return
    # What Keras looks up. With a dot, such as "layers.Lambda" of "keras", it would lead elsewhere.
    wanted = entry.get("config") if name == "function" else name
    if not isinstance(wanted, str) or not wanted.isidentifier():
        raise DataError(
            f"describes {where} of the class {name[:60]!r} with {str(wanted)[:60]!r}, which is not "
            "the name of one class or function"
        )
    key = wanted if name == "function" or not isinstance(registered, str) else registered
    if wanted in known or key in known or _is_registered(key):
        return
    module = entry.get("module")
    if module is None and name != "function" and hasattr(keras.layers, name):
        return  # a setting of an older Keras, without its module
    if not isinstance(module, str) or not (
        module in _MODULES or module.startswith(_MODULE_PREFIXES)
    ):
        raise DataError(
            f"describes {where} of the class {name!r} of {str(module)[:60]!r}, which is neither "
            "Keras's nor registered here; import the file that defines it first "
            "(`tf-translate --import FILE.py`)"
        )


def _is_registered(name: str) -> bool:
    return keras.saving.get_registered_object(name) is not None


def _name_of(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return f"the layer {name[:60]!r}" if isinstance(name, str) else "an object"


def _too_deep(name: str) -> str:
    return f"holds {name}, which nests more than {MAX_DEPTH} levels"
