"""Training a run, from its start or from where it stopped."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.data.pipeline import ImageData, open_data
from tf_translate.experiment.build import build
from tf_translate.experiment.trained import held_out
from tf_translate.methods import registry
from tf_translate.training import loop
from tf_translate.training.run_dir import RunDir
from tf_translate.training.strategy import make_strategy

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
        DataError: If the images do not fit.
        RunError: If the directory is not free, or not a run when resuming.
        TrainingError: If a loss is no longer finite.
    """
    registry.find(config.method).load()  # registers its classes, which a checkpoint needs
    if not resume and Path(path).exists():
        RunDir.check_free(path)  # before minutes go into reading images
    data = open_data(config.data, paired=registry.find(config.method).layout == "paired")
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


def _schedule(config: Config) -> loop.Schedule:
    names = [field.name for field in dataclasses.fields(loop.Schedule)]
    return loop.Schedule(**{name: getattr(config.training, name) for name in names})


def _sample(data: ImageData) -> dict[str, np.ndarray]:
    """A few images that training does not see, to watch."""
    split = "validation" if "validation" in data.splits else held_out(data)
    a, b = data.arrays(split, limit=_SAMPLE_IMAGES)
    return {"a": a, "b": b}
