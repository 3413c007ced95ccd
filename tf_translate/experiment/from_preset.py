"""Translators of presets, for Python."""

import warnings
from collections.abc import Mapping
from typing import Any

from tf_translate.config.load import load
from tf_translate.core.translator import Translator
from tf_translate.experiment.build import build
from tf_translate.experiment.unused_settings import unused_settings


def from_preset(preset: str, settings: Mapping[str, Any] | None = None) -> Translator:
    """Builds and compiles the translator of a preset, without opening its data.

    Optimizers and learning rate schedules are those with which `tf-translate train PRESET` trains
    `training.steps` steps.

    Args:
        preset: A preset such as "cyclegan_small", a method (its small preset) or a `.toml` file.
        settings: Replacements by dotted key, such as `{"data.size": (128, 128)}`; see
            `tf-translate settings PRESET`.

    A setting that has no effect, such as `model.residual_blocks` of a U-Net, is named in a warning.

    Returns:
        A compiled translator for images of `data.size`.

    Raises:
        UnknownMethodError: If there is no such preset; the nearest is named.
        ConfigError: If a setting does not exist or its value is not allowed.

    Example:
        `model = from_preset("cyclegan_small", {"training.steps": 1000})`, then
        `model.fit(data.training(batch_size=2, seed=0), steps_per_epoch=1000)`.
    """
    config = load(preset, settings or {})
    for sentence in unused_settings(config):
        warnings.warn(sentence, stacklevel=2)
    return build(config)
