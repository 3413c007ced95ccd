"""Times each network in a separate process, so that networks share neither memory nor caches.

The child process loads a network. For every line on its input it runs the network once and
answers with milliseconds; at the end it reports its peak memory and writes its outputs. Several
children can be run alternately, never at the same time.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from exporters.errors import ExportError

_PACKAGE = Path(__file__).parents[2]
_MEGABYTE = 1e6


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

    Attributes:
        loaded: Its first answer.

    Raises:
        ExportError: If it fails to load or ends; the message comes from the child.
    """

    def __init__(self, command: Sequence[str]) -> None:
        path = os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.loaded: dict[str, Any] = self._answer()

    def ask(self, request: str) -> dict[str, Any]:
        """Sends a request and waits for the child's answer.

        Raises:
            ExportError: If the child fails or ends.
        """
        if self._process.stdin is not None:
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
        line = self._process.stdout.readline() if self._process.stdout else ""
        answer = json.loads(line) if line else {"error": "a timed process ended without an answer"}
        if "error" in answer:
            self.__exit__(None, None, None)
            raise ExportError(answer["error"])
        return answer


class Stopwatch(TimedProcess):
    """Times one network in a child process; use it in a `with` block.

    Args:
        file: As `backends.load` takes it.
        threads: Processor threads, at least 1.
        inputs: A `.npz` file with its inputs.
        selection: Recipe and signature of a bundle.

    Raises:
        ExportError: If the network cannot be loaded; the message comes from the child.
    """

    def __init__(self, file: Path, *, threads: int, inputs: Path, **selection: str) -> None:
        task = {
            "file": str(file),
            "threads": threads,
            "inputs": str(inputs),
            "selection": selection,
        }
        super().__init__(
            [sys.executable, "-m", "exporters.benchmark.timed_process", json.dumps(task)]
        )
        self.load_ms: float = self.loaded["ms"]

    def finish(self, outputs: Path) -> Memory:
        """Ends the child; it writes its last outputs to a `.npz` file."""
        answer = self.ask(str(outputs))
        return Memory(peak=answer["peak"], before=answer["before"])


def _serve(task: Mapping[str, Any]) -> None:
    """The loop of the child process."""
    from exporters.benchmark import backends

    with np.load(task["inputs"], allow_pickle=False) as archive:
        inputs = {name: archive[name] for name in archive.files}
    file = Path(task["file"])
    if file.suffix in backends.OTHERS:
        backends.installed(backends.OTHERS[file.suffix])
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
        _print_answer(error=f"{Path(task['file']).name} cannot be run: {reason}")
