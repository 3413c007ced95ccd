"""Verification: checks that a bundle still computes what the original function did.

The hash of every file is checked first. Then each artifact with intact files is replayed on the
golden inputs, and on further images if any are passed. Its outputs are compared with the
original's and checked against the tolerances of its recipe.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exporters.arguments import check_path, check_type
from exporters.bundle.bundle import MANIFEST, Bundle, open_bundle
from exporters.bundle.signatures import is_pixels
from exporters.convert.recipes import Tolerance
from exporters.errors import BundleError, ExportError, first_line
from exporters.untrusted.limits import Limits, check_limits
from exporters.verification import golden, golden_files
from exporters.verification.artifact_runs import ArtifactRuns, Run
from exporters.verification.contact_sheet import Sheet, check_sheet_path
from exporters.verification.golden import Arrays, Golden
from exporters.verification.image_metrics import OutputDifference, compare
from exporters.verification.replay import (
    DamagedError,
    Images,
    all_finite,
    as_float_signature,
    by_signature,
    check_images,
    check_intact,
    concatenate,
    held_out,
    image_cases,
    replayed,
)
from exporters.verification.report import FileCheck, JudgeMetric, OutputCheck, Verification
from exporters.verification.value_range import range_fault

# Computes metrics of a signature's outputs: values by name, each with the number of images it was
# computed on. Arguments: the name of a float signature, inputs and outputs `(cases, *shape)`, with
# real images in float32 in [-1, 1]. Metrics that it cannot compute are missing from the result.
Judge = Callable[[str, Arrays, Arrays], Mapping[str, tuple[float, int]]]

_ON_HELD_OUT = " on held-out cases"
_ON_IMAGES = " on the images given"


def verify(
    path: str | Path,
    *,
    images: Images = (),
    original: Run | None = None,
    judge: Judge | None = None,
    sheet: str | Path | None = None,
    isolated: bool = True,
    limits: Limits | None = None,
) -> Verification:
    """Checks a bundle's files, then replays every artifact on the golden inputs.

    A changed or missing file, or an output out of tolerance, is a failed check. Only a folder
    that is not a bundle is an error.

    Args:
        path: The bundle.
        images: Further images to replay on, uint8 `(height, width, channels)` of any size; each
            signature gets those with its number of channels. Or a mapping with images for some
            float signatures, such as `{"a_to_b": [...], "b_to_a": [...]}`; others get none.
        original: Computes the expected outputs for `images` from a signature's name and one
            case. By default the bundle's SavedModel does, which is itself checked against the
            golden outputs.
        judge: Computes metrics (see `Judge`) of the original's and of each artifact's outputs on
            real images: golden cases from examples, and `images`.
        sheet: PNG file to write with golden images side by side: the original's outputs (Keras),
            each artifact's, and the difference of pixels times 8.
        isolated: Whether models run in child processes with limits, where a forged one can
            neither end this process nor fill the memory. False saves seconds and is for bundles
            that you trust, such as one that you have just exported.
        limits: Of the time and memory of a child process; None for the defaults.

    Returns:
        All checks. `passed` tells whether each of them passed, `failures` has a sentence for each
        that did not.

    Raises:
        BundleError: If the folder is not a bundle, or has another format version.
        ExportError: If `sheet` lies within the bundle or cannot be written, or `images` names a
            signature that takes none of them.

    Example:
        ```python
        found = verify("bundles/first")
        print(found.passed, *found.failures, sep="\\n")
        ```
    """
    bundle = open_bundle(path)
    check_limits(limits)
    check_images(images)
    if judge is not None:
        check_type("judge", judge, Callable, "a function")  # type: ignore[arg-type]
    if sheet is not None:
        check_path("sheet", sheet)
        check_sheet_path(Path(sheet), bundle)
    by_name = by_signature(bundle.manifest, images) if len(images) else {}
    files = tuple(_file_checks(bundle))
    try:
        cases = golden.read(bundle.read(bundle.manifest.golden.path), bundle.manifest)
    except BundleError as error:
        return Verification(str(path), files, (), (f"nothing was replayed: {error}",))
    broken = {check.path for check in files if not check.passed}
    with ArtifactRuns(bundle, (limits or Limits()) if isolated else None) as runs:
        replay = _Replay(bundle, broken, cases, judge, runs)
        replay.check_golden_ranges()
        replay.check_golden_files(cases)
        if len(images):
            replay.add_images(by_name, original)
        for name in bundle.manifest.artifacts:
            replay.add_artifact(name)
    if sheet is not None and replay.outputs:
        replay.sheet.write(Path(sheet))
    return Verification(
        str(path),
        files,
        tuple(replay.outputs),
        tuple(replay.faults),
        tuple(replay.judge_metrics),
        _sizes(bundle),
    )


def _sizes(bundle: Bundle) -> dict[str, int]:
    """Bytes of each .tflite file, by its recipe."""
    manifest = bundle.manifest
    return {
        name: manifest.files[each.path].size
        for name, each in manifest.artifacts.items()
        if each.kind == "tflite" and each.path in manifest.files
    }


def _file_checks(bundle: Bundle) -> Iterator[FileCheck]:
    manifest = bundle.manifest
    changed = manifest.digest != manifest.expected_digest()
    yield FileCheck(MANIFEST, f"{MANIFEST} was changed after export" if changed else None)
    for path in manifest.files:
        yield FileCheck(path, bundle.fault_of(path))
    # TensorFlow reads any file in the folder of a SavedModel, so none may be added.
    for artifact in manifest.artifacts.values():
        folder = bundle.root / artifact.path
        # A folder that is a symbolic link may lead to a whole disk; `fault_of` refuses it above.
        searched = artifact.kind == "saved_model" and not bundle.leads_outside(artifact.path)
        for file in sorted(folder.rglob("*")) if searched else ():
            path = file.relative_to(bundle.root).as_posix()
            if (file.is_symlink() or not file.is_dir()) and path not in manifest.files:
                yield FileCheck(path, f"{path} was added after export")


@dataclass
class _Examples:
    """All cases that a signature is replayed on."""

    golden: Golden
    images: Golden | None = None

    def real(self, golden_outputs: Arrays, image_outputs: Arrays) -> Golden | None:
        """The cases with real images, with the given outputs; None if there are none."""
        parts = [held_out(Golden(self.golden.inputs, golden_outputs))]
        if self.images is not None:
            parts.append(Golden(self.images.inputs, image_outputs))
        return concatenate([part for part in parts if part is not None])


class _Replay:
    """Replays artifacts one after the other and collects the checks."""

    def __init__(
        self,
        bundle: Bundle,
        broken: set[str],
        cases: Mapping[str, Golden],
        judge: Judge | None,
        runs: ArtifactRuns,
    ) -> None:
        self._bundle, self._broken, self._judge = bundle, broken, judge
        self._runs = runs
        self._examples = {name: _Examples(each) for name, each in cases.items()}
        # The judge's metrics of the original's outputs, by signature.
        self._original_metrics: dict[str, dict[str, tuple[float, int]]] = {}
        # The artifact that computed the expected outputs for images.
        self._reference: str | None = None
        self.sheet = Sheet(bundle.manifest, cases)
        self.outputs: list[OutputCheck] = []
        self.judge_metrics: list[JudgeMetric] = []
        self.faults: list[str] = []

    def add_images(self, images: Mapping[str, Sequence[np.ndarray]], original: Run | None) -> None:
        """Adds cases with images; a fault if their expected outputs cannot be computed."""
        cases = {name: each.golden for name, each in self._examples.items()}
        try:
            run = original or self._saved_model()
            new_cases = image_cases(self._bundle.manifest, cases, images, run)
        except Exception as error:  # as in `add_artifact`
            self.faults.append(f"images were not replayed: {error}")
            return
        for name, each in new_cases.items():
            self._examples[name].images = each

    def check_golden_ranges(self) -> None:
        """Adds a fault for each output whose golden values leave its value range.

        Pixels are scaled by that range and clipped, so a wrong one would clip the original's
        outputs and the artifact's alike, and they would be equal.
        """
        for name, record in self._bundle.manifest.signatures.items():
            for tensor in record.outputs:
                golden_outputs = self._examples[name].golden.outputs[tensor.name]
                if fault := range_fault(tensor, golden_outputs):
                    self.faults.append(
                        f"the original's output {tensor.name!r} of {name!r} is {fault}; export "
                        "again with the range that the model has"
                    )

    def check_golden_files(self, cases: Mapping[str, Golden]) -> None:
        """Adds a fault for each plain file that is not what `golden.npz` and the manifest say.

        Its hash is checked elsewhere: whoever writes a false file may write a false hash too.
        """
        listed = [path for path in self._bundle.manifest.files if _is_golden_file(path)]
        expected = golden_files.golden_files(self._bundle.manifest, cases) if listed else {}
        for path in listed:
            if path in self._broken:
                continue
            if expected.get(path) != self._bundle.read(path):
                self.faults.append(f"{path} is not what golden.npz holds; export the bundle again")

    def add_artifact(self, name: str) -> None:
        """Replays every signature of an artifact."""
        outputs: list[OutputCheck] = []
        judge_metrics: list[JudgeMetric] = []
        try:
            check_intact(self._bundle, name, self._broken)
            run = self._runs.load(name)
            for signature in self._examples:
                replayed_outputs = self._outputs(run, name, signature)
                outputs += self._checks(name, signature, *replayed_outputs)
                self._check_scaling(run, name, signature, replayed_outputs[0])
                judge_metrics += self._judge_metrics(name, signature, *replayed_outputs)
        except DamagedError as error:
            self.faults.append(f"{name} was not replayed because of {error}")
        except Exception as error:  # a foreign model may fail in any way, and that is a fault
            self.faults.append(f"{name} cannot be replayed: {first_line(str(error))}")
        else:
            self.outputs += outputs
            self.judge_metrics += judge_metrics

    def _saved_model(self) -> Run:
        artifacts = self._bundle.manifest.artifacts.items()
        found = [name for name, each in artifacts if each.kind == "saved_model"]
        if not found:
            raise ExportError("there is not a SavedModel to compute their expected outputs")
        check_intact(self._bundle, found[0], self._broken)
        self._reference = found[0]
        return self._runs.load(found[0])

    def _outputs(self, run: Run, artifact: str, signature: str) -> tuple[Arrays, Arrays]:
        """An artifact's outputs for golden cases and for images."""
        each, record = self._examples[signature], self._bundle.manifest.signatures[signature]
        golden_outputs = replayed(run, signature, record, each.golden)
        if each.images is None:
            return golden_outputs, {}
        if artifact == self._reference:
            return golden_outputs, each.images.outputs
        return golden_outputs, replayed(run, signature, record, each.images)

    def _checks(
        self, artifact: str, signature: str, golden_outputs: Arrays, image_outputs: Arrays
    ) -> Iterator[OutputCheck]:
        each, record = self._examples[signature], self._bundle.manifest.artifacts[artifact]
        real = held_out(each.golden)
        described = self._bundle.manifest.signatures[signature]
        for tensor in described.outputs:
            name, actual = tensor.name, golden_outputs[tensor.name]
            golden_difference = compare(each.golden.outputs[name], actual, tensor)
            differences = {"": golden_difference}
            if real is not None:
                expected = real.outputs[name]
                differences[_ON_HELD_OUT] = compare(expected, actual[-real.count :], tensor)
            if each.images is not None and artifact != self._reference:
                expected = each.images.outputs[name]
                differences[_ON_IMAGES] = compare(expected, image_outputs[name], tensor)
            self.sheet.add(
                artifact, signature, tensor, outputs=actual, difference=golden_difference
            )
            tolerance = record.tolerance(described, tensor)
            output = f"{artifact}: output {name!r} of {signature!r}"
            faults = [
                _fault(output + cases, tolerance, found) for cases, found in differences.items()
            ]
            replayed_values = {"": actual, _ON_IMAGES: image_outputs.get(name, actual)}
            faults += [
                f"{output}{cases} is {fault}"
                for cases, values in replayed_values.items()
                if (fault := range_fault(tensor, values, tolerance))
            ]
            yield OutputCheck(
                artifact,
                signature,
                name,
                golden_difference,
                differences.get(_ON_HELD_OUT),
                differences.get(_ON_IMAGES),
                tolerance,
                fault=next((fault for fault in faults if fault is not None), None),
            )

    def _check_scaling(self, run: Run, artifact: str, signature: str, outputs: Arrays) -> None:
        """Adds a fault unless a uint8 variant scales pixels by the value ranges of the manifest.

        On the first golden case it must give the outputs of the float signature, as pixels.
        """
        manifest = self._bundle.manifest
        record = manifest.signatures[signature]
        if record.pixels_of is None:
            return
        wrapped = manifest.signatures[record.pixels_of]
        inputs, _ = next(self._examples[signature].golden.cases())
        floats = run(record.pixels_of, golden.to_float_inputs(wrapped, inputs))
        expected = golden.to_pixel_outputs(wrapped, floats)
        # Each of the two may be off by the tolerance, so they may differ by twice as much.
        allowed = manifest.artifacts[artifact].uint8_tolerance
        tolerance = allowed.widened(2.0 * record.tolerance_factor)
        for tensor in filter(is_pixels, record.outputs):
            difference = compare(expected[tensor.name][None], outputs[tensor.name][:1], tensor)
            output = f"{artifact}: output {tensor.name!r} of {signature!r}"
            if fault := _fault(output, tolerance, difference):
                self.faults.append(
                    f"{fault}, compared with {record.pixels_of!r} on images that are scaled by "
                    "the manifest's value ranges"
                )

    def _judge_metrics(
        self, artifact: str, signature: str, golden_outputs: Arrays, image_outputs: Arrays
    ) -> list[JudgeMetric]:
        """The judge's metrics on real images; empty if there are none."""
        each = self._examples[signature]
        real = each.real(golden_outputs, image_outputs)
        if self._judge is None or real is None or not all_finite(real.outputs):
            return []
        if signature not in self._original_metrics:
            expected = each.real(each.golden.outputs, each.images.outputs if each.images else {})
            assert expected is not None, "there are real inputs"
            self._original_metrics[signature] = self._call_judge(signature, expected)
        metrics = self._call_judge(signature, real)
        return [
            JudgeMetric(artifact, signature, name, count, original, metrics[name][0])
            for name, (original, count) in self._original_metrics[signature].items()
            if name in metrics
        ]

    def _call_judge(self, signature: str, cases: Golden) -> dict[str, tuple[float, int]]:
        assert self._judge is not None, "the caller checks that there is a judge"
        manifest = self._bundle.manifest
        metrics = self._judge(*as_float_signature(manifest, signature, cases.inputs, cases.outputs))
        return {name: metric for name, metric in metrics.items() if math.isfinite(metric[0])}


def _is_golden_file(path: str) -> bool:
    return path.startswith(f"{golden_files.FOLDER}/")


def _fault(output: str, tolerance: Tolerance, found: OutputDifference) -> str | None:
    if math.isnan(found.max_abs):
        return f"{output} holds values that are not finite"
    if tolerance.max_abs is not None and found.max_abs > tolerance.max_abs:
        return f"{output} is off by {found.max_abs:.3g}, at most {tolerance.max_abs:g} is allowed"
    if tolerance.mean_abs is not None and found.mean_abs > tolerance.mean_abs:
        limit = tolerance.mean_abs
        return f"{output} is off by {found.mean_abs:.3g} on average, at most {limit:g} is allowed"
    if tolerance.psnr is not None and found.psnr < tolerance.psnr:
        return (
            f"{output} has a PSNR of {found.psnr:.1f} dB, at least {tolerance.psnr:g} dB is "
            "required"
        )
    return None
