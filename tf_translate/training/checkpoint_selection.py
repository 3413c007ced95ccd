"""Selects the best checkpoint to deploy: the last one is not always the best."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tf_translate.training.callbacks import StepCallback, passes_multiple
from tf_translate.training.error_messages import explain_write_errors
from tf_translate.training.run_dir import RunDir
from tf_translate.training.tensorboard_summaries import write_scalars

# From a checkpoint to its metrics. The one named "score" decides; higher is better.
MeasureCheckpoint = Callable[[Path], Mapping[str, float]]


def assess_checkpoint(run: RunDir, step: int, measure: MeasureCheckpoint) -> dict[str, float]:
    """Measures a checkpoint, records its metrics, and keeps it if it is the best so far.

    A checkpoint that was measured before is not measured again.

    Args:
        run: Holds the checkpoint; metrics are appended to its `assessments.jsonl`.
        step: Step of the checkpoint.
        measure: Loads and measures it.

    Returns:
        Its metrics.
    """
    known = {row["step"]: row for row in run.assessments()}
    if step in known:
        return {name: value for name, value in known[step].items() if name != "step"}
    checkpoint = run.checkpoint(step)
    metrics = dict(measure(checkpoint))
    best_score = max((row["score"] for row in known.values()), default=float("-inf"))
    if metrics["score"] > best_score or run.best_checkpoint() is None:
        run.keep_best(checkpoint)
    # Recorded last: after a kill the checkpoint is measured again, with the same result.
    with run.assessments_file.open("a") as file:
        file.write(json.dumps({"step": step, **metrics}) + "\n")
    return metrics


def patience_exhausted(rows: Sequence[Mapping[str, float]], patience: int) -> bool:
    """Whether none of the last `patience` checkpoints is better than the best one before them.

    Args:
        rows: Metrics of the checkpoints in order; each has a "score".
        patience: Number of checkpoints without an improvement that ends training; 0: never.
    """
    scores = [row["score"] for row in rows]
    if not patience or len(scores) <= patience:
        return False
    return max(scores[-patience:]) <= max(scores[:-patience])


class CheckpointAssessment(StepCallback):
    """Measures each checkpoint of the last stage; comes after `CheckpointWriter`.

    Args:
        run: Holds checkpoints and metrics.
        writer: TensorBoard's summary writer.
        measure: Measures a checkpoint.
        interval: Steps between checkpoints.
        patience: Checkpoints without an improvement until training stops; 0: never.

    Attributes:
        should_stop: Whether training should stop. It takes one more step, because all workers
            must learn of it.
    """

    def __init__(
        self, run: RunDir, writer, measure: MeasureCheckpoint, *, interval: int, patience: int
    ):
        super().__init__()
        self.run = run
        self.writer = writer
        self.measure = measure
        self.interval = interval
        self.patience = patience
        self.should_stop = False

    def on_train_begin(self, logs=None):
        """Measures the checkpoint that a killed run left unmeasured."""
        if self.start_step and self.start_step % self.interval == 0:
            self._assess(self.start_step)

    def after_execution(self, previous_step, step, logs):
        """Measures the checkpoint if one was due."""
        if passes_multiple(previous_step, step, self.interval):
            self._assess(step)

    def _assess(self, step):
        if self.model.stage != self.model.stages[-1]:
            return  # no network can translate yet
        target = f"the assessment of {self.run.checkpoint(step)}"
        with explain_write_errors(self.run, target, step):
            metrics = assess_checkpoint(self.run, step, self.measure)
        tagged = {f"assessment/{name}": value for name, value in metrics.items()}
        with explain_write_errors(self.run, self.run.logs, step):
            write_scalars(self.writer, step, tagged)
        self.should_stop = patience_exhausted(self.run.assessments(), self.patience)
