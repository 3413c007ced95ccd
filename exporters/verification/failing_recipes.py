"""Which recipes pass where one fails, with their size and how close they are."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporters.verification.report import OutputCheck

_SAFE = ("float16", "float32")  # recipes that pass for most models, the smaller first


@dataclass(frozen=True)
class PassingRecipe:
    """A file of the bundle that passes.

    Attributes:
        recipe: Its recipe.
        psnr: The lowest in decibels of all its outputs and cases; infinite if all are equal.
        bytes: Its size.
    """

    recipe: str
    psnr: float
    bytes: int

    def sentence(self) -> str:
        """For people, such as `int8_float_norm passes (31.0 dB, 2.9 MB)`."""
        close = f"{self.psnr:.1f} dB" if math.isfinite(self.psnr) else "equal outputs"
        return f"{self.recipe} passes ({close}, {_megabytes(self.bytes)})"


@dataclass(frozen=True)
class FailingRecipe:
    """A file of the bundle that fails, and those that pass, the smallest first.

    Attributes:
        recipe: Its recipe.
        reason: Why it fails, such as `21.0 dB, limit 28`.
        psnr: The lowest in decibels of its failing outputs; None if none was compared.
        passing: The files that pass.
        suggested: A recipe to export, if no file passes; None if all that are safe fail.
    """

    recipe: str
    reason: str
    psnr: float | None
    passing: tuple[PassingRecipe, ...]
    suggested: str | None

    def sentence(self) -> str:
        """For people, such as `int8 fails (21.0 dB, limit 28): int8_float_norm passes (...)`."""
        if self.passing:
            others = ", ".join(each.sentence() for each in self.passing)
        else:
            others = "no other file of the bundle passes"
        if self.suggested is not None:
            others += f"; export with --recipe {self.suggested}"
        return f"{self.recipe} fails ({self.reason}): {others}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; a PSNR that is infinite (equal outputs) or NaN is null."""
        passing = [{**asdict(each), "psnr": _finite(each.psnr)} for each in self.passing]
        return {**asdict(self), "psnr": _finite(self.psnr), "passing": passing}


def failing_recipes(
    outputs: Sequence["OutputCheck"], faults: Iterable[str], sizes: Mapping[str, int]
) -> tuple[FailingRecipe, ...]:
    """The .tflite files that fail, each with those that pass.

    Args:
        outputs: Checks of all outputs of all artifacts.
        faults: Further faults, which begin with the name of an artifact.
        sizes: Bytes of each .tflite file, by its recipe.
    """
    checks = {name: [each for each in outputs if each.artifact == name] for name in sizes}
    faulty = {
        name for fault in faults for name in sizes if fault.startswith((f"{name} ", f"{name}:"))
    }
    failing = [
        name for name in sizes if name in faulty or any(not each.passed for each in checks[name])
    ]
    passing = [
        PassingRecipe(name, min(map(_lowest_psnr, checks[name])), size)
        for name, size in sorted(sizes.items(), key=lambda item: item[1])
        if name not in failing and checks[name]
    ]
    untried = [name for name in _SAFE if name not in sizes]
    suggested = None if passing or not untried else untried[0]
    return tuple(
        FailingRecipe(name, *_why(checks[name]), tuple(passing), suggested) for name in failing
    )


def _why(checks: Sequence["OutputCheck"]) -> tuple[str, float | None]:
    """The reason why a file fails, and its lowest PSNR if outputs were compared and fail."""
    failed = [each for each in checks if not each.passed]
    if not failed:
        return ("its pixels differ from its floats" if checks else "it was not replayed"), None
    worst = min(failed, key=lambda each: _or_least(_lowest_psnr(each)))
    return _reason(worst), _lowest_psnr(worst)


def _reason(check: "OutputCheck") -> str:
    psnr, limits = _lowest_psnr(check), check.tolerance
    if math.isnan(psnr):
        return "values that are not finite"
    if limits.psnr is not None and psnr < limits.psnr:
        return f"{psnr:.1f} dB, limit {limits.psnr:g}"
    for limit, errors in (
        (limits.max_abs, [each.max_abs for each in _differences(check)]),
        (limits.mean_abs, [each.mean_abs for each in _differences(check)]),
    ):
        if limit is not None and max(errors) > limit:
            return f"off by {max(errors):.3g}, limit {limit:g}"
    return "outside of its value range"


def _differences(check: "OutputCheck") -> list[Any]:
    return [each for each in (check.golden, check.held_out, check.images) if each is not None]


def _lowest_psnr(check: "OutputCheck") -> float:
    """Over golden cases, held-out ones and images; NaN if any value is not finite."""
    found = [each.psnr for each in _differences(check)]
    return math.nan if any(map(math.isnan, found)) else min(found)


def _or_least(psnr: float) -> float:
    return -math.inf if math.isnan(psnr) else psnr


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
