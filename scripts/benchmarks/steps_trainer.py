"""A training process of `scripts/bench steps` that is stopped while other processes are timed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# Started by its path: with `-m`, `scripts` would have to be imported from the other revision.
_CHILD = Path(__file__).with_name("steps_child.py")


class TrainerError(Exception):
    """A training process ended too early; the message is the last thing it printed."""


class Trainer:
    """A run that takes steps on request; use it in a `with` block.

    Between two requests the whole process is stopped (SIGSTOP), including its prefetching threads.
    So it takes no processor time from others and does not fill its buffer of batches meanwhile.

    Args:
        tree: Checkout of the revision that trains.
        config: Configuration as TOML.
        run: New folder for the run; the process's output goes to `RUN.log` beside it.
        count: Whether steps run eagerly and forward passes are counted.

    Attributes:
        parameters: Number of trainable parameters of each network.

    Raises:
        TrainerError: If it ends before its first step.
    """

    def __init__(self, tree: Path, config: Path, run: Path, *, count: bool = False) -> None:
        self._log = run.with_suffix(".log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", _CHILD, tree, config, run, *(["count"] if count else [])],
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
        """Takes steps; returns kind and seconds of each, and the peak memory.

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
            raise TrainerError(self._reason())
        self._process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def _reason(self) -> str:
        """The last error message in the log, or else its last line."""
        lines = [line for line in self._log.read_text().splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error:")]
        return (errors or lines or ["it ended without output"])[-1].removeprefix("error: ")

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
