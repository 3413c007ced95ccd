"""A child process that opens many inputs, one line of JSON for each, with limits."""

import json
import os
import resource
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

SECONDS = 60  # for each input
START_SECONDS = 300  # for the start of a process, on a busy machine


class ChildProcess:
    """The child, seen from the command that starts it.

    Args:
        module: What it runs, with `python -P -m`; it calls `answer_lines`.
        arguments: Of the module.
        folder: Where it works; its home and temporary files are there too.
        variables: Further environment variables.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], folder: Path, **variables: str
    ) -> None:
        from scripts.benchmarks.machine import with_root_on_path  # slow, and a child needs none

        environment = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            cwd=folder,
            env=with_root_on_path(**environment | variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started = self.ask("ready", START_SECONDS)
        if started["outcome"] != "ready":
            sys.exit(f"the child process of {module} does not start: {started}")

    def ask(self, question: str, seconds: float = SECONDS) -> dict:
        """What happened to an input: `outcome` (a key of the counts) and details."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._ended()
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            self.stop()
            return {"outcome": "hangs", "ended": True}
        line = self._process.stdout.readline()
        return json.loads(line) if line else self._ended()

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()

    def _ended(self) -> dict:
        return {"outcome": "signals", "ended": True, "exit": self._process.wait()}


def answer_lines(memory: int, prepare: Callable[[], Callable[[str], dict]]) -> int:
    """Runs in the child: answers each line of stdin with a line of JSON; returns exit code 0.

    Args:
        memory: Most bytes of address space.
        prepare: Called once, with the limits set; returns what answers an input.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print
    answer_to = prepare()
    for line in sys.stdin:
        answer = {"outcome": "ready"} if line == "ready\n" else answer_to(line.strip())
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    return 0
