"""Optimizers from their settings."""

import keras

from tf_translate.core.adam import Adam

_KINDS = {"adam": Adam, "rmsprop": keras.optimizers.RMSprop}


def make_optimizer(
    settings: dict,
    *,
    learning_rate: keras.optimizers.schedules.LearningRateSchedule | None = None,
    average: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Makes an optimizer.

    Args:
        settings: `kind` ("adam" or "rmsprop") and the arguments of Keras's class of that name.
        learning_rate: Schedule in place of the constant rate in `settings`.
        average: Momentum of a moving average of the weights, kept beside them; 0 for none.
    """
    arguments = {name: value for name, value in settings.items() if name != "kind"}
    if learning_rate is not None:
        arguments["learning_rate"] = learning_rate
    if average:
        arguments |= {"use_ema": True, "ema_momentum": average}
    return _KINDS[settings["kind"]](**arguments)


def put_average(optimizer: keras.optimizers.Optimizer, variables: list) -> None:
    """Puts the moving averages of variables in their place, if the optimizer keeps them."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer.use_ema:
        optimizer.finalize_variable_values(variables)
