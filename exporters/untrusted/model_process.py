"""A child process that runs foreign models, seen from the command that starts it.

Kernels may crash, run without end or fill the memory on a forged file. They then do so in the
child, and the command ends with a sentence. A result counts only if it was received: an exit code
says nothing, because a forged model can end its process with any.
"""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from exporters.errors import ModelError
from exporters.untrusted import messages
from exporters.untrusted.limits import Limits
from exporters.untrusted.messages import Arrays, MessageError, Specs

_PACKAGE = Path(__file__).parents[2]
_NOTHING: Specs = MappingProxyType({})
_MAX_SENTENCE = 2000  # characters
_OUT_OF_MEMORY = (signal.SIGABRT, getattr(signal, "SIGKILL", None))


class ModelProcess:
    """Runs foreign models in a child process; use it in a `with` block.

    The child is started by the first request, and again after it ended.

    Args:
        limits: Of its time and memory.
        tensorflow: Whether it loads TensorFlow, which a SavedModel needs.
    """

    def __init__(self, limits: Limits, *, tensorflow: bool = False) -> None:
        self._limits, self._tensorflow = limits, tensorflow
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = math.inf  # of the request that is under way, by the monotonic clock
        self._late = False

    def ask(
        self,
        subject: str,
        request: Mapping[str, Any],
        arrays: Arrays | None = None,
        expected: Specs = _NOTHING,
        *,
        calls: int = 1,
    ) -> tuple[dict[str, Any], Arrays]:
        """Sends a request and waits for the result.

        Args:
            subject: What the child runs, for error messages; sent along.
            request: Further JSON values; see `model_process_child`.
            arrays: Arrays by name.
            expected: The arrays of the result.
            calls: How many calls of a model it takes; the limit of the time is for each.

        Returns:
            The JSON values of the result, which may be anything, and its arrays.

        Raises:
            ModelError: If the child reports an error, ends, sends something else, or takes longer
                than the limit. It is then stopped.
        """
        if self._process is None:
            self._start(subject)
        answer, results = self._exchange(
            subject,
            {**request, "subject": subject},
            arrays,
            expected,
            seconds=self._limits.seconds * calls,
        )
        if "error" in answer:
            raise ModelError(str(answer["error"])[:_MAX_SENTENCE])
        return answer, results

    def close(self) -> None:
        """Stops the child."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self, subject: str) -> None:
        self._limits.warn_of_missing()
        self._process = start_child(
            "exporters.untrusted.model_process_child",
            json.dumps(
                {
                    "limits": asdict(self._limits),
                    "tensorflow": self._tensorflow,
                    "parent": os.getpid(),
                }
            ),
        )
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()
        answer, _ = self._exchange(subject, {"do": "start"}, None, _NOTHING, seconds=math.inf)
        if "error" in answer:
            self.close()
            raise ModelError(str(answer["error"])[:_MAX_SENTENCE])

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Kills the child when a request is late. A timer for each would take longer than some."""
        pause = min(0.5, self._limits.seconds / 10)
        while self._process is process:
            if time.monotonic() > self._deadline:
                self._late = True
                process.kill()
                return
            time.sleep(pause)

    def _exchange(
        self,
        subject: str,
        request: Mapping[str, Any],
        arrays: Arrays | None,
        expected: Specs,
        *,
        seconds: float,
    ) -> tuple[dict[str, Any], Arrays]:
        process = self._process
        assert process is not None, "it was started"
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        self._late, self._deadline = False, time.monotonic() + seconds
        try:
            messages.write(process.stdin, request, arrays)
            answer = messages.read_header(process.stdout)
            results = messages.read_arrays(
                process.stdout, answer, _NOTHING if "error" in answer else expected
            )
            if time.monotonic() > self._deadline:  # before the watch noticed
                self._late = True
                raise MessageError("the result came late")
            return answer, results
        except (OSError, EOFError, MessageError) as error:
            raise ModelError(self._end(subject, error, seconds)) from error
        except BaseException:  # Ctrl-C: what the child still sends belongs to no request
            self.close()
            raise
        finally:
            self._deadline = math.inf

    def _end(self, subject: str, error: Exception, seconds: float) -> str:
        """Stops the child; returns a sentence on how it ended."""
        process, limits = self._process, self._limits
        assert process is not None, "it was started"
        if isinstance(error, MessageError) and not self._late:
            process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        self.close()
        if self._late:
            return (
                f"{subject}: there was no result after {seconds:g} seconds and its process "
                "was stopped; if the model is that slow, allow more by --time-limit"
            )
        if isinstance(error, MessageError):
            return f"{subject}: its process sent no valid result; do not use this file"
        return f"{subject}: {ending(process.returncode, limits)}; do not use this file"


def start_child(module: str, argument: str) -> subprocess.Popen[bytes]:
    """Starts a module of this package as a child process, with pipes to and from it.

    The current folder is not searched for modules (`-P`): it may be a foreign bundle.
    """
    path = os.pathsep.join(filter(None, [str(_PACKAGE), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, argument],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def ending(code: int, limits: Limits) -> str:
    """A phrase on how a child ended without a result, by its exit code."""
    if code >= 0:
        return f"its process ended without a result (exit code {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if -code in _OUT_OF_MEMORY:
        return (
            f"its process was ended by {name}, as when a model takes more memory than the "
            f"{limits.memory_gb:g} GB of --memory-limit"
        )
    return f"its process was ended by {name}"
