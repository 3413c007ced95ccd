"""The training of a run, from its first step or its last checkpoint to `model.keras`."""

import contextlib
import datetime
import functools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from tf_translate.core.translator import Translator
from tf_translate.errors import RunError
from tf_translate.training.callbacks import (
    Checkpoints,
    History,
    Interrupts,
    Losses,
    Samples,
)
from tf_translate.training.choice import Assessments, Measure, assess, exhausted
from tf_translate.training.progress import ProgressBar
from tf_translate.training.run_dir import RunDir
from tf_translate.training.samples import sample_grid
from tf_translate.training.watcher import Watcher
from tf_translate.training.workers import Workers
from tf_translate.version import __version__


@dataclass(frozen=True)
class Schedule:
    """How long to train and how often to write; all in steps.

    `stages` are the method's stages in order, each with the step it ends at. `patience` counts
    measured checkpoints without a better one until training stops early; 0: never.
    """

    stages: Sequence[tuple[str, int]]
    log_every: int
    sample_every: int
    checkpoint_every: int
    keep_checkpoints: int
    patience: int = 0

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.stages[-1][1]


def resume(run: RunDir, build: Callable[[], Translator]) -> Translator:
    """Loads the newest whole checkpoint of a run, or builds anew if there is none.

    Weights, optimizer state, pools, noise counters and the step all come from the file. After a
    kill the rows that follow are those of an unbroken run; after a polite stop the first one
    averages only the steps since the stop. `run.tidy` drops the rows past it.

    Raises:
        RunError: If the checkpoint cannot be read.
    """
    newest = run.newest_checkpoint()
    try:
        translator = build() if newest is None else keras.models.load_model(newest)
    except (ValueError, TypeError, OSError) as error:
        raise RunError(f"the checkpoint {newest} cannot be read: {error}") from error
    return translator


def train(
    translator: Translator,
    batches: Callable[[int], tf.data.Dataset],
    *,
    run: RunDir,
    schedule: Schedule,
    sample: Mapping[str, np.ndarray],
    console: Console,
    measure: Measure | None = None,
) -> bool:
    """Takes the steps that are left and writes `model.keras`.

    Of several workers the chief alone writes; all of them stop at the same step.

    Args:
        translator: Compiled; its `steps_taken` says how far it is.
        batches: Gives the endless training data from a step on.
        run: Where everything is written.
        schedule: How long and how often.
        sample: A few images that are translated to be looked at.
        console: Shows the progress.
        measure: Scores a checkpoint; the best one becomes `model.keras`. None: the last one.

    Returns:
        True when done, also by patience; False when interrupted (a checkpoint was written).

    Raises:
        TrainingError: If a loss is no longer finite.
    """
    workers = Workers(translator.distribute_strategy)
    left = int(translator.steps_taken.numpy()) < schedule.steps
    left = left and not _enough(run, schedule, workers)
    if left and workers.chief:
        render = functools.partial(sample_grid, translator, sample)
        with _writing(run, schedule, console, render, measure) as callbacks:
            _fit(translator, batches, run, schedule, workers, callbacks)
    elif left:
        losses = Losses(run, every=schedule.log_every, checkpoint_every=schedule.checkpoint_every)
        _fit(translator, batches, run, schedule, workers, [losses])
    step = int(translator.steps_taken.numpy())
    early = step < schedule.steps and _enough(run, schedule, workers)
    done = early or step >= schedule.steps
    if done and workers.chief:
        run.finish(translator.save, step, schedule.keep_checkpoints)
        if early:
            _say_enough(run, step, schedule, console)
        elif measure is not None:
            assess(run, step, measure)
        run.deliver(step)
    workers.anyone(False)  # nobody leaves before the chief has written
    return done


def _enough(run: RunDir, schedule: Schedule, workers: Workers) -> bool:
    """Whether patience is at an end, as the chief's figures tell all workers."""
    return workers.anyone(workers.chief and exhausted(run.assessments(), schedule.patience))


def _say_enough(run: RunDir, step: int, schedule: Schedule, console: Console) -> None:
    best = max(run.assessments(), key=lambda row: row["score"])
    console.print(
        f"stopped at step {step} of {schedule.steps}: the last {schedule.patience} measured "
        f"checkpoints are no better than step {best['step']} (score {best['score']:.3f}), which "
        "becomes model.keras; to go on, raise training.patience with --resume",
        highlight=False,
        soft_wrap=True,
    )


@contextlib.contextmanager
def _writing(
    run: RunDir, schedule: Schedule, console: Console, render: Callable, measure: Measure | None
) -> Iterator[list[keras.callbacks.Callback]]:
    """What the chief does beside the steps; losses first: they stop a run before it is saved."""
    bar = ProgressBar(schedule.steps, console)
    writer = tf.summary.create_file_writer(str(run.logs))
    watcher = Watcher(run, writer, console)
    every = schedule.checkpoint_every
    callbacks = [
        History(
            run,
            writer,
            every=schedule.log_every,
            checkpoint_every=every,
            show=bar.show,
            look=watcher.look_at_row,
        ),
        Samples(
            run,
            writer,
            render,
            every=schedule.sample_every,
            look=watcher.look_at_pictures,
        ),
        Checkpoints(run, every=every, keep=schedule.keep_checkpoints),
    ]
    if measure is not None:
        patience = schedule.patience
        callbacks.append(Assessments(run, writer, measure, every=every, patience=patience))
    try:
        yield [*callbacks, bar]
    finally:
        bar.stop()
        writer.close()


def _fit(
    translator: Translator, batches, run: RunDir, schedule: Schedule, workers: Workers, callbacks
) -> None:
    """Takes the steps that are left, and notes on the chief what trained them."""
    start, began = int(translator.steps_taken.numpy()), time.monotonic()
    assessments = [each for each in callbacks if isinstance(each, Assessments)]
    interrupts = Interrupts(workers.anyone, lambda: any(each.enough for each in assessments))
    try:
        _fit_stages(translator, batches, schedule.stages, [interrupts, *callbacks])
    finally:
        interrupts.release()
        if workers.chief:
            end = int(translator.steps_taken.numpy())
            _note_session(run, start, end, began, workers.count)


def _fit_stages(translator: Translator, batches, stages, callbacks) -> None:
    """Takes the steps that are left of each stage, unless asked to stop; never goes back."""
    names = [name for name, _ in stages]
    for stage, end in stages[names.index(translator.stage) :]:
        step = int(translator.steps_taken.numpy())
        if step >= end:
            continue
        if translator.stage != stage:
            translator.enter_stage(stage)
        translator.fit(
            batches(step),
            steps_per_epoch=end - step,
            epochs=1,
            verbose=0,
            shuffle=False,
            callbacks=callbacks,
        )
        if translator.stop_training:
            return


def _note_session(run: RunDir, start: int, end: int, began: float, workers: int) -> None:
    """Adds a line on what trained when, for how long, with which versions."""
    line = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "from_step": start,
        "to_step": end,
        "seconds": round(time.monotonic() - began, 1),
        "workers": workers,
        "processor_cores": os.cpu_count(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "versions": {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "tf_translate": __version__,
        },
    }
    with run.sessions.open("a") as file:
        file.write(json.dumps(line) + "\n")
