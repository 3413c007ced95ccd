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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from exporters.errors import ExportError

_PACKAGE = Path(__file__).parents[1]
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


class Stopwatch:
    """Times one network in a child process; use it in a `with` block.

    Args:
        file: As `engines.load` takes it.
        threads: Processor threads, at least 1.
        inputs: A `.npz` file of what it is fed.
        place: Recipe and signature within a bundle.

    Raises:
        ExportError: If the network cannot be loaded; the sentence is the child's.
    """

    def __init__(self, file: Path, *, threads: int, inputs: Path, **place: str) -> None:
        task = {"file": str(file), "threads": threads, "inputs": str(inputs), "place": place}
        path = os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "exporters.stopwatch", json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.load_ms: float = self._answer()["ms"]

    def run(self) -> float:
        """Runs the network once; milliseconds."""
        self._write("run\n")
        return self._answer()["ms"]

    def finish(self, outputs: Path) -> Memory:
        """Ends the child; writes what came out last to a `.npz` file."""
        self._write(f"{outputs}\n")
        answer = self._answer()
        return Memory(peak=answer["peak"], before=answer["before"])

    def __enter__(self) -> "Stopwatch":
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

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        answer = json.loads(line) if line else {"error": "a timed process ended without a word"}
        if "error" in answer:
            self.__exit__(None, None, None)
            raise ExportError(answer["error"])
        return answer


def _serve(task: Mapping[str, Any]) -> None:
    """The child's side."""
    from exporters import engines  # ahead of `before`: Python's own memory is not the network's

    with np.load(task["inputs"], allow_pickle=False) as archive:
        inputs = {name: archive[name] for name in archive.files}
    file = Path(task["file"])
    if file.suffix in engines.OTHERS:
        engines.installed(engines.OTHERS[file.suffix])
    before = _peak_memory()
    start = time.perf_counter()
    run = engines.load(file, task["threads"], inputs, **task["place"])
    _say(ms=_since(start))
    outputs: Mapping[str, np.ndarray] = {}
    for line in sys.stdin:
        if line.strip() != "run":
            memory = _peak_memory()
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


def _peak_memory() -> float:
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
