"""Configurations checked to the last key, the method's settings included."""

from collections.abc import Sequence
from pathlib import Path

from tf_translate.config.load import apply_overrides, keys, load, validate
from tf_translate.config.renamed import refuse_renamed
from tf_translate.config.schema import Config
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


def resolve(source: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a configuration, checks every part of it and fills in the method's defaults.

    Raises:
        UnknownMethodError: If there is no such method or preset.
        ConfigError: If a key or value is not allowed.
    """
    config = load(source, overrides)
    settings = method_settings(config, source)
    translator = registry.find(config.method).translator
    loss_weights = {
        term.name: term.weight
        for term in with_loss_weights(translator.terms, config.loss_weights)
        if not isinstance(term.weight, Schedule)
    }
    model = settings.model_dump(mode="json")
    return config.model_copy(update={"model": model, "loss_weights": loss_weights})


def resumed_config(path: str | Path, source: str, overrides: Sequence[str]) -> Config:
    """The configuration of a run to be resumed, with changes that do not invalidate it.

    Raises:
        RunError: If there is no run, or it belongs to another method.
        ConfigError: If an override would change what has been trained already.
    """
    stored = read_config(path)
    if source != stored.method and load(source).method != stored.method:
        raise RunError(f"{path} is a run of {stored.method}, not of {source}")
    values = stored.model_dump(mode="json")
    for override in overrides:
        apply_overrides(values, [override])
    config = validate(Config, values, "--set")
    before, after = stored.training.model_dump(), config.training.model_dump()
    changed = {name for name in before if before[name] != after[name]}
    same = stored.model_copy(update={"training": config.training}) == config
    if not same or not changed <= _MAY_CHANGE:
        allowed = ", ".join(f"training.{name}" for name in sorted(_MAY_CHANGE))
        raise ConfigError(f"--resume continues with the run's settings; it takes only {allowed}")
    if "steps" in changed and stored.training.lr_schedule != "none":
        raise ConfigError(
            f"training.steps of {path} cannot change: its learning rate was planned to reach 0 "
            f"at step {stored.training.steps}; start a new run"
        )
    return config


def read_config(path: str | Path) -> Config:
    """The configuration a run was made from."""
    run = RunDir.open(path)
    return validate(Config, run.read_config(), str(run.config))


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
