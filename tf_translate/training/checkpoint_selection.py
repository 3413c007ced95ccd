"""Choosing the checkpoint that is deployed: the last one is not always the best."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tf_translate.training.callbacks import StepCallback, crossed
from tf_translate.training.error_messages import writing
from tf_translate.training.run_dir import RunDir
from tf_translate.training.tensorboard_summaries import write_scalars

# From a checkpoint to metrics; "score" among them decides, higher is better.
Measure = Callable[[Path], Mapping[str, float]]


def assess(run: RunDir, step: int, measure: Measure) -> dict[str, float]:
    """Measures the checkpoint of a step, notes its metrics and keeps it if it is the best so far.

    A step that was measured before is not measured again.

    Args:
        run: Holds the checkpoint; metrics go to its `assessments.jsonl`.
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
    best = max((row["score"] for row in known.values()), default=float("-inf"))
    if metrics["score"] > best or run.best_checkpoint() is None:
        run.keep_best(checkpoint)
    # Noted last: after a kill the step is measured again, with the same result.
    with run.assessed.open("a") as file:
        file.write(json.dumps({"step": step, **metrics}) + "\n")
    return metrics


def exhausted(rows: Sequence[Mapping[str, float]], patience: int) -> bool:
    """Whether the last `patience` measured checkpoints are all no better than one before; 0: no.

    Args:
        rows: Metrics by checkpoint, in order, "score" among them.
        patience: How many of them in a sequence are one too many.
    """
    scores = [row["score"] for row in rows]
    if not patience or len(scores) <= patience:
        return False
    return max(scores[-patience:]) <= max(scores[:-patience])


class Assessments(StepCallback):
    """Measures every checkpoint of the last stage once it is written, so behind `Checkpoints`.

    Args:
        run: Holds checkpoints and metrics.
        writer: TensorBoard's.
        measure: Measures a checkpoint.
        every: Steps between checkpoints.
        patience: Checkpoints without a better one until training is to stop; 0: never.

    Attributes:
        enough: Whether training is to stop. It goes on for one step more, as all workers must
            hear of it.
    """

    def __init__(self, run: RunDir, writer, measure: Measure, *, every: int, patience: int):
        super().__init__()
        self.run = run
        self.writer = writer
        self.measure = measure
        self.every = every
        self.patience = patience
        self.enough = False

    def on_train_begin(self, logs=None):
        """Makes up for a checkpoint that a kill left unmeasured."""
        if self.start and self.start % self.every == 0:
            self._assess(self.start)

    def after(self, before, step, logs):
        """Measures when a checkpoint was due."""
        if crossed(before, step, self.every):
            self._assess(step)

    def _assess(self, step):
        if self.model.stage != self.model.stages[-1]:
            return  # nothing can translate yet
        with writing(self.run, f"the assessment of {self.run.checkpoint(step)}", step):
            metrics = assess(self.run, step, self.measure)
        shown = {f"assessment/{name}": value for name, value in metrics.items()}
        with writing(self.run, self.run.logs, step):
            write_scalars(self.writer, step, shown)
        self.enough = exhausted(self.run.assessments(), self.patience)
