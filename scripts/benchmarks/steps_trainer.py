"""A training process of bench_steps, at rest while the others take their turns."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_CHILD = Path(__file__).with_name("bench_steps_child.py")


class TrainerError(Exception):
    """A training process has ended too early; the message is its last words."""


class Trainer:
    """A run that takes steps when it is told to; use it in a `with` block.

    Between two orders the whole process is stopped (SIGSTOP), its threads that read ahead too, so
    that it neither takes the processor from others nor fills its stock of batches meanwhile.

    Args:
        tree: Checkout whose code trains.
        config: Configuration as TOML.
        run: Folder of the run, new; what the process says goes beside it, into `RUN.log`.
        count: Whether steps run eagerly and forward passes are counted.

    Attributes:
        parameters: How many numbers each network learns.

    Raises:
        TrainerError: If it ends before its first step.
    """

    def __init__(self, tree: Path, config: Path, run: Path, *, count: bool = False) -> None:
        self._log = run.with_suffix(".log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, _CHILD, tree, config, run, *(["count"] if count else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=run.parent,
                env={**os.environ, "PYTHONPATH": str(tree), "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
        try:
            self.parameters: dict[str, int] = self._answer()["parameters"]
        except BaseException:
            self.close()
            raise

    def take(self, steps: int) -> dict[str, Any]:
        """Takes steps; what each was and how long it took, and the peak of memory.

        Raises:
            TrainerError: If the process ends.
        """
        self._process.send_signal(signal.SIGCONT)
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            raise TrainerError(self._last_words())
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def _last_words(self) -> str:
        """The sentence of the error, or the last line, of what the process said."""
        lines = [line for line in self._log.read_text().splitlines() if line.strip()]
        told = [line for line in lines if line.startswith("error:")]
        return (told or lines or ["it ended without a word"])[-1].removeprefix("error: ")

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
