"""Shows the progress of training: a bar in a terminal, plain lines in a log file."""

import time
from collections.abc import Callable, Mapping, Sequence

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def warning_console(console: Console) -> Console:
    """The console for warnings: that of the progress, or stderr if it is quiet."""
    return Console(stderr=True, highlight=False, markup=False) if console.quiet else console


class ProgressBar(keras.callbacks.Callback):
    """Shows the step, the speed, the remaining time and the losses.

    Args:
        total: Number of steps of the whole run.
        console: Where to print; the bar appears only if it is a terminal.
    """

    def __init__(self, total: int, console: Console):
        super().__init__()
        self.total = total
        self.console = console
        self.progress: Progress | None = None

    def on_train_begin(self, logs=None):
        """Starts the bar."""
        step = int(self.model.steps_taken.numpy())
        self.start_time, self.start_step = time.monotonic(), step
        if self.console.quiet or not self.console.is_terminal:
            return
        columns = (
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
        )
        self.progress = Progress(*columns, console=self.console)
        self.task = self.progress.add_task(
            "", total=self.total, completed=step, speed="", losses=""
        )
        self.progress.start()

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar to the current step."""
        if self.progress:
            self.progress.update(self.task, completed=int(self.model.steps_taken.numpy()))

    def show(self, step: int, steps_per_second: float, losses: Mapping[str, float]) -> None:
        """Shows a row of losses."""
        text = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        if self.progress:
            self.progress.update(self.task, speed=f"{steps_per_second:.1f} steps/s", losses=text)
            return
        mean_speed = (step - self.start_step) / max(time.monotonic() - self.start_time, 1e-9)
        seconds_left = (self.total - step) / max(mean_speed, 1e-9)
        self.console.print(
            f"step {step}/{self.total}  {steps_per_second:.2f} steps/s  "
            f"{int(seconds_left) // 60}:{int(seconds_left) % 60:02d} left  {text}",
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


class TimeEstimate(keras.callbacks.Callback):
    """Says how long the remaining steps of a stage will take, once some of them are timed.

    The first executions are left out, because they trace and compile the step.

    Args:
        stages: The method's stages in order, each with the step at which it ends.
        console: Prints the sentence.
        clock: Gives the time in seconds.
    """

    WARM_UP = 2  # executions
    TIMED_EXECUTIONS, TIMED_SECONDS = 20, 15.0  # whichever comes first

    def __init__(
        self,
        stages: Sequence[tuple[str, int]],
        console: Console,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self.stages = stages
        self.console = console
        self.clock = clock
        self.executions = 0

    def on_train_begin(self, logs=None):
        """Starts to count, in each stage again."""
        self.executions = 0

    def on_train_batch_end(self, batch, logs=None):
        """Prints the sentence as soon as enough steps are timed."""
        self.executions += 1
        if self.executions < self.WARM_UP:
            return
        step = int(self.model.steps_taken.numpy())
        if self.executions == self.WARM_UP:
            self.first_step, self.start, self.reported = step, self.clock(), False
            return
        seconds = self.clock() - self.start
        timed = self.executions - self.WARM_UP
        if self.reported or (timed < self.TIMED_EXECUTIONS and seconds < self.TIMED_SECONDS):
            return
        self.reported = True
        per_step = seconds / (step - self.first_step)
        end = next(end for _, end in self.stages if end >= step)
        stage = " of this stage" if len(self.stages) > 1 else ""
        if end > step:
            self.console.print(
                f"about {duration(per_step * (end - step))} for the {end - step:,} steps{stage} "
                f"that are left, {per_step:.2g} s each",
                highlight=False,
            )


def duration(seconds: float) -> str:
    """A rounded duration in words, such as "34 minutes"."""
    for limit, unit, length in ((90, "seconds", 1), (5400, "minutes", 60), (172800, "hours", 3600)):
        if seconds < limit:
            return f"{seconds / length:.{1 if unit == 'hours' else 0}f} {unit}"
    return f"{seconds / 86400:.1f} days"
