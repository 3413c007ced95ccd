"""A process of its own for every network that is timed: nothing else is in its memory or cache.

The child loads, then runs once for every line it reads and answers with milliseconds; when
it reads no more it says how much memory it needed and what came out. So several can take turns,
and none runs while another does.
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
    """Memory of a child in megabytes (10^6 bytes).

    Attributes:
        peak: The most that the process held at any time.
        before: What it held before the network was loaded: Python and the runtime.
    """

    peak: float
    before: float


class TimedProcess:
    """A child process that does its work once for every order; use it in a `with` block.

    It answers each line it is sent with a line of JSON, the first one unasked when it has loaded:
    `{"ms": 12.3}` and what else it likes, or `{"error": "a sentence"}`.

    Args:
        command: Program and arguments.

    Attributes:
        loaded: Its first answer.

    Raises:
        ExportError: If it cannot load or ends; the sentence is the child's.
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

    def ask(self, order: str) -> dict[str, Any]:
        """Sends an order and waits for what the child answers.

        Raises:
            ExportError: If the child fails or ends.
        """
        if self._process.stdin is not None:
            self._process.stdin.write(f"{order}\n")
            self._process.stdin.flush()
        return self._answer()

    def run(self) -> float:
        """Lets the child do its work once; milliseconds."""
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
        answer = json.loads(line) if line else {"error": "a timed process ended without a word"}
        if "error" in answer:
            self.__exit__(None, None, None)
            raise ExportError(answer["error"])
        return answer


class Stopwatch(TimedProcess):
    """Times one network in a child process; use it in a `with` block.

    Args:
        file: As `backends.load` takes it.
        threads: Processor threads, at least 1.
        inputs: A `.npz` file of what it is fed.
        place: Recipe and signature within a bundle.

    Raises:
        ExportError: If the network cannot be loaded; the sentence is the child's.
    """

    def __init__(self, file: Path, *, threads: int, inputs: Path, **place: str) -> None:
        task = {"file": str(file), "threads": threads, "inputs": str(inputs), "place": place}
        super().__init__(
            [sys.executable, "-m", "exporters.benchmark.timed_process", json.dumps(task)]
        )
        self.load_ms: float = self.loaded["ms"]

    def finish(self, outputs: Path) -> Memory:
        """Ends the child; writes what came out last to a `.npz` file."""
        answer = self.ask(str(outputs))
        return Memory(peak=answer["peak"], before=answer["before"])


def _serve(task: Mapping[str, Any]) -> None:
    """The child's side."""
    from exporters.benchmark import backends

    with np.load(task["inputs"], allow_pickle=False) as archive:
        inputs = {name: archive[name] for name in archive.files}
    file = Path(task["file"])
    if file.suffix in backends.OTHERS:
        backends.installed(backends.OTHERS[file.suffix])
    before = peak_memory()
    start = time.perf_counter()
    run = backends.load(file, task["threads"], inputs, **task["place"])
    _say(ms=_since(start))
    outputs: Mapping[str, np.ndarray] = {}
    for line in sys.stdin:
        if line.strip() != "run":
            memory = peak_memory()
            np.savez(line.strip(), allow_pickle=False, **outputs)
            _say(peak=memory, before=before)
            return
        start = time.perf_counter()
        outputs = run()
        _say(ms=_since(start))


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000.0


def _say(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def peak_memory() -> float:
    """Most memory this process has held, in megabytes.

    Linux keeps `ru_maxrss` of the parent across fork and exec, so it is asked otherwise there.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(li for li in status.read_text().splitlines() if li.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / _MEGABYTE
    import resource  # not on Windows

    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MEGABYTE


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    try:
        _serve(given)
    except ExportError as error:
        _say(error=str(error))
    except Exception as error:  # another runtime may refuse a file in any way
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        _say(error=f"{Path(given['file']).name} cannot be run: {reason}")
