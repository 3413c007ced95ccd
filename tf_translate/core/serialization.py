"""How translators describe themselves, so that a `.keras` file brings back everything."""

import inspect

import keras
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

_KINDS = ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")


class Saved(keras.Model):
    """A model that can be saved as often as one likes."""

    def save(self, *args, **kwargs):
        """Writes everything to a `.keras` file; arguments as Keras has them."""
        _remember_what_saving_skips()
        super().save(*args, **kwargs)


def _remember_what_saving_skips() -> None:
    """Puts the attributes that saving skips where Keras looks for them.

    Keras 3.15 keeps them under another name (`skipset`) than it looks under (`skiplist`), so that
    it makes a new optimizer for each that it meets, to see its attributes. The variables of each
    have new names, and TensorFlow keeps 35 KiB for every name that a variable ever had.
    """
    for kind in _KINDS:
        skipped = saving_lib.get_attr_skipset(kind)
        global_state.set_global_attribute(f"saving_attr_skiplist_{kind}", skipped)


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
