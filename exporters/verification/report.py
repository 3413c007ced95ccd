"""What verifying a bundle found: of every file, of every output, and what judges say of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from exporters.convert.recipes import Tolerance
from exporters.verification.image_metrics import Likeness


@dataclass(frozen=True)
class FileCheck:
    """Whether a file is the one that was exported; `fault` says what is wrong, or is None."""

    path: str
    fault: str | None

    @property
    def passed(self) -> bool:
        """Whether the file is intact."""
        return self.fault is None


@dataclass(frozen=True)
class OutputCheck:
    """One output of one signature of one artifact, held to its recipe's tolerance.

    Attributes:
        golden: Against the golden outputs, over all cases; the seeded ones are harder than
            images are.
        held_out: The same over the cases that were given to `export` alone (held-out images
            where `tf-translate export` made the bundle); None if none were.
        images: Over images given to `verify`; None without.
        tolerance: The limits, as in the manifest; every one of the three must keep them.
        fault: Why it fails, or None.
    """

    artifact: str
    signature: str
    output: str
    golden: Likeness
    held_out: Likeness | None
    images: Likeness | None
    tolerance: Tolerance
    fault: str | None

    @property
    def passed(self) -> bool:
        """Whether the output is within tolerance."""
        return self.fault is None

    @property
    def max_abs(self) -> float:
        """Largest difference over the golden cases; units as in `Likeness`."""
        return self.golden.max_abs

    @property
    def mean_abs(self) -> float:
        """Mean difference over the golden cases; units as in `Likeness`."""
        return self.golden.mean_abs

    @property
    def psnr(self) -> float:
        """Decibels over the golden cases."""
        return self.golden.psnr

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: metrics over the golden cases, and under their names those of the others."""
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
class Judged:
    """A metric of a judge on what an artifact gives, beside the same on what it should give.

    Attributes:
        metric: The judge's name for it.
        cases: How many images it was taken on.
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
        """What the artifact changed."""
        return self.value - self.original

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self) | {"change": self.change}


@dataclass(frozen=True)
class Verification:
    """All checks of one bundle.

    Attributes:
        bundle: The folder.
        files: One check a file, in the manifest's order, after the manifest itself.
        outputs: One check for each output of each signature of each artifact.
        faults: Whatever kept an artifact from being replayed.
        judged: What the judge says, if one was given; it decides nothing.
    """

    bundle: str
    files: tuple[FileCheck, ...]
    outputs: tuple[OutputCheck, ...]
    faults: tuple[str, ...]
    judged: tuple[Judged, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed and every artifact was replayed."""
        return bool(self.outputs) and not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for every failed check."""
        return (*self._of_checks(), *self.faults)

    def _of_checks(self) -> Iterator[str]:
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
            "judged": [each.as_dict() for each in self.judged],
        }
