"""Runs cells as child processes, each on a core of its own, until all are done or Ctrl-C."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tf_translate.errors import TranslateError
from tf_translate.experiment.compare.cells import cell_state
from tf_translate.experiment.compare.cells.cell import Cell
from tf_translate.experiment.compare.cores import Core, free_core, holders

FAILED, WAITING = "failed", "waiting"
_POLL_SECONDS = 0.5
_STAGES = {  # the state of a cell -> what runs next
    cell_state.NEW: "training",
    cell_state.STARTED: "training",
    cell_state.TRAINED: "evaluating",
}
# `tf-translate` of this interpreter, pinned before TensorFlow counts the cores. Like the command
# itself, it does not search the current folder (`-P`).
_PINNED = (
    "import os, sys; core = int(sys.argv.pop(1)); "
    "core < 0 or os.sched_setaffinity(0, {core}); "
    "from tf_translate.cli.main import run; sys.argv[0] = 'tf-translate'; run()"
)


@dataclass
class Progress:
    """How far a cell is, for the table.

    Attributes:
        cell: The cell.
        state: WAITING, "training", "evaluating", FINISHED or FAILED.
        core: The core it runs on; None if it does not run, or is not pinned.
        started: Time at which its current process was started.
        minutes_before: Minutes of training that were used before that.
        message: Why it failed.
    """

    cell: Cell
    state: str = WAITING
    core: int | None = None
    started: float = 0.0
    minutes_before: float = 0.0
    message: str = ""


class _Running:
    """The process of a cell."""

    def __init__(self, progress: Progress, core: Core, imports: Sequence[str]) -> None:
        self.progress, self.core, self._imports = progress, core, imports
        self.process = self._start()

    def _start(self) -> subprocess.Popen:
        cell, state = self.progress.cell, cell_state.state_of(self.progress.cell)
        arguments = {
            cell_state.NEW: cell.train_arguments,
            cell_state.STARTED: cell.resume_arguments,
            cell_state.TRAINED: cell.evaluate_arguments,
        }[state]()
        if state == cell_state.TRAINED:
            cell_state.lend_judges(cell)
        self.progress.state = _STAGES[state]
        self.progress.core, self.progress.started = self.core.index, time.monotonic()
        self.progress.minutes_before = cell_state.progress_of(cell).minutes
        imported = [part for file in self._imports for part in ("--import", file)]
        index = -1 if self.core.index is None else self.core.index
        command = [sys.executable, "-P", "-c", _PINNED, str(index), *imported, *arguments]
        cell.log.parent.mkdir(parents=True, exist_ok=True)
        one_thread = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        with cell.log.open("a") as log:
            log.write(f"$ {shlex.join(['tf-translate', *arguments])}\n")
            log.flush()
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(one_thread if index < 0 else {})},
                start_new_session=True,  # a terminal's Ctrl-C reaches it only through us
                pass_fds=self.core.inherited,
            )

    def send(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)

    def next_process(self) -> bool:
        """Starts the process after the one that ended; False if there is none."""
        if cell_state.state_of(self.progress.cell) != cell_state.TRAINED:
            return False
        if self.progress.state == "evaluating":
            return False
        self.process = self._start()
        return True


def run_cells(
    cells: Sequence[Cell],
    *,
    jobs: int,
    finish: Callable[[Cell, int | None], Any],
    show: Callable[[Sequence[Progress]], None],
    imports: Sequence[Path] = (),
    report: Callable[[str], None] = lambda _: None,
) -> tuple[list[Progress], bool]:
    """Runs the cells that are not finished; a started one continues where it was.

    Call it in the main thread: Ctrl-C and SIGTERM end all processes, which save, and a second one
    kills them. A cell that fails does not stop the others.

    Args:
        cells: The cells, in the order in which they start.
        jobs: Number of cells at once.
        finish: Called with an evaluated cell and its core; keeps its results.
        show: Called twice a second with the progress of all cells.
        imports: Python files that register methods.
        report: Called with a line if no cell can start, as all cores are held.

    Returns:
        The progress of all cells, and whether it was interrupted.
    """
    all_progress = [
        Progress(cell, cell_state.FINISHED if _is_finished(cell) else WAITING) for cell in cells
    ]
    waiting = [each for each in all_progress if each.state == WAITING]
    running: list[_Running] = []
    files = [str(file) for file in imports]
    has_waited = False
    with _forwarded_signals(running) as stop:
        while running or (waiting and not stop):
            while waiting and len(running) < jobs and not stop:
                core = free_core()
                if core is None:
                    if not running and not has_waited:
                        report(_no_core())
                        has_waited = True
                    break
                running.append(_Running(waiting.pop(0), core, files))
            show(all_progress)
            time.sleep(_POLL_SECONDS)
            for each in [each for each in running if each.process.poll() is not None]:
                if not stop and each.process.returncode == 0 and each.next_process():
                    continue
                running.remove(each)
                each.core.release()
                _end(each, finish, interrupted=bool(stop))
        show(all_progress)
    return all_progress, bool(stop)


def _no_core() -> str:
    """Who holds the cores: a comparison, or a cell of one that was killed."""
    known = ", ".join(map(str, holders()))
    return (
        f"all cores are held by other comparisons{f' (process {known})' if known else ''}, or by "
        "cells that train on although their comparison was killed; waiting for one"
    )


def _is_finished(cell: Cell) -> bool:
    return cell_state.state_of(cell) == cell_state.FINISHED


def _end(each: _Running, finish: Callable[[Cell, int | None], Any], *, interrupted: bool) -> None:
    """Keeps the results of a cell whose last process ended, or says why there are none."""
    progress, code = each.progress, each.process.returncode
    evaluated = progress.state == "evaluating" and code == 0
    progress.core = None
    if evaluated:
        try:
            finish(progress.cell, each.core.index)
        except TranslateError as error:
            progress.state, progress.message = FAILED, str(error)
        else:
            progress.state = cell_state.FINISHED
    elif interrupted:
        progress.state = WAITING
    else:
        progress.state, progress.message = FAILED, _last_line(progress.cell.log, code)


def _last_line(log: Path, code: int) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    ended = f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"
    errors = [line for line in lines if line.startswith("error:")]
    reason = (errors or lines or [""])[-1]
    return f"{ended}: {reason} (all output: {log})"


@contextmanager
def _forwarded_signals(running: list[_Running]) -> Iterator[list[int]]:
    """Forwards Ctrl-C and SIGTERM to the processes as Ctrl-C; yields the signals received."""
    received: list[int] = []

    def forward(number: int, _: object) -> None:
        received.append(number)
        for each in list(running):
            each.send(signal.SIGINT if len(received) == 1 else signal.SIGKILL)

    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield received
    finally:
        for each in running:  # only if something went wrong here
            each.send(signal.SIGINT)
        for number, handler in previous.items():
            signal.signal(number, handler)
