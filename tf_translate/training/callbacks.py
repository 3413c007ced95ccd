"""Keras callbacks of training: history rows, preview images, checkpoints and a graceful stop."""

import json
import math
import signal
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tf_translate.images import write
from tf_translate.training.error_messages import divergence_error, explain_write_errors
from tf_translate.training.failure_checks import PreviewBatch
from tf_translate.training.run_dir import RunDir
from tf_translate.training.tensorboard_summaries import summaries_at, write_scalars


class StepCallback(keras.callbacks.Callback):
    """A callback that counts steps over the whole run, not over one call of `fit`."""

    def set_model(self, model):
        """Reads the step at which this call of `fit` starts."""
        super().set_model(model)
        self.step = self.start_step = int(model.steps_taken.numpy())

    def on_train_batch_end(self, batch, logs=None):
        """Calls `after_execution` with the steps before and after this execution."""
        previous_step, self.step = self.step, int(self.model.steps_taken.numpy())
        self.after_execution(previous_step, self.step, logs or {})

    def after_execution(self, previous_step: int, step: int, logs: dict) -> None:
        """Called after each execution, which takes one step or `steps_per_execution` steps."""
        raise NotImplementedError


def passes_multiple(previous_step: int, step: int, interval: int) -> bool:
    """Whether a multiple of `interval` lies in (previous_step, step]."""
    return step // interval > previous_step // interval


class LossCheck(StepCallback):
    """Checks that losses are finite, and resets their running means after each row.

    A row is also written with each checkpoint, so that a resumed run writes exactly the rows of
    an uninterrupted one. On workers other than the chief this class only keeps the same rhythm.

    Raises:
        TrainingError: If a loss is not finite; nothing is saved after that.
    """

    def __init__(self, run: RunDir, *, interval: int, checkpoint_interval: int):
        super().__init__()
        self.run = run
        self.interval = interval
        self.checkpoint_interval = checkpoint_interval

    def on_train_batch_begin(self, batch, logs=None):
        """Enables the gradient norms, which cost time, for an execution that ends in a row."""
        next_step = self.step + self.model.steps_per_execution
        self.model.gradient_norms.request(self._is_row_due(self.step, next_step))

    def after_execution(self, previous_step, step, logs):
        """Checks the losses, and writes a row if one is due."""
        losses = {name: float(value) for name, value in logs.items()}
        self._check_finite(losses, step)
        if self._is_row_due(previous_step, step):
            self.write_row(step, losses)
            self.model.reset_metrics()

    def write_row(self, step: int, losses: dict[str, float]) -> None:
        """Does nothing here: only the chief writes rows."""

    def _is_row_due(self, previous_step: int, step: int) -> bool:
        intervals = (self.interval, self.checkpoint_interval)
        return any(passes_multiple(previous_step, step, interval) for interval in intervals)

    def _check_finite(self, losses: dict[str, float], step: int) -> None:
        broken = [name for name, value in losses.items() if not math.isfinite(value)]
        if broken:
            noun, verb = ("the loss", "is") if len(broken) == 1 else ("the losses", "are")
            raise divergence_error(self.run, step, f"{noun} {', '.join(broken)} {verb}")


class HistoryWriter(LossCheck):
    """Writes the mean losses since the last row to `history.jsonl` and TensorBoard.

    A row also holds each player's diagnostics: learning rate, gradient norm, weight norm and, for
    discriminators, their skill or Wasserstein estimate.

    Args:
        run: Holds `history.jsonl`.
        writer: TensorBoard's summary writer.
        interval, checkpoint_interval: Steps between rows, and between checkpoints.
        show_progress: Called with the step, steps per second and the losses.
        check_metrics: Called with the step and the diagnostics of a row.
    """

    def __init__(
        self,
        run: RunDir,
        writer,
        *,
        interval: int,
        checkpoint_interval: int,
        show_progress: Callable,
        check_metrics: Callable[[int, dict], None],
    ):
        super().__init__(run, interval=interval, checkpoint_interval=checkpoint_interval)
        self.writer = writer
        self.show_progress = show_progress
        self.check_metrics = check_metrics

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self.last_time, self.last_step = time.monotonic(), self.step

    def write_row(self, step, losses):
        """Writes the row."""
        skills = self.model.discriminator_skills(losses)
        metrics = {**skills, **self.model.player_diagnostics(self.model.active_players())}
        path = self.run.history_file
        with explain_write_errors(self.run, path, step), path.open("a") as file:
            file.write(json.dumps({"step": step, **losses, **metrics}) + "\n")
        now = time.monotonic()
        steps_per_second = (step - self.last_step) / max(now - self.last_time, 1e-9)
        self.last_time, self.last_step = now, step
        speed = {"speed/steps_per_second": steps_per_second}
        with explain_write_errors(self.run, self.run.logs, step):
            write_scalars(self.writer, step, {**losses, **metrics, **speed})
        self.show_progress(step, steps_per_second, losses)
        self.check_metrics(step, metrics)


class PreviewWriter(StepCallback):
    """Writes a preview grid of the same few images at a fixed interval, also to TensorBoard.

    Args:
        run: Holds the images.
        writer: TensorBoard's summary writer.
        render: Returns the grid and the images on it.
        interval: Steps between previews.
        check_images: Called with the step and the images on the grid.
    """

    def __init__(
        self,
        run: RunDir,
        writer,
        render: Callable[[], tuple[np.ndarray, list[PreviewBatch]]],
        *,
        interval: int,
        check_images: Callable[[int, list[PreviewBatch]], None],
    ):
        super().__init__()
        self.run = run
        self.writer = writer
        self.render = render
        self.check_images = check_images
        self.interval = interval

    def after_execution(self, previous_step, step, logs):
        """Writes a preview if one is due."""
        if passes_multiple(previous_step, step, self.interval):
            self._write(step)

    def on_train_end(self, logs=None):
        """Writes a preview of the last step."""
        self._write(self.step)

    def _write(self, step):
        path = self.run.samples / f"step-{step:08d}.png"
        if path.exists():
            return
        grid, previews = self.render()
        with explain_write_errors(self.run, path, step):
            write(path, grid)
        with explain_write_errors(self.run, self.run.logs, step), summaries_at(self.writer, step):
            tf.summary.image("samples", grid[None])
        self.check_images(step, previews)


class GracefulStop(StepCallback):
    """Turns Ctrl-C and SIGTERM into a stop of all workers after the current step.

    It comes before the callbacks that save, because they read the model's `stop_training`.

    Args:
        any_worker: Tells all workers whether the flag is set on one of them.
        should_stop: Whether training should stop for another reason; called at each step.
    """

    def __init__(self, any_worker: Callable[[bool], bool], should_stop: Callable[[], bool]):
        super().__init__()
        self.any_worker = any_worker
        self.should_stop = should_stop
        self.interrupted = False
        self._previous_handlers: dict = {}

    def on_train_begin(self, logs=None):
        """Installs the signal handlers."""
        if self._previous_handlers:  # a later stage of the same run
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous_handlers[number] = signal.signal(number, self._interrupt)

    def after_execution(self, previous_step, step, logs):
        """Stops training if a worker was interrupted."""
        if self.any_worker(self.interrupted or self.should_stop()):
            self.model.stop_training = True

    def restore_handlers(self) -> None:
        """Restores the previous signal handlers; safe to call twice."""
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        self._previous_handlers = {}

    def _interrupt(self, number, frame):
        self.interrupted = True
        self.restore_handlers()  # a second Ctrl-C stops at once


class CheckpointWriter(StepCallback):
    """Saves a checkpoint at a fixed interval, and when training is about to stop."""

    def __init__(self, run: RunDir, *, interval: int, keep: int):
        super().__init__()
        self.run = run
        self.interval = interval
        self.keep = keep

    def after_execution(self, previous_step, step, logs):
        """Saves a checkpoint if one is due."""
        if passes_multiple(previous_step, step, self.interval) or self.model.stop_training:
            self._check_weights(step)
            with explain_write_errors(self.run, self.run.checkpoint(step), step):
                self.run.save_checkpoint(self.model.save, step, self.keep)

    def _check_weights(self, step: int) -> None:
        # A loss is computed before its update: weights can diverge one step before the loss.
        broken = [
            variable.path
            for variable in self.model.trainable_variables
            if not np.isfinite(variable.numpy()).all()
        ]
        if broken:
            raise divergence_error(self.run, step, f"the weights {broken[0]} are")
