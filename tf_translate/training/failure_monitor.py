"""Warns once per run of each likely training failure, with the usual remedy."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import tensorflow as tf
from rich.console import Console

from tf_translate.training.error_messages import explain_write_errors
from tf_translate.training.failure_checks import (
    DISCRIMINATOR_FAILURE,
    IMAGE_FAILURES,
    FailureWarning,
    PreviewBatch,
    correlation,
    discriminator_warning,
    image_warnings,
    mean_difference,
    relative_spread,
)
from tf_translate.training.run_dir import RunDir
from tf_translate.training.tensorboard_summaries import summaries_at, write_scalars

_SKILL_PREFIX = "discriminator_skill/"
_CONSECUTIVE_ROWS = 10  # rows in sequence before a discriminator counts as winning
_CONSECUTIVE_PREVIEWS = 2  # previews in sequence before a failure of images is reported


class FailureMonitor:
    """Checks losses and preview images, and reports each persistent failure once per run.

    Warnings go to the console, to `warnings.jsonl` and to TensorBoard as text. The metrics of the
    preview images go to TensorBoard too. A resumed run starts its counts again, but does not
    repeat a warning.

    Args:
        run: Holds the warnings that were reported before.
        writer: TensorBoard's summary writer.
        console: Prints the warnings.
    """

    def __init__(self, run: RunDir, writer, console: Console):
        self.run = run
        self.writer = writer
        self.console = console
        self._reported = {(row["name"], row["source"]) for row in run.warnings()}
        self._consecutive: Counter = Counter()
        self._skills: dict[str, float] = {}

    def check_metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        """Checks the `discriminator_skill/TERM` values of a row."""
        self._skills = {k: v for k, v in metrics.items() if k.startswith(_SKILL_PREFIX)}
        # A latent discriminator (Fader) is expected to win at first: its weight rises from 0.
        skill = self._skills.get(f"{_SKILL_PREFIX}discriminator")
        if skill is not None:
            warning = discriminator_warning("discriminator", skill)
            found = [warning] if warning else []
            self._count(step, "discriminator", found, (DISCRIMINATOR_FAILURE,), _CONSECUTIVE_ROWS)

    def check_images(self, step: int, previews: Sequence[PreviewBatch]) -> None:
        """Checks the preview images, and writes their metrics to TensorBoard."""
        for preview in previews:
            found = image_warnings(preview, self._skills)
            self._count(step, preview.title, found, IMAGE_FAILURES, _CONSECUTIVE_PREVIEWS)
            metrics = {
                "difference": mean_difference(preview),
                "correlation": correlation(preview),
                "spread": relative_spread(preview),
            }
            known = {
                f"preview/{preview.title}/{name}": value
                for name, value in metrics.items()
                if value is not None
            }
            write_scalars(self.writer, step, known)

    def _count(
        self,
        step: int,
        source: str,
        found: Sequence[FailureWarning],
        names: Sequence[str],
        needed: int,
    ) -> None:
        """Counts consecutive warnings of each name, and reports those that persist."""
        for name in set(names) - {warning.name for warning in found}:
            self._consecutive[name, source] = 0
        for warning in found:
            key = warning.name, source
            self._consecutive[key] += 1
            if self._consecutive[key] >= needed and key not in self._reported:
                self._reported.add(key)
                self._report(step, source, warning)

    def _report(self, step: int, source: str, warning: FailureWarning) -> None:
        row = {
            "step": step,
            "name": warning.name,
            "source": source,
            "message": warning.message,
            "suggestion": warning.suggestion,
        }
        path = self.run.warnings_file
        with explain_write_errors(self.run, path, step), path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        text = f"{warning.name}: {warning.message}. Suggestion: {warning.suggestion}"
        with summaries_at(self.writer, step):
            tf.summary.text("warnings", text)
        self.console.print(f"step {step}: {text}", highlight=False, soft_wrap=True, markup=False)
