"""What a `.keras` file holds of a translator, and how it is restored."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

from tf_translate.config.settings import Settings

_KINDS = ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")


class LeakFreeSavingModel(keras.Model):
    """A model whose `save` leaks no memory, however often it is called."""

    def save(self, filepath: str | Path, *args: Any, **kwargs: Any) -> None:
        """Writes a `.keras` file; arguments as in Keras."""
        _cache_skipped_attributes()
        super().save(filepath, *args, **kwargs)


def _cache_skipped_attributes() -> None:
    """Stores the attributes that saving skips under the name that Keras looks up.

    Keras 3.15 stores them as `skipset` but looks up `skiplist`. So for each optimizer it creates a
    new one to list its attributes. The variables of that one have new names, and TensorFlow never
    frees the 35 KiB that it allocates for a variable's name.
    """
    for kind in _KINDS:
        skipped = saving_lib.get_attr_skipset(kind)
        global_state.set_global_attribute(f"saving_attr_skiplist_{kind}", skipped)


def config_of(translator: Any) -> dict:
    """Serializes the constructor's arguments, read from the attributes of the same names.

    Settings are written as plain data. The arguments of a base class are included where the
    constructor passes `**options` on.

    Raises:
        AttributeError: If an argument of a constructor is not an attribute of that name.
    """
    return {name: _plain(getattr(translator, name)) for name in constructor_arguments(translator)}


def constructor_arguments(translator: Any) -> list[str]:
    """Names of the constructor's arguments.

    They include those of its base class that it passes on: keywords by `**options`, positional
    arguments by `*networks`.
    """
    names: dict[str, None] = {}
    positional = True
    for cls in type(translator).__mro__:
        if "__init__" not in vars(cls):
            continue
        _, *parameters = inspect.signature(cls.__dict__["__init__"]).parameters.values()  # not self
        for parameter in parameters:
            keyword_only = parameter.kind is parameter.KEYWORD_ONLY
            if keyword_only or (positional and parameter.kind is parameter.POSITIONAL_OR_KEYWORD):
                names[parameter.name] = None
        kinds = {parameter.kind for parameter in parameters}
        positional = inspect.Parameter.VAR_POSITIONAL in kinds
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
    for mapping in ("networks", "more_networks"):  # the base class's: each has its own name
        names.pop(mapping, None)
    return list(names)


def arguments_from(config: dict) -> dict:
    """Rebuilds constructor arguments from `config_of`."""
    return {
        name: keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
        for name, value in config.items()
    }


def compile_config(optimizers: dict, options: dict) -> dict:
    """Serializes what a translator was compiled with."""
    serialized = {
        name: keras.saving.serialize_keras_object(optimizer)
        for name, optimizer in optimizers.items()
    }
    return {"optimizers": serialized, "options": options}


def optimizers_from(config: Mapping) -> dict:
    """Rebuilds the optimizers from `compile_config`."""
    return {
        name: keras.saving.deserialize_keras_object(optimizer)
        for name, optimizer in config["optimizers"].items()
    }


def _plain(value):
    if isinstance(value, Settings):
        return value.model_dump(mode="json")
    return keras.saving.serialize_keras_object(value)
