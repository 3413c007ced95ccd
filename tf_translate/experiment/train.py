"""Training a run, from its start or from where it stopped."""

from pathlib import Path

import keras
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.core.translator import Translator
from tf_translate.data.pipeline import ImageData
from tf_translate.errors import ConfigError
from tf_translate.experiment.build import build, stage_ends
from tf_translate.experiment.choice import measure_of
from tf_translate.experiment.dataset import Data, held_out, open_for, preview
from tf_translate.methods import registry
from tf_translate.training import loop
from tf_translate.training.run_dir import RunDir
from tf_translate.training.strategy import batch_line, make_strategy

_SAMPLE_IMAGES = 8


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
        ConfigError: If the networks cannot be built for the images, or the batch does not
            divide by the devices.
        DataError: If the images do not fit.
        RunError: If the directory is not free, or not a run when resuming.
        TrainingError: If a loss is no longer finite.
    """
    registry.find(config.method).load()  # registers its classes, which a checkpoint needs
    if not resume and Path(path).exists():
        RunDir.check_free(path)  # before minutes go into reading images
    strategy = make_strategy(config.training.devices)  # before anything uses a device
    console.print(batch_line(strategy, config.training.batch_size), highlight=False)
    data = open_for(config)
    for skipped in data.skipped:
        console.print(f"skipped {skipped}", highlight=False)
    measure = measure_of(config, data, Path(path) / "classifiers", console.print)
    keras.utils.set_random_seed(config.training.seed)
    keras.mixed_precision.set_global_policy(config.training.precision)
    settings = config.model_dump(mode="json")
    with strategy.scope():
        if resume:
            run = RunDir.open(path)
            translator = loop.resume(run, lambda: build(config))
            run.write_config(settings)
        else:  # built first: settings that cannot be built must not claim the directory
            translator = build(config)
            _check_labels(config, translator, data)
            run = RunDir.create(path, settings)
    return loop.train(
        translator,
        lambda step: data.training(
            batch_size=config.training.batch_size * translator.batches_per_step,
            seed=config.training.seed,
            start_step=step,
        ),
        run=run,
        schedule=_schedule(config, translator),
        sample=preview(data, _watched(data), _SAMPLE_IMAGES),
        console=console,
        measure=measure,
    )


def _check_labels(config: Config, translator: Translator, data: Data) -> None:
    """Refuses data without the labels that a player learns from, or with other classes."""
    batch = data.training(batch_size=1, seed=0).element_spec
    for player in translator.players:
        missing = sorted(set(player.needs) - set(batch))
        if missing:
            raise ConfigError(
                f"the stage {player.stage!r} of {config.method} learns from {missing[0]}, but "
                f"{config.data.path} has no such labels: use a folder for each class, a table "
                "with that column, or give the trained network as model.features"
            )
    wanted = config.model.get("classes")
    if wanted is None or not isinstance(data, ImageData) or wanted == len(data.classes):
        return
    if any(player.needs for player in translator.players):
        raise ConfigError(
            f"model.classes must be the number of classes in {config.data.path}, "
            f"{len(data.classes)}, got {wanted}"
        )


def _schedule(config: Config, translator: Translator) -> loop.Schedule:
    training = config.training
    return loop.Schedule(
        stages=stage_ends(training, translator),
        log_every=training.log_every,
        sample_every=training.sample_every,
        checkpoint_every=training.checkpoint_every,
        keep_checkpoints=training.keep_checkpoints,
    )


def _watched(data: Data) -> str:
    """The split whose images are watched in training, which does not see them."""
    return "validation" if "validation" in data.splits else held_out(data)
