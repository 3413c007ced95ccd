"""From a configuration to data, translator and results: the one module that knows all floors."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from tf_translate.config.load import apply_overrides, load, validate
from tf_translate.config.schema import Config
from tf_translate.config.settings import MethodSettings
from tf_translate.core.optimizers import make_optimizer
from tf_translate.core.schedules import LinearDecay
from tf_translate.core.signature import Signature
from tf_translate.core.terms import with_weights
from tf_translate.core.translator import Translator
from tf_translate.data.pipeline import ImageData, open_data
from tf_translate.errors import ConfigError, RunError
from tf_translate.methods import registry
from tf_translate.training import loop
from tf_translate.training.run_dir import RunDir
from tf_translate.training.strategy import make_strategy

_SAMPLE_IMAGES = 8
_MAY_CHANGE = {"steps", "log_every", "sample_every", "checkpoint_every", "keep_checkpoints"}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A run read back.

    Attributes:
        run: Its directory.
        config: What it was made from.
        translator: With averaged weights in place, if the run kept any.
        data: Its images.
    """

    run: RunDir
    config: Config
    translator: Translator
    data: ImageData


def resolve(source: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a configuration and checks every part of it, the method's own too.

    Raises:
        UnknownMethodError: If there is no such method or preset.
        ConfigError: If a key or value is not allowed.
    """
    config = load(source, overrides)
    _method_settings(config, source)
    return config


def paper_model(method: str, size: tuple[int, int] = (256, 256)) -> Translator:
    """The method with its paper's settings on colour images, for describing it."""
    translator, settings = registry.find(method).load()
    return translator.from_settings(settings(), (*size, 3), (*size, 3))


def train(config: Config, path: str | Path, *, resume: bool, console: Console) -> bool:
    """Trains a run from its start or from its newest checkpoint.

    Args:
        config: A resolved configuration; when resuming, that of the run.
        path: The run's directory; must be new or empty unless resuming.
        resume: Whether to go on with a run that exists.
        console: Shows the progress.

    Returns:
        True when done, False when interrupted with everything saved.

    Raises:
        DataError: If the images do not fit.
        RunError: If the directory is not free, or not a run when resuming.
        TrainingError: If a loss is no longer finite.
    """
    registry.find(config.method).load()  # registers its classes, which a checkpoint needs
    if not resume and Path(path).exists():
        RunDir.check_free(path)  # before minutes go into reading images
    data = open_data(config.data, paired=_is_paired(config))
    for skipped in data.skipped:
        console.print(f"skipped {skipped}", highlight=False)
    run = RunDir.open(path) if resume else RunDir.create(path, config.model_dump(mode="json"))
    strategy = make_strategy(config.training.devices)
    keras.utils.set_random_seed(config.training.seed)
    keras.mixed_precision.set_global_policy(config.training.precision)
    with strategy.scope():
        translator = loop.resume(run, lambda: build(config))
    return loop.train(
        translator,
        lambda step: data.training(
            batch_size=config.training.batch_size, seed=config.training.seed, start_step=step
        ),
        run=run,
        schedule=_schedule(config),
        sample=_sample(data),
        console=console,
    )


def resumed_config(path: str | Path, source: str, overrides: Sequence[str]) -> Config:
    """The configuration of a run that is to go on, with changes that cannot hurt it.

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
        raise ConfigError(f"--resume goes on with the run's settings; it takes only {allowed}")
    if "steps" in changed and stored.training.decay != "none":
        raise ConfigError(
            f"training.steps of {path} cannot change: its learning rate was planned to reach 0 "
            f"at step {stored.training.steps}; start a new run"
        )
    return config


def build(config: Config) -> Translator:
    """Builds and compiles the translator of a configuration.

    Raises:
        ConfigError: If its networks cannot be built for images of `data.size`.
    """
    translator_class, _ = registry.find(config.method).load()
    settings = _method_settings(config, "the configuration")
    shape_a = (*config.data.size, config.data.channels_a)
    shape_b = (*config.data.size, config.data.channels_b)
    try:
        translator = translator_class.from_settings(
            settings, shape_a, shape_b, term_weights=config.terms
        )
    except ValueError as error:
        raise ConfigError(
            f"{config.method} cannot be built for images {shape_a} and {shape_b}: {error}"
        ) from error
    training = config.training
    optimizer = settings.optimizer.model_dump()
    translator.compile(
        {
            player.name: make_optimizer(
                optimizer,
                learning_rate=_decay(training, optimizer["learning_rate"]),
                average=training.average if player.averaged else 0.0,
            )
            for player in translator.players
        },
        steps_per_execution=training.steps_per_execution,
    )
    return translator


def read_config(path: str | Path) -> Config:
    """The configuration a run was made from."""
    run = RunDir.open(path)
    return validate(Config, run.read_config(), str(run.config))


def load_trained(path: str | Path) -> Trained:
    """Reads a run back for evaluating, exporting or translating.

    Raises:
        RunError: If there is no run or it holds no model yet.
        DataError: If its images are gone.
    """
    config = read_config(path)
    translator = load_model(path)
    return Trained(
        RunDir.open(path), config, translator, open_data(config.data, paired=_is_paired(config))
    )


def load_model(path: str | Path) -> Translator:
    """The translator of a run, in float32 and ready for inference.

    Raises:
        RunError: If there is no run, it holds no model yet or the model cannot be read.
    """
    config = read_config(path)
    file = RunDir.open(path).finished_model()
    registry.find(config.method).load()  # registers its classes
    try:
        translator = keras.models.load_model(file)
    except (ValueError, OSError, TypeError) as error:
        raise RunError(f"{file} cannot be read: {error}") from error
    translator.use_averaged_weights()
    return translator if config.training.precision == "float32" else _in_float32(translator, config)


def _in_float32(trained: Translator, config: Config) -> Translator:
    """The same weights in networks that compute in float32, as devices do."""
    keras.mixed_precision.set_global_policy("float32")
    plain = build(config)
    names = {name for player in plain.players for name in player.networks}
    for name in names:
        getattr(plain, name).set_weights(getattr(trained, name).get_weights())
    plain.steps_taken.assign(trained.steps_taken)
    return plain


def pick_signature(translator: Translator, name: str | None) -> Signature:
    """The signature of that name; without a name, the only one.

    Raises:
        ConfigError: If there is none of that name, or several and no name is given.
    """
    signatures = translator.signatures()
    if name is None and len(signatures) == 1:
        return next(iter(signatures.values()))
    if name not in signatures:
        raise ConfigError(f"--signature must be one of {', '.join(signatures)}, got {name}")
    return signatures[name]


def golden_images(trained: Trained, count: int) -> dict[str, dict[str, np.ndarray]]:
    """Held-out images to verify each signature with: `{signature: {input: batch}}`."""
    a, b = trained.data.arrays(_held_out(trained.data), limit=count)
    sides = {"a_to_b": a, "b_to_a": b}
    return {
        name: {signature.inputs[0].name: sides[name]}
        for name, signature in trained.translator.signatures().items()
        if name in sides
    }


def source_of(trained: Trained) -> dict[str, object]:
    """What a bundle was made from, for its manifest."""
    return {
        "run": trained.run.path.name,
        "step": int(trained.translator.steps_taken.numpy()),
        "config": trained.config.model_dump(mode="json"),
        "data_fingerprint": trained.data.fingerprint,
    }


def _method_settings(config: Config, origin: str) -> MethodSettings:
    translator, settings = registry.find(config.method).load()
    try:
        with_weights(translator.terms, config.terms)
    except ValueError as error:
        raise ConfigError(f"{origin}: terms: {error}") from error
    return validate(settings, config.model, origin, prefix="model.")


def _is_paired(config: Config) -> bool:
    return registry.find(config.method).layout == "paired"


def _decay(training, rate: float) -> LinearDecay | None:
    if training.decay == "none":
        return None
    constant = int(training.steps * training.decay_start)
    return LinearDecay(rate, constant, training.steps - constant)


def _schedule(config: Config) -> loop.Schedule:
    names = [field.name for field in dataclasses.fields(loop.Schedule)]
    return loop.Schedule(**{name: getattr(config.training, name) for name in names})


def _sample(data: ImageData) -> dict[str, np.ndarray]:
    """A few images that training does not see, to watch."""
    split = "validation" if "validation" in data.splits else _held_out(data)
    a, b = data.arrays(split, limit=_SAMPLE_IMAGES)
    return {"a": a, "b": b}


def _held_out(data: ImageData) -> str:
    """The split that results are measured on."""
    return next(split for split in ("test", "validation", "train") if split in data.splits)
