"""Export: writes signatures to a bundle."""

import json
import os
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import numpy as np

from exporters.arguments import (
    PATH,
    check_batches_by_signature,
    check_each,
    check_path,
    check_type,
    shown,
)
from exporters.bundle import bundle as bundles
from exporters.bundle.field_types import Aspect, check_depth, is_inside
from exporters.bundle.manifest import ArtifactRecord, GoldenRecord, Manifest, SignatureRecord
from exporters.bundle.npz import Arrays
from exporters.bundle.signatures import make_records
from exporters.card import write_card
from exporters.card.metadata import provenance_metadata, source_metadata
from exporters.convert import calibration as calibrations
from exporters.convert import quantize, saved_model, tflite
from exporters.convert.calibration import Calibration
from exporters.convert.recipes import RECIPES, Recipe, get_recipes
from exporters.convert.tflite_metadata import Description, with_metadata
from exporters.convert.xnnpack_rewrites import delegate_copies, optimize_for_xnnpack
from exporters.errors import ExportError, ModelError
from exporters.protocol import SignatureLike
from exporters.untrusted import saved_model as untrusted_saved_model
from exporters.untrusted import tflite as untrusted_tflite
from exporters.verification import golden, golden_files
from exporters.verification.eager_reference import golden_cases
from exporters.verification.golden import Golden
from exporters.verification.rounding import measure_rounding
from exporters.verification.verify import verify
from exporters.web.litert import litert_files
from exporters.web.page import FOLDER, page_files, shown_signatures, write_page

_MAX_VERSION = 100
_PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "numpy")


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """The optional arguments of `exporters.export`, which documents them."""

    recipes: Sequence[str]
    aspect: Aspect
    golden_images: Mapping[str, Mapping[str, np.ndarray]]
    calibration: Calibration | None
    source: Mapping[str, Any] | None
    provenance: Mapping[str, Any] | None
    seed: int
    optimize: bool
    web: Sequence[str | Path] | None
    sidecar: Mapping[str, bytes]
    keep_saved_model: bool
    model_version: str


@dataclass(frozen=True)
class _Plan:
    """Validated options and everything computed from them before conversion.

    Attributes:
        recipes: In the order of the options.
        aspect: As in the options.
        records: Signatures, including uint8 variants.
        examples: Calibration examples by signature; empty if no recipe needs them.
        calibration: Their description in the manifest.
        source, provenance: As JSON.
        litert: Files of LiteRT.js by name; None without a web page.
        optimize: Whether float files are rewritten for XNNPACK.
        keep_saved_model: Whether the bundle keeps the SavedModel.
        model_version: As in the options.
    """

    recipes: list[Recipe]
    aspect: Aspect
    records: dict[str, SignatureRecord]
    examples: dict[str, list[Arrays]]
    calibration: dict[str, Any]
    source: dict[str, Any]
    provenance: dict[str, Any]
    litert: dict[str, bytes] | None
    optimize: bool
    keep_saved_model: bool
    model_version: str


def write_bundle(
    signatures: Mapping[str, SignatureLike], directory: str | Path, options: ExportOptions
) -> Path:
    """Implements `exporters.export`."""
    _check_types(signatures, directory, options)
    target = Path(os.path.abspath(directory))
    recipes = get_recipes(options.recipes)
    bundles.check_free(target)
    plan = _make_plan(signatures, recipes, options)
    cases = golden_cases(signatures, plan.records, options.golden_images, options.seed)
    with bundles.writing_folder(target) as folder:
        golden.write(folder / bundles.GOLDEN, cases)
        plan = replace(plan, records=measure_rounding(signatures, plan.records, cases))
        saved_model.save(signatures, plan.records, folder / bundles.SAVED_MODEL)
        _convert(folder, plan)
        if not plan.keep_saved_model:
            shutil.rmtree(folder / bundles.SAVED_MODEL)
        if plan.litert is not None:
            images = options.golden_images
            page = page_files(
                target.name, plan.litert, plan.records, plan.recipes, images, aspect=plan.aspect
            )
            write_page(folder / FOLDER, page)
        _write_sidecar(folder, options.sidecar)
        _describe(folder, target.name, plan, cases, options.seed)
        _check_accepted(folder, plan)
        _check_outputs(folder, plan.recipes, cases)
    return target


def _check_types(signatures: Any, directory: Any, options: ExportOptions) -> None:
    check_type("signatures", signatures, Mapping, "a mapping such as {'a_to_b': signature}")
    check_path("directory", directory)
    for each in signatures.values():
        _check_signature(each)
    check_batches_by_signature("golden_images", options.golden_images)
    check_type("seed", options.seed, Integral, "a whole number")
    check_type("model_version", options.model_version, str, "a text")
    for name in ("source", "provenance"):
        value = getattr(options, name)
        check_type(name, {} if value is None else value, Mapping, "a mapping")
    check_type("sidecar", options.sidecar, Mapping, "a mapping from paths to bytes")
    for path, content in options.sidecar.items():
        check_type("sidecar", path, str, "a mapping from paths to bytes")
        check_type(f"sidecar[{path!r}]", content, bytes, "bytes")
    if options.web is not None:
        check_each("web", options.web, PATH, "paths of packed files")


def _check_signature(signature: Any) -> None:
    """Raises ExportError unless it has the attributes of `exporters.protocol`."""
    attributes = ("name", "function", "inputs", "outputs", "inference_behavior")
    missing = [each for each in attributes if not hasattr(signature, each)]
    if missing or not isinstance(signature.name, str) or not callable(signature.function):
        raise ExportError(
            "`signatures` must hold signatures, such as what exporters.signature_of(model) gives, "
            f"got {shown(signature)}"
        )
    name = f"signature {signature.name!r}"
    for kind, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs)):
        if not isinstance(tensors, Sequence) or not all(hasattr(t, "value_range") for t in tensors):
            raise ExportError(f"{name}: `{kind}` must be a tuple of tensors, got {shown(tensors)}")
        for tensor in tensors:
            check_type(f"shape of {tensor.name!r}", tensor.shape, (tuple, list), "a tuple of sides")
            if tensor.value_range is not None:
                what = "a minimum and a maximum, or None"
                check_each(f"value_range of {tensor.name!r}", tensor.value_range, Real, what)
    check_type(f"inference_behavior of {name}", signature.inference_behavior, Mapping, "a mapping")
    check_type(
        f"tolerance_factor of {name}", getattr(signature, "tolerance_factor", 1.0), Real, "a number"
    )


def _make_plan(
    signatures: Mapping[str, SignatureLike], recipes: list[Recipe], options: ExportOptions
) -> _Plan:
    records = make_records(signatures)
    source = _jsonable("source", options.source)
    provenance = _jsonable("provenance", options.provenance)
    source_metadata(source)
    provenance_metadata(provenance)
    litert = None if options.web is None else _litert(options.web, records)
    examples, description = _examples(recipes, records, options.calibration)
    return _Plan(
        recipes,
        _get_aspect(options.aspect),
        records,
        examples,
        description,
        source,
        provenance,
        litert,
        options.optimize,
        options.keep_saved_model,
        _get_version(options.model_version),
    )


def _get_aspect(aspect: str) -> Aspect:
    if aspect not in get_args(Aspect):
        raise ExportError(f"`aspect` must be one of {', '.join(get_args(Aspect))}, got {aspect!r}")
    return aspect  # type: ignore[return-value]


def _get_version(version: str) -> str:
    if not version.isprintable() or len(version) > _MAX_VERSION:
        raise ExportError(
            f"`model_version` must be one line of at most {_MAX_VERSION} characters, such as "
            f"'1.2.0', got {version!r}"
        )
    return version


def _litert(
    packed: Sequence[str | Path], records: Mapping[str, SignatureRecord]
) -> dict[str, bytes]:
    shown_signatures(records)  # raises before any conversion if there is nothing to show
    return litert_files(packed)


def _examples(
    recipes: Sequence[Recipe],
    records: Mapping[str, SignatureRecord],
    calibration: Calibration | None,
) -> tuple[dict[str, list[Arrays]], dict[str, Any]]:
    """Calibration examples by signature and their description; empty if no recipe needs them."""
    calibrated = [recipe.name for recipe in recipes if recipe.calibrated]
    if not calibrated:
        if calibration is not None:
            names = ", ".join(recipe.name for recipe in recipes)
            warnings.warn(
                f"`calibration` is not used: none of the recipes {names} is calibrated",
                stacklevel=4,
            )
        return {}, {}
    examples = calibrations.cases(records, calibration, calibrated[0])
    chosen = calibration.chosen if calibration is not None else None
    counts = {name: len(each) for name, each in examples.items()}
    return examples, {"examples": counts, **_jsonable("calibration.chosen", chosen)}


def _convert(folder: Path, plan: _Plan) -> None:
    """Writes a .tflite file per recipe; calibrated recipes quantize the float32 file."""
    float32, source = None, folder / bundles.SAVED_MODEL
    for recipe in plan.recipes:
        if recipe.calibrated:
            float32 = float32 or _float32_to_quantize(source, plan)
            content = quantize.quantize(float32, recipe, plan.records, plan.examples)
        else:
            content = tflite.convert(source, recipe, plan.records)
            if plan.optimize:
                content = _optimized(content, recipe)
        content = with_metadata(content, _description(plan), plan.records)
        (folder / f"{recipe.name}.tflite").write_bytes(content)


def _description(plan: _Plan) -> Description:
    source = source_metadata(plan.source)
    return Description(
        name=source.run or source.method or "image-to-image model",
        description=" ".join(text for text in (source.summary, source.intended_use) if text),
        version=plan.model_version,
        license=provenance_metadata(plan.provenance).license,
    )


def _float32_to_quantize(saved_model_folder: Path, plan: _Plan) -> bytes:
    content = tflite.convert(saved_model_folder, RECIPES["float32"], plan.records)
    return delegate_copies(content) if plan.optimize else content


def _optimized(content: bytes, recipe: Recipe) -> bytes:
    """See `exporters.convert.xnnpack_rewrites`."""
    if recipe.settings.weights == "int8":
        return delegate_copies(content)
    return optimize_for_xnnpack(content)


def _write_sidecar(folder: Path, sidecar: Mapping[str, bytes]) -> None:
    reserved = {path.name for path in folder.iterdir()}
    reserved |= {bundles.MANIFEST, golden_files.FOLDER}
    for path, content in sidecar.items():
        if not is_inside(path) or "/" not in path or path.split("/")[0] in reserved:
            raise ExportError(
                "`sidecar` must name files by paths with forward slashes, in new folders of the "
                f"bundle such as 'judges/a.npz', got {path!r}"
            )
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _describe(folder: Path, name: str, plan: _Plan, cases: Mapping[str, Golden], seed: int) -> None:
    """Writes golden files, card, examples and manifest for the files in the folder."""
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model_version=plan.model_version,
        aspect=plan.aspect,
        signatures=plan.records,
        artifacts=_artifacts(plan),
        golden=_golden_record(cases, seed),
        files=bundles.file_records(folder),
        versions=_versions(),
        source=plan.source,
        provenance=plan.provenance,
    )
    golden_files.write(folder, golden_files.golden_files(manifest, cases))
    write_card(folder, name, _with_files(manifest, folder))
    bundles.write_manifest(folder, _with_files(manifest, folder))


def _with_files(manifest: Manifest, folder: Path) -> Manifest:
    return manifest.model_copy(update={"files": bundles.file_records(folder)})


def _golden_record(cases: Mapping[str, Golden], seed: int) -> GoldenRecord:
    counts = {name: case.count for name, case in cases.items()}
    return GoldenRecord(path=bundles.GOLDEN, cases=counts, seed=seed)


def _artifacts(plan: _Plan) -> dict[str, ArtifactRecord]:
    artifacts = {}
    if plan.keep_saved_model:
        float32 = RECIPES["float32"]
        artifacts[bundles.SAVED_MODEL] = _artifact("saved_model", bundles.SAVED_MODEL, float32)
    for recipe in plan.recipes:
        artifacts[recipe.name] = _artifact(
            "tflite",
            f"{recipe.name}.tflite",
            recipe,
            calibration={"calibration": plan.calibration} if recipe.calibrated else {},
            optimized=plan.optimize,
        )
    return artifacts


def _artifact(
    kind: str,
    path: str,
    recipe: Recipe,
    *,
    calibration: Mapping[str, Any] = MappingProxyType({}),
    optimized: bool = False,
) -> ArtifactRecord:
    return ArtifactRecord.model_validate(
        {
            "kind": kind,
            "path": path,
            "recipe": recipe.name,
            "description": recipe.description,
            "settings": {**recipe.settings.as_dict(), **calibration},
            "optimized": optimized,
            "float_tolerance": recipe.float_tolerance,
            "uint8_tolerance": recipe.uint8_tolerance,
        }
    )


def _check_accepted(folder: Path, plan: _Plan) -> None:
    """Raises ExportError if `verify` would refuse a model of the bundle as a foreign one."""
    try:
        if plan.keep_saved_model:
            untrusted_saved_model.check(folder / bundles.SAVED_MODEL)
        for recipe in plan.recipes:
            name = f"{recipe.name}.tflite"
            untrusted_tflite.check((folder / name).read_bytes(), name)
    except ModelError as error:
        found = re.search(r"the operation (\w+)", str(error))
        layer = saved_model.layer_of(folder / bundles.SAVED_MODEL, found[1]) if found else None
        raise ExportError(
            f"`verify` would refuse the bundle, so write {layer or 'that layer'} with other "
            f"operations: {str(error).replace(f'{folder}/', '')}"
        ) from error


def _check_outputs(folder: Path, recipes: Sequence[Recipe], cases: Mapping[str, Golden]) -> None:
    written = bundles.open_bundle(folder)
    for recipe in recipes:
        try:
            tflite.check_outputs(written, recipe, cases)
        except ExportError as error:
            others = _passing_recipes(folder, recipe) if len(recipes) > 1 else ""
            raise ExportError(f"{error}{others}") from error


def _passing_recipes(folder: Path, failing: Recipe) -> str:
    """What to export instead of a recipe: those of the same export that `verify` passes."""
    for each in verify(folder).failing_recipes:
        if each.recipe == failing.name and each.passing:
            return f": {', '.join(other.sentence() for other in each.passing)}"
    return ""


def _jsonable(name: str, value: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return check_depth(json.loads(json.dumps(dict(value or {}), allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ExportError(f"`{name}` must hold only JSON values: {error}") from error


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # for example if tensorflow-cpu is installed instead
            continue
    return found
