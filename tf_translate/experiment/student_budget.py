"""The largest student whose exported file runs within a time on this machine.

Multiply-adds do not predict latency, so untrained students are exported and timed.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

import exporters
from tf_translate.core.signature import image_signatures
from tf_translate.distillation.networks import student_network
from tf_translate.distillation.student_settings import StudentSettings
from tf_translate.errors import ConfigError
from tf_translate.networks.inference_behavior import describe_inference

# Filters and residual blocks of the students that are timed, from small to large.
LADDER = (
    *((8, 3), (8, 6), (12, 6), (16, 6), (16, 9), (24, 6)),
    *((24, 9), (32, 6), (32, 9), (48, 6), (48, 9), (64, 9)),
)
_CLEARLY = 1.5  # times the budget: nothing larger is timed


@dataclass(frozen=True)
class TimedStudent:
    """An untrained student, exported and timed.

    Attributes:
        student: The student as `--student` takes it.
        median_ms: Median time of one image, in milliseconds.
        multiply_adds: Multiply-adds of one image.
        parameters: Number of weights in the file.
        size_bytes: Size of the file.
    """

    student: str
    median_ms: float
    multiply_adds: int
    parameters: int
    size_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)


def time_students(
    size: tuple[int, int],
    budget_ms: float,
    *,
    recipe: str = "float32",
    threads: int = 1,
    runs: int = 20,
    ladder: Sequence[tuple[int, int]] = LADDER,
    report: Callable[[TimedStudent], None] = lambda _: None,
) -> list[TimedStudent]:
    """Exports and times students from small to large, until one takes much longer than allowed.

    Args:
        size: Height and width of the images.
        budget_ms: Milliseconds that an image may take.
        recipe: How the students are converted.
        threads: Number of processor threads.
        runs: Timed calls of each.
        ladder: Filters and residual blocks of the students, from small to large.
        report: Called with each as it is timed.

    Raises:
        ConfigError: If the budget is not above 0 or the size does not fit the network.
    """
    if not 0 < budget_ms < float("inf"):
        raise ConfigError(f"--budget-ms must be above 0, got {budget_ms:g}")
    timed: list[TimedStudent] = []
    for filters, blocks in ladder:
        timed.append(_time(size, filters, blocks, recipe, threads, runs))
        report(timed[-1])
        if timed[-1].median_ms > _CLEARLY * budget_ms:
            break
    return timed


def largest_within(timed: Sequence[TimedStudent], budget_ms: float) -> TimedStudent | None:
    """The one with the most parameters of those within the budget; None if all take longer."""
    within = [each for each in timed if each.median_ms <= budget_ms]
    return max(within, key=lambda each: each.parameters, default=None)


def _time(
    size: tuple[int, int], filters: int, blocks: int, recipe: str, threads: int, runs: int
) -> TimedStudent:
    settings = StudentSettings(base_filters=filters, residual_blocks=blocks)
    keras.utils.set_random_seed(0)
    try:
        network = student_network(settings, (*size, 3), 3, input_skip=False, name="student")
    except ValueError as error:
        raise ConfigError(f"--size {size[0]} {size[1]} does not fit a student: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "student")
        signatures = image_signatures({"translate": network}, describe_inference)
        exporters.export(signatures, bundle, recipes=(recipe,))
        timings = exporters.benchmark(bundle, threads=[threads], runs=runs)
    timing = next(each for each in timings if each.signature == "translate")
    return TimedStudent(
        student=f"mobile:filters={filters},blocks={blocks}",
        median_ms=timing.median_ms,
        multiply_adds=timing.multiply_adds,
        parameters=timing.parameters,
        size_bytes=timing.size_bytes,
    )
