"""Says once in a run what goes wrong, and how that is usually cured."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import tensorflow as tf
from rich.console import Console

from tf_translate.training.error_messages import writing
from tf_translate.training.failure_checks import (
    Shown,
    Sign,
    correlation,
    difference,
    discriminator_wins,
    signs_of,
    spread,
)
from tf_translate.training.run_dir import RunDir
from tf_translate.training.tensorboard_summaries import at, write_scalars

_ROWS = 10  # rows in a sequence until a discriminator has won
_IMAGES = 2  # sample images in a sequence until one is believed


class FailureMonitor:
    """Looks at rows and sample images; names each sign once in a run, when it stays.

    Names go to the console, to `warnings.jsonl` and to TensorBoard as text; the metrics of sample
    images to TensorBoard. A resumed run counts anew how long a sign stays, and says nothing
    twice.

    Args:
        run: Holds what was said before.
        writer: TensorBoard's.
        console: Shows the sentences.
    """

    def __init__(self, run: RunDir, writer, console: Console):
        self.run = run
        self.writer = writer
        self.console = console
        self._said = {(row["sign"], row["of"]) for row in run.noted_signs()}
        self._times: Counter = Counter()
        self._leads: dict[str, float] = {}

    def look_at_row(self, step: int, metrics: Mapping[str, float]) -> None:
        """Takes the `discriminator_skill/TERM` of a row."""
        self._leads = {k: v for k, v in metrics.items() if k.startswith("lead/")}
        # A latent discriminator (Fader) should win at first: its term comes in by a ramp.
        lead = self._leads.get("discriminator_skill/discriminator")
        if lead is not None:
            sign = discriminator_wins("discriminator", lead)
            self._count(
                step, "discriminator", [sign] if sign else [], ("discriminator wins",), _ROWS
            )

    def look_at_images(self, step: int, images: Sequence[Shown]) -> None:
        """Takes what a sample image shows."""
        names = ("identity map", "colour inversion", "collapse")
        for shown in images:
            self._count(step, shown.title, signs_of(shown, self._leads), names, _IMAGES)
            metrics = {
                "difference": difference(shown),
                "correlation": correlation(shown),
                "spread": spread(shown),
            }
            known = {
                f"signs/{shown.title}/{name}": value
                for name, value in metrics.items()
                if value is not None
            }
            write_scalars(self.writer, step, known)

    def _count(
        self, step: int, of: str, found: Sequence[Sign], names: Sequence[str], needed: int
    ) -> None:
        """Counts how often in a sequence each sign was found; says those that stay."""
        for name in set(names) - {sign.name for sign in found}:
            self._times[name, of] = 0
        for sign in found:
            self._times[sign.name, of] += 1
            if self._times[sign.name, of] >= needed and (sign.name, of) not in self._said:
                self._said.add((sign.name, of))
                self._say(step, of, sign)

    def _say(self, step: int, of: str, sign: Sign) -> None:
        row = {"step": step, "sign": sign.name, "of": of, "seen": sign.seen, "cure": sign.cure}
        with writing(self.run, self.run.signs, step), self.run.signs.open("a") as file:
            file.write(json.dumps(row) + "\n")
        text = f"{sign.name}: {sign.seen}. Usual cure: {sign.cure}"
        with at(self.writer, step):
            tf.summary.text("signs", text)
        self.console.print(f"step {step}: {text}", highlight=False, soft_wrap=True, markup=False)
