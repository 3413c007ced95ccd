"""The child process of `scripts/bench training`: a training step for every line on stdin."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from exporters.benchmark.timed_process import peak_memory


class Training(Protocol):
    """Training steps in one framework.

    Attributes:
        parameters: Number of trainable parameters by network.
        versions: Versions of the framework's packages.
    """

    parameters: Mapping[str, int]
    versions: Mapping[str, str]

    def step(self) -> Mapping[str, float]:
        """Takes a training step on the batch; returns the unweighted losses."""

    def product(self) -> float:
        """Multiplies two large matrices in the precision of training; returns one value."""


def serve(load: Callable[[Mapping[str, Any]], Training]) -> None:
    """Loads the task of the first argument, then carries out the orders on stdin.

    The order `run` takes a step, `product` multiplies matrices, any other ends the process.
    """
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # only answers go to stdout
        try:
            _serve(load, lambda **answer: print(json.dumps(answer), file=answers, flush=True))
        except Exception as error:  # the parent process reports it
            reason = (str(error).strip().splitlines() or [""])[0]
            answer = {"error": f"{sys.argv[0]} fails: {type(error).__name__}: {reason}"}
            print(json.dumps(answer), file=answers, flush=True)


def _serve(load: Callable[[Mapping[str, Any]], Training], say: Callable[..., None]) -> None:
    start = time.perf_counter()
    training = load(json.loads(sys.argv[1]))
    loaded = {"parameters": dict(training.parameters), "versions": dict(training.versions)}
    say(ms=_since(start), **loaded)
    for line in sys.stdin:
        start = time.perf_counter()
        if line.strip() == "run":
            losses = training.step()
            say(ms=_since(start), losses=losses)
        elif line.strip() == "product":
            training.product()
            say(ms=_since(start))
        else:
            say(peak=peak_memory())
            return


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000.0
