"""How fast and how large the .tflite files of a bundle are on this machine."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exporters import golden
from exporters.bundle import open_bundle
from exporters.errors import ExportError
from exporters.runtime import Runner, recipes_of


@dataclass(frozen=True)
class Timing:
    """Latency of one signature of one .tflite file.

    Attributes:
        first_ms: First call in milliseconds, with its memory allocation.
        median_ms, p90_ms: Over the calls after it.
        size_bytes: Size of the file, which holds all signatures.
    """

    recipe: str
    signature: str
    threads: int
    runs: int
    first_ms: float
    median_ms: float
    p90_ms: float
    size_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def benchmark(path: str | Path, *, threads: int = 1, runs: int = 20) -> list[Timing]:
    """Times every signature of every .tflite file on its first golden input.

    Args:
        path: The bundle.
        threads: Processor threads, at least 1.
        runs: Calls after the first one, at least 1.

    Raises:
        BundleError: If the bundle cannot be read.
        ExportError: If `runs` or `threads` is below 1.
    """
    if runs < 1:
        raise ExportError(f"`runs` must be at least 1, got {runs}")
    bundle = open_bundle(path)
    cases = golden.read(bundle.read(bundle.manifest.golden.path), bundle.manifest)
    timings = []
    for recipe, file in recipes_of(bundle).items():
        runner = Runner(bundle, recipe=recipe, threads=threads)
        for signature in bundle.manifest.signatures:
            inputs, _ = next(cases[signature].cases())
            times = [_milliseconds(runner, signature, inputs) for _ in range(runs + 1)]
            timings.append(
                Timing(
                    recipe=recipe,
                    signature=signature,
                    threads=threads,
                    runs=runs,
                    first_ms=times[0],
                    median_ms=float(np.median(times[1:])),
                    p90_ms=float(np.percentile(times[1:], 90)),
                    size_bytes=bundle.manifest.files[file].size,
                )
            )
    return timings


def _milliseconds(runner: Runner, signature: str, inputs: golden.Arrays) -> float:
    start = time.perf_counter()
    runner.run(signature, inputs)
    return (time.perf_counter() - start) * 1000.0
