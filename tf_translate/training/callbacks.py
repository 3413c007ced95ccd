"""What happens beside the steps: rows of losses, images, checkpoints, a clean stop."""

import json
import math
import signal
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tf_translate.images import write
from tf_translate.training.error_messages import diverged, writing
from tf_translate.training.failure_checks import Shown
from tf_translate.training.run_dir import RunDir
from tf_translate.training.tensorboard_summaries import at, write_scalars


class StepCallback(keras.callbacks.Callback):
    """Knows the step: counted over the whole run, whatever `fit` counts."""

    def set_model(self, model):
        """Remembers where training goes on from."""
        super().set_model(model)
        self.step = self.start = int(model.steps_taken.numpy())

    def on_train_batch_end(self, batch, logs=None):
        """Calls `after` with the steps before and after this execution."""
        before, self.step = self.step, int(self.model.steps_taken.numpy())
        self.after(before, self.step, logs or {})

    def after(self, before: int, step: int, logs: dict) -> None:
        """What to do when `step` has been taken."""
        raise NotImplementedError

    def release(self) -> None:
        """Gives back what it holds, however training ended; safe to call twice."""


def crossed(before: int, step: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (before, step]."""
    return step // every > before // every


class Losses(StepCallback):
    """Checks the losses, and starts their means anew wherever a row of them is due.

    A row is also due wherever a checkpoint is, so that a resumed run writes the very rows an
    unbroken one writes.

    Raises:
        TrainingError: If a loss is not finite; nothing is saved after that.
    """

    def __init__(self, run: RunDir, *, every: int, checkpoint_every: int):
        super().__init__()
        self.run = run
        self.every = every
        self.checkpoint_every = checkpoint_every

    def on_train_batch_begin(self, batch, logs=None):
        """Asks the coming execution, on every worker, for what costs something if a row is due."""
        self.model.gradient_norms.ask(
            self._due(self.step, self.step + self.model.steps_per_execution)
        )

    def after(self, before, step, logs):
        """Checks the losses, and notes a row when one is due."""
        values = {name: float(value) for name, value in logs.items()}
        self._check_finite(values, step)
        if self._due(before, step):
            self.note(step, values)
            self.model.reset_metrics()

    def note(self, step: int, values: dict[str, float]) -> None:
        """Writes nothing here: a worker that is not the chief only keeps step with it."""

    def _due(self, before: int, step: int) -> bool:
        return any(crossed(before, step, n) for n in (self.every, self.checkpoint_every))

    def _check_finite(self, values: dict[str, float], step: int) -> None:
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if broken:
            losses = "the loss" if len(broken) == 1 else "the losses"
            is_ = "is" if len(broken) == 1 else "are"
            raise diverged(self.run, step, f"{losses} {', '.join(broken)} {is_}")


class History(Losses):
    """Writes the mean losses since the last row to `history.jsonl` and TensorBoard.

    With them the metrics of `Diagnostics`: rates, lengths of gradients and weights, discriminators' leads.

    Args:
        run: Holds `history.jsonl`.
        writer: TensorBoard's.
        every, checkpoint_every: Steps from row to row, and from checkpoint to checkpoint.
        show: Shows step, steps a second and losses.
        look: Looks at step and metrics of a row.
    """

    def __init__(
        self,
        run: RunDir,
        writer,
        *,
        every: int,
        checkpoint_every: int,
        show: Callable,
        look: Callable[[int, dict], None],
    ):
        super().__init__(run, every=every, checkpoint_every=checkpoint_every)
        self.writer = writer
        self.show = show
        self.look = look

    def on_train_begin(self, logs=None):
        """Starts the clock."""
        self.last_time, self.last_step = time.monotonic(), self.step

    def note(self, step, values):
        """Writes the row."""
        leads = self.model.discriminator_skills(values)
        metrics = {**leads, **self.model.player_diagnostics(self.model.active_players())}
        with writing(self.run, self.run.history, step), self.run.history.open("a") as file:
            file.write(json.dumps({"step": step, **values, **metrics}) + "\n")
        now = time.monotonic()
        rate = (step - self.last_step) / max(now - self.last_time, 1e-9)
        self.last_time, self.last_step = now, step
        speed = {"speed/steps_per_second": rate}
        with writing(self.run, self.run.logs, step):
            write_scalars(self.writer, step, {**values, **metrics, **speed})
        self.show(step, rate, values)
        self.look(step, metrics)


class Samples(StepCallback):
    """Writes a image of the same few images every so many steps, to TensorBoard too.

    Args:
        run: Holds the images.
        writer: TensorBoard's.
        render: Makes the image, and tells what is on it.
        every: Steps from one to the next.
        look: Looks at step and what is on the image.
    """

    def __init__(
        self,
        run: RunDir,
        writer,
        render: Callable[[], tuple[np.ndarray, list[Shown]]],
        *,
        every: int,
        look: Callable[[int, list[Shown]], None],
    ):
        super().__init__()
        self.run = run
        self.writer = writer
        self.render = render
        self.look = look
        self.every = every

    def after(self, before, step, logs):
        """Writes the image when one is due."""
        if crossed(before, step, self.every):
            self._write(step)

    def on_train_end(self, logs=None):
        """Writes how it ended."""
        self._write(self.step)

    def _write(self, step):
        path = self.run.samples / f"step-{step:08d}.png"
        if path.exists():
            return
        rendered, shown = self.render()
        with writing(self.run, path, step):
            write(path, rendered)
        with writing(self.run, self.run.logs, step), at(self.writer, step):
            tf.summary.image("samples", rendered[None])
        self.look(step, shown)


class Interrupts(StepCallback):
    """Turns Ctrl-C and SIGTERM into a stop after the present step, of all workers at once.

    Stands ahead of what saves, which looks at the model's `stop_training`.

    Args:
        anyone: Tells all workers whether one of them was interrupted.
        enough: Whether training is to stop for another reason; asked at each step.
    """

    def __init__(self, anyone: Callable[[bool], bool], enough: Callable[[], bool]):
        super().__init__()
        self.anyone = anyone
        self.enough = enough
        self.interrupted = False
        self._handlers: dict = {}

    def on_train_begin(self, logs=None):
        """Listens from now on."""
        if self._handlers:  # a later stage of the same run
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, self._interrupt)

    def after(self, before, step, logs):
        """Stops when interrupted."""
        if self.anyone(self.interrupted or self.enough()):
            self.model.stop_training = True

    def release(self) -> None:
        """Puts back the signal handlers that were there before."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _interrupt(self, number, frame):
        self.interrupted = True
        self.release()  # a second Ctrl-C stops at once


class Checkpoints(StepCallback):
    """Saves everything every so many steps, and when training is to stop."""

    def __init__(self, run: RunDir, *, every: int, keep: int):
        super().__init__()
        self.run = run
        self.every = every
        self.keep = keep

    def after(self, before, step, logs):
        """Saves when due."""
        if crossed(before, step, self.every) or self.model.stop_training:
            self._check_weights(step)
            with writing(self.run, self.run.checkpoint(step), step):
                self.run.save_checkpoint(self.model.save, step, self.keep)

    def _check_weights(self, step: int) -> None:
        # A loss is computed before its update: weights may break a step before it shows.
        broken = [
            variable.path
            for variable in self.model.trainable_variables
            if not np.isfinite(variable.numpy()).all()
        ]
        if broken:
            raise diverged(self.run, step, f"the weights {broken[0]} are")
