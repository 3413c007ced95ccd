"""Verification: what is in a bundle still does what the original function did.

Every file's hash comes first. Then each artifact whose files are intact is replayed on the
golden inputs and its outputs are held to its recipe's tolerances.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exporters import golden
from exporters.bundle import MANIFEST, Bundle, open_bundle
from exporters.errors import BundleError, ExportError
from exporters.golden import Arrays, Golden
from exporters.manifest import ArtifactRecord, TensorRecord
from exporters.recipes import Tolerance
from exporters.runtime import Runner


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
    """One output of one signature of one artifact against the golden outputs, over all cases.

    Attributes:
        max_abs, mean_abs: Differences, in levels for uint8, else on the scale of [-1, 1].
        psnr: Decibels, infinite where the outputs are equal.
        tolerance: The limits, as in the manifest.
        fault: Why it fails, or None.
    """

    artifact: str
    signature: str
    output: str
    max_abs: float
    mean_abs: float
    psnr: float
    tolerance: Tolerance
    fault: str | None

    @property
    def passed(self) -> bool:
        """Whether the output is within tolerance."""
        return self.fault is None


@dataclass(frozen=True)
class Verification:
    """All checks of one bundle.

    Attributes:
        bundle: The folder.
        files: One check a file, in the manifest's order, after the manifest itself.
        outputs: One check for each output of each signature of each artifact.
        faults: Whatever kept an artifact from being replayed.
    """

    bundle: str
    files: tuple[FileCheck, ...]
    outputs: tuple[OutputCheck, ...]
    faults: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed and every artifact was replayed."""
        return bool(self.outputs) and not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for every failed check."""
        found = [check.fault for check in self.files] + [check.fault for check in self.outputs]
        return (*(fault for fault in found if fault is not None), *self.faults)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; an infinite PSNR (equal outputs) and differences of NaN are null."""
        return {
            "bundle": self.bundle,
            "passed": self.passed,
            "files": [asdict(check) | {"passed": check.passed} for check in self.files],
            "outputs": [_output_dict(check) for check in self.outputs],
            "faults": list(self.faults),
        }


def verify(path: str | Path) -> Verification:
    """Checks a bundle's files, then replays every artifact on the golden inputs.

    A changed or missing file, or an output out of tolerance, is a failed check; only a folder
    that is no bundle is an error.

    Args:
        path: The bundle.

    Raises:
        BundleError: If the folder is no bundle, or comes from a newer version.
    """
    bundle = open_bundle(path)
    files = tuple(_file_checks(bundle))
    broken = {check.path for check in files if not check.passed}
    faults: list[str] = []
    outputs: list[OutputCheck] = []
    try:
        cases = golden.read(bundle.read(bundle.manifest.golden.path), bundle.manifest)
    except BundleError as error:
        return Verification(str(path), files, (), (f"nothing was replayed: {error}",))
    for name, artifact in bundle.manifest.artifacts.items():
        damaged = broken & _files_it_loads(bundle, name, files)
        if damaged:
            faults.append(f"{name} was not replayed because of {', '.join(sorted(damaged))}")
            continue
        try:
            outputs += _replayed(bundle, name, artifact, cases)
        except Exception as error:  # a foreign model may fail in any way; that is the finding
            faults.append(f"{name} cannot be replayed: {error}")
    return Verification(str(path), files, tuple(outputs), tuple(faults))


def compare(
    expected: np.ndarray, actual: np.ndarray, tensor: TensorRecord
) -> tuple[float, float, float]:
    """Largest and mean absolute difference and PSNR between two arrays of one shape.

    Returns:
        Differences in levels for uint8; for floats on the scale of an image in [-1, 1]: a
        range of another width is scaled to 2, and a tensor with no range is scaled by the
        largest expected magnitude where that exceeds 1. PSNR in decibels with the range's
        width as its peak; infinite if equal. All NaN if `actual` is not finite.
    """
    difference = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    if not np.isfinite(difference).all():
        return math.nan, math.nan, math.nan
    peak = 255.0
    if tensor.dtype != "uint8":
        largest = float(np.abs(expected).max())
        width = tensor.width or 2.0 * max(1.0, largest)
        difference, peak = difference * (2.0 / width), 2.0
    squared = float(np.mean(difference**2))
    psnr = math.inf if squared == 0 else 10.0 * math.log10(peak**2 / squared)
    return float(difference.max()), float(difference.mean()), psnr


def _file_checks(bundle: Bundle) -> Iterator[FileCheck]:
    manifest = bundle.manifest
    changed = manifest.digest != manifest.expected_digest()
    yield FileCheck(MANIFEST, f"{MANIFEST} was changed after export" if changed else None)
    for path in manifest.files:
        yield FileCheck(path, bundle.fault_of(path))
    # TensorFlow reads whatever lies in the folder of a SavedModel, so nothing may be added.
    for artifact in manifest.artifacts.values():
        folder = bundle.root / artifact.path
        for file in sorted(folder.rglob("*")) if artifact.kind == "saved_model" else ():
            path = file.relative_to(bundle.root).as_posix()
            if not file.is_dir() and path not in manifest.files:
                yield FileCheck(path, f"{path} was added after export")


def _files_it_loads(bundle: Bundle, name: str, files: tuple[FileCheck, ...]) -> set[str]:
    folder = bundle.manifest.artifacts[name].path + "/"
    added = {check.path for check in files if check.path.startswith(folder)}
    return added | set(bundle.manifest.files_of(name))


def _replayed(
    bundle: Bundle, name: str, artifact: ArtifactRecord, cases: Mapping[str, Golden]
) -> list[OutputCheck]:
    run = _runner(bundle, artifact)
    checks = []
    for signature, record in bundle.manifest.signatures.items():
        outputs = [run(signature, inputs) for inputs, _ in cases[signature].cases()]
        for tensor in record.outputs:
            expected = cases[signature].outputs[tensor.name]
            actual = np.stack([case[tensor.name] for case in outputs])
            checks.append(_check(name, signature, tensor, artifact, expected, actual))
    return checks


def _runner(bundle: Bundle, artifact: ArtifactRecord) -> Callable[[str, Arrays], Arrays]:
    if artifact.kind == "tflite":
        return Runner(bundle, recipe=artifact.recipe).run
    import tensorflow as tf  # slow to load, and bundles without a SavedModel do without it

    from exporters import harmless, saved_model

    harmless.check(bundle.root / artifact.path)
    functions = saved_model.load(bundle.root / artifact.path)

    def run(signature: str, inputs: Arrays) -> Arrays:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {name: np.asarray(value) for name, value in functions[signature](**tensors).items()}

    return run


def _check(
    artifact: str,
    signature: str,
    tensor: TensorRecord,
    record: ArtifactRecord,
    expected: np.ndarray,
    actual: np.ndarray,
) -> OutputCheck:
    place = f"{artifact}: output {tensor.name!r} of {signature!r}"
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        raise ExportError(
            f"{place} is {actual.dtype} {actual.shape}, golden is {expected.dtype} {expected.shape}"
        )
    tolerance = record.uint8_tolerance if tensor.dtype == "uint8" else record.float_tolerance
    max_abs, mean_abs, psnr = compare(expected, actual, tensor)
    fault = _fault(place, tolerance, max_abs, mean_abs, psnr)
    return OutputCheck(artifact, signature, tensor.name, max_abs, mean_abs, psnr, tolerance, fault)


def _fault(
    place: str, tolerance: Tolerance, max_abs: float, mean_abs: float, psnr: float
) -> str | None:
    if math.isnan(max_abs):
        return f"{place} holds values that are not finite"
    if tolerance.max_abs is not None and max_abs > tolerance.max_abs:
        return f"{place} is off by {max_abs:.3g}, at most {tolerance.max_abs:g} is allowed"
    if tolerance.mean_abs is not None and mean_abs > tolerance.mean_abs:
        limit = tolerance.mean_abs
        return f"{place} is off by {mean_abs:.3g} on average, at most {limit:g} is allowed"
    if tolerance.psnr is not None and psnr < tolerance.psnr:
        return f"{place} has a PSNR of {psnr:.1f} dB, at least {tolerance.psnr:g} dB is asked"
    return None


def _output_dict(check: OutputCheck) -> dict[str, Any]:
    numbers = {"max_abs": check.max_abs, "mean_abs": check.mean_abs, "psnr": check.psnr}
    finite = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
    return {
        "artifact": check.artifact,
        "signature": check.signature,
        "output": check.output,
        **finite,
        "tolerance": check.tolerance.model_dump(exclude_none=True),
        "fault": check.fault,
        "passed": check.passed,
    }
