"""Times each network in a separate process, so that networks share neither memory nor caches.

The child process loads a network. For every line on its input it runs the network once and
answers with milliseconds; at the end it reports its peak memory and writes its outputs. Several
children can be run alternately, never at the same time.
"""

import contextlib
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from exporters.bundle.npz import MAX_BYTES
from exporters.errors import ExportError, ModelError
from exporters.untrusted.limits import Limits
from exporters.untrusted.model_process import ending

_PACKAGE = Path(__file__).parents[2]
_MEGABYTE = 1e6
_MAX_LINE = 2**16  # characters of an answer


@dataclass(frozen=True)
class Memory:
    """Memory of a child process in megabytes (10^6 bytes).

    Attributes:
        peak: Peak memory of the process.
        before: Peak memory before the network was loaded: Python and the runtime.
    """

    peak: float
    before: float


class TimedProcess:
    """A child process that runs once per request; use it in a `with` block.

    When it has loaded it prints a line of JSON, and then one for each line on its input:
    `{"ms": 12.3}` with any further keys, or `{"error": "a sentence"}`.

    Args:
        command: Program and arguments.
        subject: What it runs, for error messages.
        limits: For a child that runs a foreign model: it sets the limit of memory itself, and
            each answer may take `limits.seconds`. None for a child that is trusted.

    Attributes:
        loaded: Its first answer.

    Raises:
        ExportError: If it fails to load or ends; the message comes from the child. With limits
            it is a ModelError.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        subject: str = "a timed process",
        limits: Limits | None = None,
    ) -> None:
        path = os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH")]))
        self._subject, self._limits = subject, limits
        self._late = False
        if limits is not None:
            limits.warn_of_missing()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONPATH": path},
        )
        self.loaded: dict[str, Any] = self._answer()

    def ask(self, request: str) -> dict[str, Any]:
        """Sends a request and waits for the child's answer.

        Raises:
            ExportError: If the child fails or ends.
        """
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # then there is no answer either
                self._process.stdin.write(f"{request}\n")
                self._process.stdin.flush()
        return self._answer()

    def run(self) -> float:
        """Runs the child once; returns milliseconds."""
        return self.ask("run")["ms"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _answer(self) -> dict[str, Any]:
        line = self._line()
        try:
            answer = json.loads(line)
            if not isinstance(answer, dict):
                raise ValueError
        except ValueError:
            answer = {"error": self._ending()}
        if "error" in answer:
            self.__exit__(None, None, None)
            kind = ExportError if self._limits is None else ModelError
            raise kind(str(answer["error"]))
        return answer

    def _line(self) -> str:
        """The next line that the child prints, "" if it ends; at most `_MAX_LINE` long."""
        if self._process.stdout is None:
            return ""
        if self._limits is None:
            return self._process.stdout.readline()
        timer = threading.Timer(self._limits.seconds, self._stop_late)
        timer.start()
        try:
            return self._process.stdout.readline(_MAX_LINE)
        finally:
            timer.cancel()

    def _stop_late(self) -> None:
        self._late = True
        self._process.kill()

    def _ending(self) -> str:
        if self._limits is None:
            return f"{self._subject} ended without an answer"
        if self._late:
            return (
                f"{self._subject}: there was no result after {self._limits.seconds:g} seconds and "
                "its process was stopped; if the model is that slow, allow more by --time-limit"
            )
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.poll()
        if code is None:
            return f"{self._subject}: its process sent no valid result; do not use this file"
        return f"{self._subject}: {ending(code, self._limits)}; do not use this file"


class Stopwatch(TimedProcess):
    """Times one network in a child process; use it in a `with` block.

    Args:
        file: As `backends.load` takes it.
        threads: Processor threads, at least 1.
        inputs: A `.npz` file with its inputs.
        limits: Of its time and memory, for a bundle; None for a file that is trusted.
        selection: Recipe and signature of a bundle.

    Raises:
        ExportError: If the network cannot be loaded; the message comes from the child. With
            limits it is a ModelError.
    """

    def __init__(
        self,
        file: Path,
        *,
        threads: int,
        inputs: Path,
        limits: Limits | None = None,
        **selection: str,
    ) -> None:
        task = {
            "file": str(file.absolute()),
            "threads": threads,
            "inputs": str(inputs),
            "limits": None if limits is None else asdict(limits),
            "selection": selection,
        }
        program = [sys.executable, "-P", "-m", "exporters.benchmark.timed_process"]
        super().__init__([*program, json.dumps(task)], subject=str(file), limits=limits)
        self.load_ms: float = self._numbers(self.loaded, "ms")[0]

    def run(self) -> float:
        """Runs the child once; returns milliseconds."""
        return self._numbers(self.ask("run"), "ms")[0]

    def finish(self, outputs: Path) -> Memory:
        """Ends the child; it writes its last outputs to a `.npz` file."""
        peak, before = self._numbers(self.ask(str(outputs)), "peak", "before")
        return Memory(peak=peak, before=before)

    def _numbers(self, answer: Mapping[str, Any], *keys: str) -> list[float]:
        """The values of an answer; a child that runs a forged model may send anything."""
        values = [answer.get(key) for key in keys]
        if not all(isinstance(each, int | float) and math.isfinite(each) for each in values):
            self.__exit__(None, None, None)
            raise ModelError(f"{self._subject}: its process sent no valid result; do not use this")
        return [float(each) for each in values if each is not None]


def _serve(task: Mapping[str, Any]) -> None:
    """The loop of the child process."""
    from exporters.benchmark import backends

    with np.load(task["inputs"], allow_pickle=False) as archive:
        inputs = {name: archive[name] for name in archive.files}
    file = Path(task["file"])
    if file.suffix in backends.OTHERS:
        backends.installed(backends.OTHERS[file.suffix])
    if task["limits"] is not None:
        Limits(**task["limits"]).restrict_this_process(largest_file=MAX_BYTES)
    before = peak_memory()
    start = time.perf_counter()
    run = backends.load(file, task["threads"], inputs, **task["selection"])
    _print_answer(ms=_milliseconds_since(start))
    outputs: Mapping[str, np.ndarray] = {}
    for line in sys.stdin:
        if line.strip() != "run":
            memory = peak_memory()
            np.savez(line.strip(), allow_pickle=False, **outputs)
            _print_answer(peak=memory, before=before)
            return
        start = time.perf_counter()
        outputs = run()
        _print_answer(ms=_milliseconds_since(start))


def _milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1000.0


def _print_answer(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def peak_memory() -> float:
    """Peak memory of this process, in megabytes.

    On Linux `ru_maxrss` includes the parent's peak after fork and exec, so /proc is read there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(li for li in status.read_text().splitlines() if li.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / _MEGABYTE
    import resource  # not on Windows

    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MEGABYTE


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    try:
        _serve(task)
    except ExportError as error:
        _print_answer(error=str(error))
    except Exception as error:  # another runtime may refuse a file in any way
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        _print_answer(error=f"{task['file']} cannot be run: {reason}")
