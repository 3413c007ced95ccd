"""How far training is: a bar in a terminal, plain lines in a log."""

import time
from collections.abc import Mapping

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(keras.callbacks.Callback):
    """Shows step, rate, time left and losses.

    Args:
        total: Steps of the whole run.
        console: Where to; a bar is drawn only if it is a terminal.
    """

    def __init__(self, total: int, console: Console):
        super().__init__()
        self.total = total
        self.console = console
        self.progress: Progress | None = None

    def on_train_begin(self, logs=None):
        """Starts the bar."""
        done = int(self.model.steps_taken.numpy())
        self.began, self.first = time.monotonic(), done
        if not self.console.is_terminal:
            return
        columns = (
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
        )
        self.progress = Progress(*columns, console=self.console)
        self.task = self.progress.add_task("", total=self.total, completed=done, rate="", losses="")
        self.progress.start()

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar."""
        if self.progress:
            self.progress.update(self.task, completed=int(self.model.steps_taken.numpy()))

    def show(self, step: int, rate: float, losses: Mapping[str, float]) -> None:
        """Shows a row of losses."""
        text = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        if self.progress:
            self.progress.update(self.task, rate=f"{rate:.1f} steps/s", losses=text)
            return
        mean = (step - self.first) / max(time.monotonic() - self.began, 1e-9)
        left = (self.total - step) / max(mean, 1e-9)
        self.console.print(
            f"step {step}/{self.total}  {rate:.2f} steps/s  "
            f"{int(left) // 60}:{int(left) % 60:02d} left  {text}",
            highlight=False,
            soft_wrap=True,
        )

    def on_train_end(self, logs=None):
        """Closes the bar."""
        self.stop()

    def stop(self) -> None:
        """Closes the bar; safe to call twice."""
        if self.progress:
            self.progress.stop()
            self.progress = None
