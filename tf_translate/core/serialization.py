"""How translators describe themselves, so that a `.keras` file brings back everything."""

import inspect

import keras


def config_of(translator) -> dict:
    """Serialises the constructor's arguments, read from the attributes of the same names.

    Raises:
        AttributeError: If a constructor does not store one of its arguments.
    """
    parameters = inspect.signature(type(translator).__init__).parameters
    names = [
        name
        for name, parameter in parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    ]
    return {name: keras.saving.serialize_keras_object(getattr(translator, name)) for name in names}


def arguments_from(config: dict) -> dict:
    """Rebuilds constructor arguments from `config_of`."""
    return {
        name: keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
        for name, value in config.items()
    }


def compile_config(optimizers: dict, options: dict) -> dict:
    """Serialises what a translator was compiled with."""
    serialized = {
        name: keras.saving.serialize_keras_object(optimizer)
        for name, optimizer in optimizers.items()
    }
    return {"optimizers": serialized, "options": options}


def optimizers_from(config: dict) -> dict:
    """Rebuilds the optimizers from `compile_config`."""
    return {
        name: keras.saving.deserialize_keras_object(optimizer)
        for name, optimizer in config["optimizers"].items()
    }
