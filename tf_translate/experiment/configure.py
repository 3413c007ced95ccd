"""Configurations checked to the last key, the method's settings included."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_translate.config.load import apply_overrides, load, validate
from tf_translate.config.renamed import refuse_renamed
from tf_translate.config.schema import Config
from tf_translate.config.setting_errors import keys
from tf_translate.config.settings import MethodSettings
from tf_translate.core.loss_terms import with_loss_weights
from tf_translate.core.schedules import Schedule
from tf_translate.errors import ConfigError, RunError
from tf_translate.methods import registry
from tf_translate.training.run_dir import RunDir

_MAY_CHANGE = {
    *("steps", "log_every", "sample_every", "checkpoint_every", "keep_checkpoints", "patience"),
    "devices",  # several devices train like one
    "xla",  # the same sums in another order
}
_DATA_PATH = "data.path"  # may change if the images are the same


def resolve(source: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a configuration, checks every part of it and fills in the method's defaults.

    Raises:
        UnknownMethodError: If there is no such method or preset.
        ConfigError: If a key or value is not allowed.
    """
    return complete(load(source, overrides), source)


def complete(config: Config, origin: str) -> Config:
    """Checks every part of a configuration and fills in the method's defaults.

    Raises:
        UnknownMethodError: If there is no such method.
        ConfigError: If a key or value is not allowed; `origin` is named.
    """
    settings = method_settings(config, origin)
    layout = registry.find(config.method).layout
    if config.evaluation.attributes and layout != "images":
        raise ConfigError(
            "evaluation.attributes is for methods that learn from images alone, but "
            f"{config.method} learns from {registry.LAYOUTS[layout]}; leave it out"
        )
    translator = registry.find(config.method).translator
    _check_signature(config, layout, translator.deploys)
    loss_weights = {
        term.name: term.weight
        for term in with_loss_weights(translator.terms, config.loss_weights)
        if not isinstance(term.weight, Schedule)
    }
    model = settings.model_dump(mode="json")
    return config.model_copy(update={"model": model, "loss_weights": loss_weights})


def _check_signature(config: Config, layout: str, deployed: Sequence[str]) -> None:
    """Raises ConfigError unless `evaluation.signature` edits attributes of images."""
    name = config.evaluation.signature
    if name is None:
        return
    if layout != "attributes":
        raise ConfigError(
            "evaluation.signature is for methods that learn from attributes, but "
            f"{config.method} learns from {registry.LAYOUTS[layout]}; leave it out"
        )
    edits = [each for each in deployed if each.startswith("translate")]
    if name not in edits:
        raise ConfigError(
            f"evaluation.signature must be a function of {config.method} that edits attributes, "
            f"{' or '.join(edits)}, got {name!r}"
        )


def resumed_config(path: str | Path, source: str, overrides: Sequence[str]) -> Config:
    """The configuration of a run to be resumed, with changes that do not invalidate it.

    `training.steps` may change if no step that was taken would have been another: the learning
    rate must be constant. Stages before the last keep their steps, see `build.keep_stage_ends`.

    Raises:
        RunError: If there is no run, or it belongs to another method.
        ConfigError: If an override would change what has been trained already.
    """
    stored = read_config(path)
    if source != stored.method and load(source).method != stored.method:
        raise RunError(f"{path} is a run of {stored.method}, not of {source}")
    config = _changed(stored, overrides)
    allowed = {*(f"training.{name}" for name in _MAY_CHANGE), _DATA_PATH}
    _check_changes(
        stored,
        config,
        allowed,
        "--resume continues with the run's settings",
        "; a new run with the same networks can start from its weights with other settings: "
        f"tf-translate train {stored.method} --run NEW --set training.init_from={path}",
    )
    if config.training.steps != stored.training.steps and stored.training.lr_schedule != "none":
        follows = {
            "linear": "reaches 0 at the last step",
            "piecewise": "changes at fractions of the steps",
        }[stored.training.lr_schedule]
        raise ConfigError(
            f"training.steps of {path} cannot change from {stored.training.steps} to "
            f"{config.training.steps}: training.lr_schedule = {stored.training.lr_schedule!r} "
            f"{follows}, so steps that were taken would have been others; start a "
            f"new run from its weights: tf-translate train {stored.method} --run NEW --set "
            f"training.init_from={path}"
        )
    return config


def moved_config(path: str | Path, overrides: Sequence[str]) -> Config:
    """The configuration of a run whose data set may have been moved.

    Raises:
        RunError: If there is no run.
        ConfigError: If an override changes another setting than `data.path`.
    """
    stored = read_config(path)
    config = _changed(stored, overrides)
    _check_changes(stored, config, {_DATA_PATH}, "this command uses the run's settings")
    return config


def _changed(stored: Config, overrides: Sequence[str]) -> Config:
    values = stored.model_dump(mode="json")
    apply_overrides(values, overrides)
    return validate(Config, values, "--set")


def _check_changes(
    stored: Config, config: Config, allowed: set[str], rule: str, suggestion: str = ""
) -> None:
    """Raises ConfigError that names the first setting that may not change."""
    before, after = _flat(stored.model_dump()), _flat(config.model_dump())
    for key in sorted({*before, *after} - allowed):
        if before.get(key) != after.get(key):
            raise ConfigError(
                f"{key} cannot change from {before.get(key)!r} to {after.get(key)!r}: {rule}, and "
                f"takes only {', '.join(sorted(allowed))}{suggestion}"
            )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return flat


def read_config(path: str | Path) -> Config:
    """The configuration a run was made from.

    A run stores all settings. Those that it lacks did not exist yet, and get their earlier values.
    """
    run = RunDir.open(path)
    config = validate(Config, run.read_config(), str(run.config))
    model = registry.find(config.method).settings.with_earlier(config.model)
    return config.model_copy(update={"model": model})


def method_settings(config: Config, origin: str) -> MethodSettings:
    """The method's own settings; its loss weights are checked too.

    Raises:
        ConfigError: If a key, value or loss term is not allowed; `origin` is named.
    """
    method = registry.find(config.method)
    names = [f"loss_weights.{term.name}" for term in method.translator.terms]
    refuse_renamed(dict(config.loss_weights), names, origin, prefix="loss_weights.")
    refuse_renamed(config.model, keys(method.settings, "model."), origin, prefix="model.")
    try:
        with_loss_weights(method.translator.terms, config.loss_weights)
    except ValueError as error:
        raise ConfigError(f"{origin}: loss_weights: {error}") from error
    return validate(method.settings, config.model, origin, prefix="model.")
