"""Verification: what is in a bundle still does what the original function did.

Every file's hash comes first. Then each artifact whose files are intact is replayed on the
golden inputs, and on images if some are given, and its outputs are held to its recipe's
tolerances.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exporters.bundle.bundle import MANIFEST, Bundle, open_bundle
from exporters.convert.recipes import Tolerance
from exporters.errors import BundleError, ExportError, first_line
from exporters.verification import golden
from exporters.verification.contact_sheet import Sheet, check_place
from exporters.verification.golden import Arrays, Golden
from exporters.verification.image_metrics import Likeness, compare
from exporters.verification.replay import (
    DamagedError,
    Images,
    Run,
    all_finite,
    as_images,
    by_signature,
    check_intact,
    held_out,
    image_cases,
    joined,
    replayed,
    runner_of,
)
from exporters.verification.report import FileCheck, Judged, OutputCheck, Verification

# Metrics by name, each with the number of images it was taken on, of what a signature gave. It
# is called with the name of a float signature and inputs and outputs of real images, cases
# stacked in front, images float32 in [-1, 1], and leaves out metrics that it cannot take.
Judge = Callable[[str, Arrays, Arrays], Mapping[str, tuple[float, int]]]


def verify(
    path: str | Path,
    *,
    images: Images = (),
    original: Run | None = None,
    judge: Judge | None = None,
    sheet: str | Path | None = None,
) -> Verification:
    """Checks a bundle's files, then replays every artifact on the golden inputs.

    A changed or missing file, or an output out of tolerance, is a failed check; only a folder
    that is no bundle is an error.

    Args:
        path: The bundle.
        images: More images to replay on, uint8 `(height, width, channels)` of any size; each
            signature takes those with as many channels as it has. Or a mapping with images for
            some float signatures, such as `{"a_to_b": [...], "b_to_a": [...]}`; others get none.
        original: Gives the right outputs for `images`, called with a signature's name and one
            case; without it the bundle's SavedModel does, which is held to the golden outputs.
        judge: Gives metrics by name for a signature's name, inputs and outputs (see `Judge`); asked
            about the original's outputs and each artifact's, on real images: golden cases that
            were given to `export`, and `images`.
        sheet: PNG file to write with golden images side by side: the original's (Keras), each
            artifact's, and the difference of pixels times 8.

    Raises:
        BundleError: If the folder is no bundle, or comes from a newer version.
        ExportError: If `sheet` lies within the bundle or cannot be written, or `images` names a
            signature that takes none of them.
    """
    bundle = open_bundle(path)
    if sheet is not None:
        check_place(Path(sheet), bundle)
    by_name = by_signature(bundle.manifest, images) if len(images) else {}
    files = tuple(_file_checks(bundle))
    try:
        cases = golden.read(bundle.read(bundle.manifest.golden.path), bundle.manifest)
    except BundleError as error:
        return Verification(str(path), files, (), (f"nothing was replayed: {error}",))
    broken = {check.path for check in files if not check.passed}
    replay = _Replay(bundle, broken, cases, judge)
    if len(images):
        replay.add_images(by_name, original)
    for name in bundle.manifest.artifacts:
        replay.artifact(name)
    if sheet is not None and replay.outputs:
        replay.sheet.write(Path(sheet))
    return Verification(
        str(path), files, tuple(replay.outputs), tuple(replay.faults), tuple(replay.judged)
    )


def _file_checks(bundle: Bundle) -> Iterator[FileCheck]:
    manifest = bundle.manifest
    changed = manifest.digest != manifest.expected_digest()
    yield FileCheck(MANIFEST, f"{MANIFEST} was changed after export" if changed else None)
    for path in manifest.files:
        yield FileCheck(path, bundle.fault_of(path))
    # TensorFlow reads whatever lies in the folder of a SavedModel, so nothing may be added.
    for artifact in manifest.artifacts.values():
        folder = bundle.root / artifact.path
        # A folder that is a link may lead to a whole disk; its files were found outside above.
        walked = artifact.kind == "saved_model" and not bundle.leads_outside(artifact.path)
        for file in sorted(folder.rglob("*")) if walked else ():
            path = file.relative_to(bundle.root).as_posix()
            if (file.is_symlink() or not file.is_dir()) and path not in manifest.files:
                yield FileCheck(path, f"{path} was added after export")


@dataclass
class _Examples:
    """Everything a signature is replayed on."""

    golden: Golden
    images: Golden | None = None

    def real(self, given: Arrays, on_images: Arrays) -> Golden | None:
        """Inputs of real images with outputs for them; None without a real image."""
        parts = [held_out(Golden(self.golden.inputs, given))]
        if self.images is not None:
            parts.append(Golden(self.images.inputs, on_images))
        return joined([part for part in parts if part is not None])


class _Replay:
    """Replays artifacts one after the other and keeps what was found."""

    def __init__(
        self, bundle: Bundle, broken: set[str], cases: Mapping[str, Golden], judge: Judge | None
    ) -> None:
        self._bundle, self._broken, self._judge = bundle, broken, judge
        self._examples = {name: _Examples(each) for name, each in cases.items()}
        self._metrics: dict[
            str, dict[str, tuple[float, int]]
        ] = {}  # of the right outputs, by signature
        self._reference: str | None = None  # artifact that gave the right outputs for images
        self.sheet = Sheet(bundle.manifest, cases)
        self.outputs: list[OutputCheck] = []
        self.judged: list[Judged] = []
        self.faults: list[str] = []

    def add_images(self, images: Mapping[str, Sequence[np.ndarray]], original: Run | None) -> None:
        """Makes cases of images; a fault if nothing can say what is right for them."""
        cases = {name: each.golden for name, each in self._examples.items()}
        try:
            run = original or self._saved_model()
            made = image_cases(self._bundle.manifest, cases, images, run)
        except Exception as error:  # as in `artifact`
            self.faults.append(f"images were not replayed: {error}")
            return
        for name, each in made.items():
            self._examples[name].images = each

    def artifact(self, name: str) -> None:
        """Replays every signature of an artifact."""
        outputs: list[OutputCheck] = []
        judged: list[Judged] = []
        try:
            check_intact(self._bundle, name, self._broken)
            run = runner_of(self._bundle, name)
            for signature in self._examples:
                given, images = self._outputs(run, name, signature)
                outputs += self._checks(name, signature, given, images)
                judged += self._asked(name, signature, given, images)
        except DamagedError as error:
            self.faults.append(f"{name} was not replayed because of {error}")
        except Exception as error:  # a foreign model may fail in any way; that is the finding
            self.faults.append(f"{name} cannot be replayed: {first_line(str(error))}")
        else:
            self.outputs += outputs
            self.judged += judged

    def _saved_model(self) -> Run:
        artifacts = self._bundle.manifest.artifacts.items()
        found = [name for name, each in artifacts if each.kind == "saved_model"]
        if not found:
            raise ExportError("there is no SavedModel to say what is right for them")
        check_intact(self._bundle, found[0], self._broken)
        self._reference = found[0]
        return runner_of(self._bundle, found[0])

    def _outputs(self, run: Run, artifact: str, signature: str) -> tuple[Arrays, Arrays]:
        """What an artifact gives for golden cases and for images."""
        each, record = self._examples[signature], self._bundle.manifest.signatures[signature]
        given = replayed(run, signature, record, each.golden)
        if each.images is None:
            return given, {}
        if artifact == self._reference:
            return given, each.images.outputs
        return given, replayed(run, signature, record, each.images)

    def _checks(
        self, artifact: str, signature: str, given: Arrays, on_images: Arrays
    ) -> Iterator[OutputCheck]:
        each, record = self._examples[signature], self._bundle.manifest.artifacts[artifact]
        real = held_out(each.golden)
        tolerance_factor = self._bundle.manifest.signatures[signature].tolerance_factor
        for tensor in self._bundle.manifest.signatures[signature].outputs:
            name, actual = tensor.name, given[tensor.name]
            golden_likeness = compare(each.golden.outputs[name], actual, tensor)
            sets = {"": golden_likeness}
            if real is not None:
                expected = real.outputs[name]
                sets[" on held-out cases"] = compare(expected, actual[-real.count :], tensor)
            if each.images is not None and artifact != self._reference:
                expected = each.images.outputs[name]
                sets[" on the images given"] = compare(expected, on_images[name], tensor)
            self.sheet.add(artifact, signature, tensor, actual, golden_likeness)
            tolerance = (
                record.uint8_tolerance if tensor.dtype == "uint8" else record.float_tolerance
            ).widened(tolerance_factor)
            place = f"{artifact}: output {name!r} of {signature!r}"
            faults = (_fault(place + on, tolerance, found) for on, found in sets.items())
            yield OutputCheck(
                artifact,
                signature,
                name,
                golden_likeness,
                sets.get(" on held-out cases"),
                sets.get(" on the images given"),
                tolerance,
                fault=next((fault for fault in faults if fault is not None), None),
            )

    def _asked(
        self, artifact: str, signature: str, given: Arrays, on_images: Arrays
    ) -> list[Judged]:
        """What the judge says of real images; nothing where there are none."""
        each = self._examples[signature]
        real = each.real(given, on_images)
        if self._judge is None or real is None or not all_finite(real.outputs):
            return []
        if signature not in self._metrics:
            right = each.real(each.golden.outputs, each.images.outputs if each.images else {})
            assert right is not None, "there are real inputs"
            self._metrics[signature] = self._said(signature, right)
        metrics = self._said(signature, real)
        return [
            Judged(artifact, signature, name, count, original, metrics[name][0])
            for name, (original, count) in self._metrics[signature].items()
            if name in metrics
        ]

    def _said(self, signature: str, cases: Golden) -> dict[str, tuple[float, int]]:
        assert self._judge is not None, "as the caller sees to"
        manifest = self._bundle.manifest
        said = self._judge(*as_images(manifest, signature, cases.inputs, cases.outputs))
        return {name: metric for name, metric in said.items() if math.isfinite(metric[0])}


def _fault(place: str, tolerance: Tolerance, found: Likeness) -> str | None:
    if math.isnan(found.max_abs):
        return f"{place} holds values that are not finite"
    if tolerance.max_abs is not None and found.max_abs > tolerance.max_abs:
        return f"{place} is off by {found.max_abs:.3g}, at most {tolerance.max_abs:g} is allowed"
    if tolerance.mean_abs is not None and found.mean_abs > tolerance.mean_abs:
        limit = tolerance.mean_abs
        return f"{place} is off by {found.mean_abs:.3g} on average, at most {limit:g} is allowed"
    if tolerance.psnr is not None and found.psnr < tolerance.psnr:
        return f"{place} has a PSNR of {found.psnr:.1f} dB, at least {tolerance.psnr:g} dB is asked"
    return None
