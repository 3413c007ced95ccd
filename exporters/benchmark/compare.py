"""Compares a bundle's .tflite files with the same network in ONNX Runtime or PyTorch."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exporters.arguments import check_path
from exporters.benchmark.benchmark import check_counts, first_inputs
from exporters.benchmark.timed_process import Stopwatch, TimedProcess
from exporters.bundle.bundle import open_bundle
from exporters.bundle.manifest import get_signature
from exporters.errors import ExportError
from exporters.inference.runner import recipes_of
from exporters.untrusted.limits import Limits, check_limits

WARM_UP = 2  # calls: runtimes allocate memory in the first, and some optimise in the second


@dataclass(frozen=True)
class Comparison:
    """One .tflite file against another runtime: they are called alternately, once per round.

    Attributes:
        recipe, signature, threads, rounds: What was run, and how often.
        other: Name of the other file.
        median_ms, other_median_ms: Medians over all rounds, in milliseconds.
        ratio: Median over rounds of this file's time divided by the other's; below 1 is faster.
        ratio_p10, ratio_p90: 10th and 90th percentile of that ratio.
        max_abs: Largest difference of the first output, in the units of the output.
    """

    recipe: str
    signature: str
    threads: int
    rounds: int
    other: str
    median_ms: float
    other_median_ms: float
    ratio: float
    ratio_p10: float
    ratio_p90: float
    max_abs: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def compare(
    path: str | Path,
    other: str | Path,
    *,
    signature: str | None = None,
    threads: int = 2,
    rounds: int = 10,
    limits: Limits | None = None,
) -> list[Comparison]:
    """Times every .tflite file of a bundle against the same network in another runtime.

    Args:
        path: The bundle.
        other: An `.onnx` file (run by ONNX Runtime) or a `.pt` file of TorchScript (run by
            PyTorch), of the same network as the signature.
        signature: A signature of the bundle; None for the first one.
        threads: Processor threads of every runtime, at least 1.
        rounds: Timed calls of each, after two calls to warm up; at least 1.
        limits: Of the time and memory of the processes that run the bundle; None for the
            defaults. The other file is run without limits.

    Returns:
        One comparison for each .tflite file.

    Raises:
        BundleError: If the bundle cannot be read.
        ModelError: If one of its files is refused, or its process fails, ends or takes too long.
        ExportError: If the other file or its runtime is missing, if its outputs have another
            shape, or a number is below 1.

    Example:
        `print({each.recipe: each.ratio for each in compare("bundles/first", "first.onnx")})`
    """
    check_counts(rounds=rounds, threads=[threads])
    check_limits(limits)
    check_path("other", other)
    bundle, file = open_bundle(path), Path(other)
    name = signature or next(iter(bundle.manifest.signatures))
    get_signature(bundle.manifest.signatures, name)
    recipes = list(recipes_of(bundle))
    with first_inputs(bundle, name) as inputs, ExitStack() as stack:
        options: dict[str, Any] = {"threads": threads, "inputs": inputs}
        runners = {file.name: stack.enter_context(Stopwatch(file, **options))}
        for recipe in recipes:
            stopwatch = Stopwatch(
                bundle.root, recipe=recipe, signature=name, limits=limits or Limits(), **options
            )
            runners[recipe] = stack.enter_context(stopwatch)
        times = take_turns(runners, rounds)
        outputs = {who: _first_output(each, inputs, who) for who, each in runners.items()}
    shared: dict[str, Any] = {"signature": name, "threads": threads, "rounds": rounds}
    return [
        Comparison(
            recipe=recipe,
            other=file.name,
            **shared,
            **ratios(times[recipe], times[file.name]),
            max_abs=_difference(outputs[recipe], outputs[file.name], file.name),
        )
        for recipe in recipes
    ]


def take_turns(
    runners: Mapping[str, TimedProcess], rounds: int, *, warm_up: int = WARM_UP
) -> dict[str, list[float]]:
    """Runs each process once per round, A B A B, after some calls that are not timed.

    Returns:
        Milliseconds by name, one per round; equal indices were measured right after each other.
    """
    for _ in range(warm_up):
        for runner in runners.values():
            runner.run()
    times: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            times[name].append(runner.run())
    return times


def ratios(own: Sequence[float], other: Sequence[float]) -> dict[str, Any]:
    """Medians of two equally long series of times, and percentiles of their ratio per round."""
    by_round = np.asarray(own) / np.asarray(other)
    return {
        "median_ms": float(np.median(own)),
        "other_median_ms": float(np.median(other)),
        "ratio": float(np.median(by_round)),
        "ratio_p10": float(np.percentile(by_round, 10)),
        "ratio_p90": float(np.percentile(by_round, 90)),
    }


def _first_output(stopwatch: Stopwatch, inputs: Path, name: str) -> np.ndarray:
    file = inputs.with_name(f"{name}.outputs.npz")
    stopwatch.finish(file)
    with np.load(file, allow_pickle=False) as archive:
        return archive[archive.files[0]]


def _difference(own: np.ndarray, other: np.ndarray, name: str) -> float:
    if own.shape != other.shape:
        raise ExportError(
            f"{name} gives an output of shape {other.shape} and the bundle {own.shape}; compare "
            "one network with itself"
        )
    return float(np.abs(own.astype(np.float64) - other.astype(np.float64)).max())
