"""The results of a verification: checks of files and outputs, and the metrics of judges."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from exporters.convert.recipes import Tolerance
from exporters.verification.failing_recipes import FailingRecipe, failing_recipes
from exporters.verification.image_metrics import OutputDifference


@dataclass(frozen=True)
class FileCheck:
    """Whether a file is as it was exported; `fault` says what is wrong, None if it is intact."""

    path: str
    fault: str | None

    @property
    def passed(self) -> bool:
        """Whether the file is intact."""
        return self.fault is None


@dataclass(frozen=True)
class OutputCheck:
    """One output of one signature of one artifact, checked against its recipe's tolerance.

    Attributes:
        golden: Differences over all golden cases; the seeded ones are harder than real images.
        held_out: Differences over the golden cases from examples; None if there are none. They
            are held-out images if `tf-translate export` wrote the bundle.
        images: Differences over the images passed to `verify`; None without them.
        tolerance: The limits from the manifest; all three differences must be within them.
        fault: Why the check fails, or None.
    """

    artifact: str
    signature: str
    output: str
    golden: OutputDifference
    held_out: OutputDifference | None
    images: OutputDifference | None
    tolerance: Tolerance
    fault: str | None

    @property
    def passed(self) -> bool:
        """Whether the output is within tolerance."""
        return self.fault is None

    @property
    def max_abs(self) -> float:
        """Largest difference over the golden cases; units as in `OutputDifference`."""
        return self.golden.max_abs

    @property
    def mean_abs(self) -> float:
        """Mean difference over the golden cases; units as in `OutputDifference`."""
        return self.golden.mean_abs

    @property
    def psnr(self) -> float:
        """Decibels over the golden cases."""
        return self.golden.psnr

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: metrics over golden cases at the top level, the others under their names."""
        return {
            "artifact": self.artifact,
            "signature": self.signature,
            "output": self.output,
            **self.golden.as_dict(),
            "held_out": None if self.held_out is None else self.held_out.as_dict(),
            "images": None if self.images is None else self.images.as_dict(),
            "tolerance": self.tolerance.model_dump(exclude_none=True),
            "fault": self.fault,
            "passed": self.passed,
        }


@dataclass(frozen=True)
class JudgeMetric:
    """A metric of a judge on an artifact's outputs, and on the original's.

    A judge is an evaluation classifier that was never used in training.

    Attributes:
        metric: The judge's name of the metric.
        cases: Number of images it was computed on.
        original, value: The metric of the original's outputs, and of the artifact's.
    """

    artifact: str
    signature: str
    metric: str
    cases: int
    original: float
    value: float

    @property
    def change(self) -> float:
        """The artifact's metric minus the original's."""
        return self.value - self.original

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self) | {"change": self.change}


@dataclass(frozen=True)
class Verification:
    """All checks of one bundle.

    Attributes:
        bundle: The folder.
        files: One check per file: the manifest, then its files in order.
        outputs: One check for each output of each signature of each artifact.
        faults: Reasons why an artifact was not replayed.
        judge_metrics: Metrics of the judge, if one was passed; they do not affect `passed`.
        sizes: Bytes of each .tflite file, by its recipe.
    """

    bundle: str
    files: tuple[FileCheck, ...]
    outputs: tuple[OutputCheck, ...]
    faults: tuple[str, ...]
    judge_metrics: tuple[JudgeMetric, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every check passed and every artifact was replayed."""
        return bool(self.outputs) and not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for every failed check."""
        return (*self._check_faults(), *self.faults)

    @property
    def failing_recipes(self) -> tuple[FailingRecipe, ...]:
        """The .tflite files that were not as the original, each with those that are."""
        return failing_recipes(self.outputs, self.faults, self.sizes)

    def _check_faults(self) -> Iterator[str]:
        checks: list[FileCheck | OutputCheck] = [*self.files, *self.outputs]
        for check in checks:
            if check.fault is not None:
                yield check.fault

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; an infinite PSNR (equal outputs) and differences of NaN are null."""
        return {
            "bundle": self.bundle,
            "passed": self.passed,
            "files": [asdict(check) | {"passed": check.passed} for check in self.files],
            "outputs": [check.as_dict() for check in self.outputs],
            "faults": list(self.faults),
            "failing_recipes": [each.as_dict() for each in self.failing_recipes],
            "judge_metrics": [each.as_dict() for each in self.judge_metrics],
        }
