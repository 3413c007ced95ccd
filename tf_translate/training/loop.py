"""The training loop, from the first step or the last checkpoint to `model.keras`."""

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
from tf_translate.errors import DataError, RunError
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.training.callbacks import (
    CheckpointWriter,
    GracefulStop,
    HistoryWriter,
    LossCheck,
    PreviewWriter,
)
from tf_translate.training.checkpoint_selection import (
    CheckpointAssessment,
    MeasureCheckpoint,
    assess_checkpoint,
    patience_exhausted,
)
from tf_translate.training.error_messages import (
    explain_read_errors,
    explain_write_errors,
    explain_xla_errors,
)
from tf_translate.training.failure_monitor import FailureMonitor
from tf_translate.training.preview_images import preview_grid
from tf_translate.training.progress import ProgressBar, TimeEstimate, warning_console
from tf_translate.training.run_dir import RunDir, is_intact, shorten
from tf_translate.training.time_budget import TimeBudget, seconds_used
from tf_translate.training.workers import Workers
from tf_translate.version import __version__


@dataclass(frozen=True)
class Schedule:
    """How long to train and how often to write; all in steps.

    Attributes:
        stages: The method's stages in order, each with the step at which it ends.
        log_every, sample_every, checkpoint_every: Steps between rows, previews and checkpoints.
        keep_checkpoints: How many of the newest checkpoints are kept.
        patience: Assessed checkpoints without an improvement until training stops; 0: never.
        seconds: Wall-clock time of all sessions after which training ends; None: no limit.
    """

    stages: Sequence[tuple[str, int]]
    log_every: int
    sample_every: int
    checkpoint_every: int
    keep_checkpoints: int
    patience: int = 0
    seconds: float | None = None

    @property
    def steps(self) -> int:
        """Total number of steps."""
        return self.stages[-1][1]


def resume(
    run: RunDir, build: Callable[[], Translator], report: Callable[[str], None] = lambda _: None
) -> Translator:
    """Loads the newest readable checkpoint of a run, or builds the translator if there is none.

    The file holds weights, optimizer state, image pools, noise counters and the step. After a
    kill the following rows are those of an uninterrupted run. After a graceful stop the first row
    averages only the steps since the stop. `RunDir.discard_after` drops the rows past the step.

    Args:
        run: The run.
        build: Builds its translator.
        report: Called with a sentence about the step to resume from, about each checkpoint that
            cannot be read, and about other files beside them.

    Raises:
        RunError: If there are checkpoints, but none can be read, or the best one is broken.
    """
    run.best_checkpoint()  # a broken one ends here, not at the next assessment
    ignored = run.ignored_checkpoints()
    if ignored:
        report(f"ignored in {run.checkpoints}, as training has not written it: {shorten(ignored)}")
    reasons = []
    for path in run.checkpoints_newest_first():
        try:
            translator = _load_checkpoint(path)
        except RunError as error:
            reasons.append(str(error))
            continue
        for reason in reasons:
            report(f"{reason}; using the previous one")
        report(f"resuming from step {_step(translator)}: {path}")
        return translator
    if reasons:
        raise RunError(
            f"no checkpoint in {run.checkpoints} can be read: {'; '.join(reasons)}. Restore a "
            "copy, or delete that folder so that --resume starts at step 0"
        )
    report(f"{run.path} has no checkpoint yet: starting at step 0")
    return build()


def _load_checkpoint(path: Path) -> Translator:
    """The translator of a checkpoint; RunError if the file is broken."""
    if not is_intact(path):
        raise RunError(f"the checkpoint {path} is broken (truncated or with a wrong checksum)")
    try:
        return load_keras_file(path)
    except DataError as error:
        raise RunError(f"the checkpoint {error}") from error


def train(
    translator: Translator,
    batches: Callable[[int], tf.data.Dataset],
    *,
    run: RunDir,
    schedule: Schedule,
    sample: Mapping[str, np.ndarray],
    console: Console,
    measure: MeasureCheckpoint | None = None,
) -> bool:
    """Takes the remaining steps and writes `model.keras`.

    Only the chief writes. All workers stop at the same step.

    Args:
        translator: Compiled; its `steps_taken` is the step to continue from.
        batches: Returns the endless training data from a step on.
        run: The directory for everything that is written.
        schedule: How long and how often.
        sample: A few images to translate for the previews.
        console: Shows the progress.
        measure: Scores a checkpoint; the best one becomes `model.keras`. None: the last one does.

    Returns:
        True when done, also if patience or `Schedule.seconds` ended it; False when interrupted,
        with a checkpoint.

    Raises:
        TrainingError: If a loss is no longer finite.
        RunError: If the run can no longer be written, as on a full disk.
        DataError: If an image can no longer be read.
    """
    workers = Workers(translator.distribute_strategy)
    start_step = _step(translator)
    budget = _time_budget(run, schedule, start_step) if workers.is_chief else None
    unfinished = (
        start_step < schedule.steps
        and not _should_stop_early(run, schedule, workers)
        and not _is_time_up(budget, workers)
    )
    if unfinished and workers.is_chief:
        render = functools.partial(preview_grid, translator, sample)
        with _chief_callbacks(run, schedule, start_step, console, render, measure) as callbacks:
            if budget is not None:
                callbacks.append(budget)
            _fit(translator, batches, run, schedule, workers, callbacks)
    elif unfinished:
        loss_check = LossCheck(
            run, interval=schedule.log_every, checkpoint_interval=schedule.checkpoint_every
        )
        _fit(translator, batches, run, schedule, workers, [loss_check])
    step = _step(translator)
    stopped_early = step < schedule.steps and _should_stop_early(run, schedule, workers)
    is_time_up = step < schedule.steps and _is_time_up(budget, workers)
    done = stopped_early or is_time_up or step >= schedule.steps
    if done and workers.is_chief:
        with explain_write_errors(run, run.checkpoint(step), step):
            run.ensure_checkpoint(translator.save, step, schedule.keep_checkpoints)
        with explain_write_errors(run, run.model, step):
            if stopped_early:
                _report_early_stop(run, step, schedule, warning_console(console))
            elif measure is not None:
                assess_checkpoint(run, step, measure)
            if is_time_up:
                _report_time_up(step, schedule, console)
            run.write_model(step)
    workers.any_worker(False)  # no worker exits before the chief has written
    return done


def _should_stop_early(run: RunDir, schedule: Schedule, workers: Workers) -> bool:
    """Whether patience is exhausted; all workers use the chief's answer."""
    exhausted = workers.is_chief and patience_exhausted(run.assessments(), schedule.patience)
    return workers.any_worker(exhausted)


def _time_budget(run: RunDir, schedule: Schedule, start_step: int) -> TimeBudget | None:
    if schedule.seconds is None:
        return None
    return TimeBudget(
        run,
        seconds=schedule.seconds,
        interval=schedule.checkpoint_every,
        used=seconds_used(run, start_step),
    )


def _is_time_up(budget: TimeBudget | None, workers: Workers) -> bool:
    """Whether the budget is used up; all workers use the chief's answer."""
    return workers.any_worker(budget is not None and budget.is_exhausted)


def _report_time_up(step: int, schedule: Schedule, console: Console) -> None:
    minutes = (schedule.seconds or 0.0) / 60
    console.print(
        f"stopped at step {step} of {schedule.steps}: the {minutes:g} minutes of training.minutes "
        "are used up",
        highlight=False,
        soft_wrap=True,
    )


def _report_early_stop(run: RunDir, step: int, schedule: Schedule, console: Console) -> None:
    best = max(run.assessments(), key=lambda row: row["score"])
    console.print(
        f"stopped at step {step} of {schedule.steps}: the last {schedule.patience} assessed "
        f"checkpoints are no better than step {best['step']} (score {best['score']:.3f}), which "
        "becomes model.keras; to continue, raise training.patience with --resume",
        highlight=False,
        soft_wrap=True,
    )


@contextlib.contextmanager
def _chief_callbacks(
    run: RunDir,
    schedule: Schedule,
    start_step: int,
    console: Console,
    render: Callable,
    measure: MeasureCheckpoint | None,
) -> Iterator[list[keras.callbacks.Callback]]:
    """The callbacks of the chief. Losses are checked before anything is saved."""
    bar = ProgressBar(schedule.steps, console)
    with explain_write_errors(run, run.logs, start_step):
        writer = tf.summary.create_file_writer(str(run.logs))
    monitor = FailureMonitor(run, writer, warning_console(console))
    interval = schedule.checkpoint_every
    callbacks = [
        HistoryWriter(
            run,
            writer,
            interval=schedule.log_every,
            checkpoint_interval=interval,
            show_progress=bar.show,
            check_metrics=monitor.check_metrics,
        ),
        PreviewWriter(
            run,
            writer,
            render,
            interval=schedule.sample_every,
            check_images=monitor.check_images,
        ),
        CheckpointWriter(run, interval=interval, keep=schedule.keep_checkpoints),
    ]
    if measure is not None:
        patience = schedule.patience
        callbacks.append(
            CheckpointAssessment(run, writer, measure, interval=interval, patience=patience)
        )
    try:
        yield [*callbacks, TimeEstimate(schedule.stages, console), bar]
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):  # only the first failure is reported
            writer.close()
        raise
    else:
        with explain_write_errors(run, run.logs, callbacks[0].step):
            writer.close()
    finally:
        bar.stop()


def _fit(
    translator: Translator, batches, run: RunDir, schedule: Schedule, workers: Workers, callbacks
) -> None:
    """Takes the remaining steps, and records the session on the chief."""
    start_step, start_time = _step(translator), time.monotonic()
    assessments = [each for each in callbacks if isinstance(each, CheckpointAssessment)]
    budgets = [each for each in callbacks if isinstance(each, TimeBudget)]
    graceful_stop = GracefulStop(
        workers.any_worker,
        lambda: (
            any(each.should_stop for each in assessments)
            or any(each.is_exhausted for each in budgets)
        ),
    )
    current_step = functools.partial(_step, translator)
    try:
        with (
            explain_read_errors(run, current_step),
            explain_xla_errors(run, translator.jit_compile),
        ):
            _fit_stages(translator, batches, schedule.stages, [graceful_stop, *callbacks])
    except BaseException:
        with contextlib.suppress(OSError):  # only the first failure is reported
            _record_session(run, start_step, current_step(), start_time, workers)
        raise
    else:
        with explain_write_errors(run, run.sessions_file, current_step()):
            _record_session(run, start_step, current_step(), start_time, workers)
    finally:
        graceful_stop.restore_handlers()


def _step(translator: Translator) -> int:
    return int(translator.steps_taken.numpy())


def _fit_stages(translator: Translator, batches, stages, callbacks) -> None:
    """Takes the remaining steps of each stage unless stopped; never returns to an earlier one."""
    names = [name for name, _ in stages]
    for stage, end_step in stages[names.index(translator.stage) :]:
        step = _step(translator)
        if step >= end_step:
            continue
        if translator.stage != stage:
            translator.enter_stage(stage)
        translator.fit(
            batches(step),
            steps_per_epoch=end_step - step,
            epochs=1,
            verbose=0,
            shuffle=False,
            callbacks=callbacks,
        )
        if translator.stop_training:
            return


def _record_session(
    run: RunDir, start_step: int, end_step: int, start_time: float, workers: Workers
) -> None:
    """Appends a row on this session: steps, duration, hardware and versions. Only on the chief."""
    if not workers.is_chief:
        return
    row = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "from_step": start_step,
        "to_step": end_step,
        "seconds": round(time.monotonic() - start_time, 1),
        "workers": workers.count,
        "processor_cores": os.cpu_count(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "versions": {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "tf_translate": __version__,
        },
    }
    with run.sessions_file.open("a") as file:
        file.write(json.dumps(row) + "\n")
