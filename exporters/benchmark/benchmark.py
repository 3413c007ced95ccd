"""Times the .tflite files of a bundle on this machine, and measures their size and memory."""

import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from exporters.arguments import check_count, check_each
from exporters.benchmark.timed_process import Stopwatch
from exporters.bundle.bundle import Bundle, open_bundle
from exporters.errors import ExportError, ModelError
from exporters.inference.runner import recipes_of
from exporters.untrusted.limits import Limits, check_limits
from exporters.untrusted.model_process import ModelProcess
from exporters.verification import golden

_MAX_REPORT = 2**20  # bytes of the report of litert-benchmark


@dataclass(frozen=True)
class Timing:
    """One signature of one .tflite file with one number of threads, in a separate process.

    Attributes:
        load_ms: Time to read, check and prepare the file, in milliseconds.
        first_ms: Time of the first call, which allocates memory.
        median_ms, p90_ms: Median and 90th percentile of the following calls.
        peak_mb: Peak memory of the process, in megabytes.
        model_mb: The part of it that the model adds; the rest is Python and the runtime.
        size_bytes: Size of the file, which holds all signatures.
        multiply_adds: Multiply-adds of one call; elementwise operations are not counted.
        parameters: Number of weights in the file, for all signatures.
        litert_benchmark: Results of `litert-benchmark`, if it was run. `fully_accelerated` tells
            whether all signatures of the file are delegated (the CAST of a uint8 one prevents
            that). `init_ms` and `median_ms` are rounded to hundredths: 0 for calls below
            5 microseconds.
    """

    recipe: str
    signature: str
    threads: int
    runs: int
    load_ms: float
    first_ms: float
    median_ms: float
    p90_ms: float
    peak_mb: float
    model_mb: float
    size_bytes: int
    multiply_adds: int
    parameters: int
    litert_benchmark: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


class _Work(BaseModel):
    """How much a file computes and holds.

    Attributes:
        parameters: Number of weights, for all signatures.
        multiply_adds: Of one call of each signature.
    """

    parameters: int
    multiply_adds: dict[str, int]


def benchmark(
    path: str | Path,
    *,
    threads: Sequence[int] = (1, 2),
    runs: int = 20,
    run_litert_benchmark: bool = False,
    limits: Limits | None = None,
) -> list[Timing]:
    """Times every signature of every .tflite file on its first golden input.

    Args:
        path: The bundle.
        threads: Numbers of processor threads to measure with, each at least 1.
        runs: Timed calls after the first one, at least 1.
        run_litert_benchmark: Whether to run LiteRT's program `litert-benchmark` too, which
            reports delegation. Nothing is reported if it is not installed.
        limits: Of the time and memory of each child process; None for the defaults.

    Returns:
        One timing for each file, signature and number of threads.

    Raises:
        BundleError: If the bundle cannot be read.
        ModelError: If a file is refused, or its process fails, ends or takes too long.
        ExportError: If `runs` or one of `threads` is below 1.

    Example:
        `print({each.recipe: each.median_ms for each in benchmark("bundles/first", threads=[1])})`
    """
    check_counts(runs=runs, threads=threads)
    check_limits(limits)
    bundle = open_bundle(path)
    return [
        timing
        for recipe, file in recipes_of(bundle).items()
        for timing in _timings(
            bundle, recipe, file, threads, runs, run_litert_benchmark, limits or Limits()
        )
    ]


def _timings(
    bundle: Bundle,
    recipe: str,
    file: str,
    threads: Sequence[int],
    runs: int,
    run_litert_benchmark: bool,
    limits: Limits,
) -> Iterator[Timing]:
    """Timings of every signature of one file, with every number of threads."""
    work = _work(bundle, file, limits)
    of_file: dict[str, Any] = {
        "size_bytes": bundle.manifest.files[file].size,
        "parameters": work.parameters,
    }
    for signature in bundle.manifest.signatures:
        if signature not in work.multiply_adds:
            raise ModelError(f"{file} has no signature {signature!r}")
        with first_inputs(bundle, signature) as inputs:
            for count in threads:
                row = _measure(bundle.root, inputs, count, runs, (recipe, signature), limits)
                if run_litert_benchmark:
                    program = (bundle.root / file, signature, count, runs, limits)
                    row["litert_benchmark"] = _litert_benchmark(*program)
                row |= {"recipe": recipe, "signature": signature, "threads": count, "runs": runs}
                yield Timing(**row, **of_file, multiply_adds=work.multiply_adds[signature])


def _work(bundle: Bundle, file: str, limits: Limits) -> "_Work":
    request = {"do": "count", "bundle": str(bundle.root.absolute()), "file": file}
    with ModelProcess(limits) as process:
        answer, _ = process.ask(file, request)
    try:
        return _Work.model_validate(answer)
    except ValidationError as error:
        raise ModelError(
            f"{file}: its process sent no valid result; do not use this file"
        ) from error


def check_counts(*, threads: Sequence[int], **counts: int) -> None:
    """Raises ExportError if a number of runs or threads is below 1, or there are no threads."""
    check_each("threads", threads, Integral, "numbers of threads such as (1, 2)")
    if not threads:
        raise ExportError("`threads` must hold at least one number, got none")
    for name, values in ({"threads": threads} | {k: [v] for k, v in counts.items()}).items():
        for value in values:
            check_count(name, value)


@contextmanager
def first_inputs(bundle: Bundle, signature: str) -> Iterator[Path]:
    """A temporary `.npz` file with the first golden input of a signature."""
    cases = golden.read(bundle.read(bundle.manifest.golden.path), bundle.manifest)
    inputs, _ = next(cases[signature].cases())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "inputs.npz"
        np.savez(file, allow_pickle=False, **inputs)
        yield file


def _measure(
    root: Path,
    inputs: Path,
    threads: int,
    runs: int,
    selection: tuple[str, str],
    limits: Limits,
) -> dict[str, Any]:
    recipe, signature = selection
    with Stopwatch(
        root, threads=threads, inputs=inputs, limits=limits, recipe=recipe, signature=signature
    ) as stopwatch:
        times = [stopwatch.run() for _ in range(runs + 1)]
        memory = stopwatch.finish(inputs.with_name("outputs.npz"))
        return {
            "load_ms": stopwatch.load_ms,
            "first_ms": times[0],
            "median_ms": float(np.median(times[1:])),
            "p90_ms": float(np.percentile(times[1:], 90)),
            "peak_mb": memory.peak,
            "model_mb": memory.peak - memory.before,
        }


def _litert_benchmark(
    file: Path, signature: str, threads: int, runs: int, limits: Limits
) -> dict[str, Any] | None:
    in_environment = Path(sys.executable).with_name("litert-benchmark")
    program = str(in_environment) if in_environment.is_file() else shutil.which("litert-benchmark")
    if program is None:
        warnings.warn(
            "litert-benchmark is not installed, so delegation is not reported; "
            "it comes with the package ai-edge-litert",
            stacklevel=2,
        )
        return None
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        try:
            subprocess.run(
                [program, "--model", file, "--signature", signature,
                 "--num_threads", str(threads), "--num_runs", str(runs), "--warmup_runs", "1",
                 "--result_json", result],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=limits.seconds * (runs + 2),
                preexec_fn=partial(limits.restrict_this_process, largest_file=_MAX_REPORT),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            pass  # there is no report, as when it ends early
        except subprocess.SubprocessError as error:  # of preexec_fn
            raise ExportError("the limits of litert-benchmark cannot be set") from error
        if not result.is_file():
            warnings.warn(
                f"litert-benchmark ended without a report on {file.name}, so its delegation is not "
                "reported",
                stacklevel=2,
            )
            return None
        report = json.loads(result.read_text())
    latency = report.get("latency", {})
    return {
        "fully_accelerated": report.get("fully_accelerated"),
        "init_ms": latency.get("init_ms"),
        "median_ms": latency.get("median_ms"),
    }
