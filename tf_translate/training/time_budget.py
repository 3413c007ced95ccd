"""A budget of wall-clock time: training ends when it is used up, also over several sessions.

The time up to each checkpoint is written beside it. After a kill, training resumes at a checkpoint
and with the time that was used up to it.
"""

import json
import time
from collections.abc import Callable

from tf_translate.training.callbacks import StepCallback, passes_multiple
from tf_translate.training.error_messages import explain_write_errors
from tf_translate.training.run_dir import RunDir


class TimeBudget(StepCallback):
    """Tells when the time of a run is used up, and writes the time used at each checkpoint.

    It comes after the callback that saves checkpoints.

    Args:
        run: Holds `times.jsonl`.
        seconds: The budget of the whole run.
        interval: Steps between checkpoints.
        used: Seconds that the steps up to the first one of this session took.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        run: RunDir,
        *,
        seconds: float,
        interval: int,
        used: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self.run, self.seconds, self.interval = run, seconds, interval
        self._clock, self._start = clock, clock() - used
        self._written = -1

    @property
    def used(self) -> float:
        """Seconds used so far, earlier sessions included."""
        return self._clock() - self._start

    @property
    def is_exhausted(self) -> bool:
        """Whether the budget is used up."""
        return self.used >= self.seconds

    def after_execution(self, previous_step, step, logs):
        """Writes the time used if a checkpoint was saved."""
        if passes_multiple(previous_step, step, self.interval) or self.model.stop_training:
            self.write(step)

    def on_train_end(self, logs=None):
        """Writes the time used at the end of each stage."""
        self.write(self.step)

    def write(self, step: int) -> None:
        """Appends a row, unless there is one: the step and the seconds up to it."""
        if step == self._written:
            return
        self._written = step
        file = self.run.times_file
        with explain_write_errors(self.run, file, step), file.open("a") as lines:
            lines.write(json.dumps({"step": step, "seconds": round(self.used, 1)}) + "\n")


def seconds_used(run: RunDir, step: int) -> float:
    """Seconds that the steps of a run up to `step` took; 0 if they were not recorded."""
    rows = [row for row in run.times() if row["step"] <= step]
    return float(rows[-1]["seconds"]) if rows else 0.0
