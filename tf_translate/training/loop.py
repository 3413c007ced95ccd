"""The training of a run, from its first step or its last checkpoint to `model.keras`."""

import contextlib
import datetime
import functools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from tf_translate.training.checkpoint_selection import Assessments, Measure, assess, exhausted
from tf_translate.training.error_messages import compiling, reading, writing
from tf_translate.training.failure_monitor import FailureMonitor
from tf_translate.training.preview_images import sample_grid
from tf_translate.training.progress import ProgressBar
from tf_translate.training.run_dir import RunDir, is_whole
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


def resume(
    run: RunDir, build: Callable[[], Translator], tell: Callable[[str], None] = lambda _: None
) -> Translator:
    """Loads the newest checkpoint of a run that can be read, or builds anew if it wrote none.

    Weights, optimizer state, pools, noise counters and the step all come from the file. After a
    kill the rows that follow are those of an unbroken run; after a polite stop the first one
    averages only the steps since the stop. `run.tidy` drops the rows past it.

    Args:
        run: The run.
        build: Makes its translator.
        tell: Gets a sentence on where it goes on, and on each checkpoint that cannot be read.

    Raises:
        RunError: If there are checkpoints, but none can be read.
    """
    reasons = []
    for path in run.newest_first():
        try:
            translator = _loaded(path)
        except RunError as error:
            reasons.append(str(error))
            continue
        for reason in reasons:
            tell(f"{reason}; the one before is taken")
        tell(f"going on from step {_step(translator)}: {path}")
        return translator
    if reasons:
        raise RunError(
            f"no checkpoint in {run.checkpoints} can be read: {'; '.join(reasons)}. Put a copy "
            "back, or remove that folder and --resume begins the run at step 0"
        )
    tell(f"{run.path} has no checkpoint yet: it begins at step 0")
    return build()


def _loaded(path: Path) -> Translator:
    """The translator of a checkpoint; RunError if it is broken."""
    if not is_whole(path):
        raise RunError(f"the checkpoint {path} is broken (cut off, or its checksum is wrong)")
    try:
        return keras.models.load_model(path)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise RunError(f"the checkpoint {path} cannot be read: {error}") from error


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
        RunError: If the run cannot be written any more, as on a full disk.
        DataError: If a image that is yet to be read is gone.
    """
    workers = Workers(translator.distribute_strategy)
    start = _step(translator)
    left = start < schedule.steps and not _enough(run, schedule, workers)
    if left and workers.chief:
        render = functools.partial(sample_grid, translator, sample)
        with _writing(run, schedule, start, console, render, measure) as callbacks:
            _fit(translator, batches, run, schedule, workers, callbacks)
    elif left:
        losses = Losses(run, every=schedule.log_every, checkpoint_every=schedule.checkpoint_every)
        _fit(translator, batches, run, schedule, workers, [losses])
    step = _step(translator)
    early = step < schedule.steps and _enough(run, schedule, workers)
    done = early or step >= schedule.steps
    if done and workers.chief:
        with writing(run, run.checkpoint(step), step):
            run.finish(translator.save, step, schedule.keep_checkpoints)
        with writing(run, run.model, step):
            if early:
                _say_enough(run, step, schedule, console)
            elif measure is not None:
                assess(run, step, measure)
            run.deliver(step)
    workers.anyone(False)  # nobody leaves before the chief has written
    return done


def _enough(run: RunDir, schedule: Schedule, workers: Workers) -> bool:
    """Whether patience is at an end, as the chief's metrics tell all workers."""
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
    run: RunDir,
    schedule: Schedule,
    start: int,
    console: Console,
    render: Callable,
    measure: Measure | None,
) -> Iterator[list[keras.callbacks.Callback]]:
    """What the chief does beside the steps; losses first: they stop a run before it is saved."""
    bar = ProgressBar(schedule.steps, console)
    with writing(run, run.logs, start):
        writer = tf.summary.create_file_writer(str(run.logs))
    watcher = FailureMonitor(run, writer, console)
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
            look=watcher.look_at_images,
        ),
        Checkpoints(run, every=every, keep=schedule.keep_checkpoints),
    ]
    if measure is not None:
        patience = schedule.patience
        callbacks.append(Assessments(run, writer, measure, every=every, patience=patience))
    try:
        yield [*callbacks, bar]
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):  # what failed first is told
            writer.close()
        raise
    else:
        with writing(run, run.logs, callbacks[0].step):
            writer.close()
    finally:
        bar.stop()


def _fit(
    translator: Translator, batches, run: RunDir, schedule: Schedule, workers: Workers, callbacks
) -> None:
    """Takes the steps that are left, and notes on the chief what trained them."""
    start, began = _step(translator), time.monotonic()
    assessments = [each for each in callbacks if isinstance(each, Assessments)]
    interrupts = Interrupts(workers.anyone, lambda: any(each.enough for each in assessments))
    step = functools.partial(_step, translator)
    try:
        with reading(run, step), compiling(run, translator.jit_compile):
            _fit_stages(translator, batches, schedule.stages, [interrupts, *callbacks])
    except BaseException:
        with contextlib.suppress(OSError):  # what failed first is told
            _note_session(run, start, step(), began, workers)
        raise
    else:
        with writing(run, run.sessions, step()):
            _note_session(run, start, step(), began, workers)
    finally:
        interrupts.release()


def _step(translator: Translator) -> int:
    return int(translator.steps_taken.numpy())


def _fit_stages(translator: Translator, batches, stages, callbacks) -> None:
    """Takes the steps that are left of each stage, unless asked to stop; never goes back."""
    names = [name for name, _ in stages]
    for stage, end in stages[names.index(translator.stage) :]:
        step = _step(translator)
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


def _note_session(run: RunDir, start: int, end: int, began: float, workers: Workers) -> None:
    """Adds a line on what trained when, for how long, with which versions; the chief does."""
    if not workers.chief:
        return
    line = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "from_step": start,
        "to_step": end,
        "seconds": round(time.monotonic() - began, 1),
        "workers": workers.count,
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
