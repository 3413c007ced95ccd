"""Settings that count steps, for cells with less time than their task gives.

A task and its presets choose them for the minutes of the task. With a quarter of these, a moving
average of weights would keep much of the first weights, and a loss weight that rises in 3,000 steps
would hardly rise. So they shrink with the time.
"""

from typing import Any

from tf_translate.config.schema import Config
from tf_translate.config.settings import COUNTS_STEPS
from tf_translate.methods import registry

_EMA = "training.ema_momentum"


def shortened_settings(config: Config, fraction: float) -> dict[str, Any]:
    """Settings of a method for a fraction of the time that its configuration is for.

    Args:
        config: A resolved configuration.
        fraction: Of the time, above 0 and at most 1.

    Returns:
        "group.setting" to value, those that differ: `training.ema_momentum`, so that the average
        keeps the same fraction of the first weights, and all settings of the method that count
        steps and should shrink (`COUNTS_STEPS`).

    Example:
        `shortened_settings(config, 10 / 45)` may be `{"training.ema_momentum": 0.99551}`.
    """
    if fraction == 1.0:
        return {}
    found: dict[str, Any] = {}
    if config.training.ema_momentum:
        found[_EMA] = round(config.training.ema_momentum ** (1.0 / fraction), 5)
    fields = registry.find(config.method).settings.model_fields
    for name, value in config.model.items():
        field = fields.get(name)
        if field is not None and field.json_schema_extra == COUNTS_STEPS and value:
            found[f"model.{name}"] = max(1, round(value * fraction))
    return found
