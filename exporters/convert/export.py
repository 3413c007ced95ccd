"""Export: signatures in, a checked bundle out."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from exporters.bundle import bundle as bundles
from exporters.bundle.field_types import check_depth, is_inside
from exporters.bundle.manifest import ArtifactRecord, GoldenRecord, Manifest, SignatureRecord
from exporters.bundle.npz import Arrays
from exporters.bundle.signatures import recorded
from exporters.card import write_card
from exporters.card.metadata import provenance_metadata, source_metadata
from exporters.convert import calibration as calibrations
from exporters.convert import quantize, saved_model, tflite
from exporters.convert.calibration import Calibration
from exporters.convert.recipes import RECIPES, Recipe, recipe_named
from exporters.convert.xnnpack_rewrites import quicker
from exporters.errors import ExportError
from exporters.protocol import SignatureLike
from exporters.verification import golden
from exporters.verification.eager_reference import golden_cases
from exporters.verification.golden import Golden
from exporters.web.litert import litert_files
from exporters.web.page import FOLDER, page_files, shown_signatures, write_page

_PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "numpy")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What `exporters.export` is asked for beside signatures and a folder; described there."""

    recipes: Sequence[str]
    golden_images: Mapping[str, Mapping[str, np.ndarray]]
    calibration: Calibration | None
    source: Mapping[str, Any] | None
    provenance: Mapping[str, Any] | None
    seed: int
    web: Sequence[str | Path] | None
    sidecar: Mapping[str, bytes]
    keep_saved_model: bool


@dataclass(frozen=True)
class _Plan:
    """An order that was checked, before anything is converted.

    Attributes:
        recipes: In the order asked for.
        records: Signatures, uint8 variants among them.
        examples: Calibration examples by signature; empty if no recipe needs any.
        calibration: What the manifest says of them.
        source, provenance: As JSON.
        litert: Files of LiteRT.js by name; None without a page.
        saved_model: Whether it stays.
    """

    recipes: list[Recipe]
    records: dict[str, SignatureRecord]
    examples: dict[str, list[Arrays]]
    calibration: dict[str, Any]
    source: dict[str, Any]
    provenance: dict[str, Any]
    litert: dict[str, bytes] | None
    saved_model: bool


def write_bundle(
    signatures: Mapping[str, SignatureLike], directory: str | Path, order: Order
) -> Path:
    """Does what `exporters.export` says."""
    target = Path(os.path.abspath(directory))
    recipes = _chosen(order.recipes)
    bundles.check_free(target)
    plan = _planned(signatures, recipes, order)
    cases = golden_cases(signatures, plan.records, order.golden_images, order.seed)
    with bundles.being_written(target) as folder:
        golden.write(folder / bundles.GOLDEN, cases)
        saved_model.save(signatures, plan.records, folder / bundles.SAVED_MODEL)
        _convert(folder, plan)
        if not plan.saved_model:
            shutil.rmtree(folder / bundles.SAVED_MODEL)
        if plan.litert is not None:
            images = order.golden_images
            page = page_files(target.name, plan.litert, plan.records, plan.recipes, images)
            write_page(folder / FOLDER, page)
        _put_beside(folder, order.sidecar)
        _describe(folder, target.name, plan, _golden_record(cases, order.seed))
        _check_finite(folder, plan.recipes, cases)
    return target


def _planned(signatures: Mapping[str, SignatureLike], recipes: list[Recipe], order: Order) -> _Plan:
    records = recorded(signatures)
    source = _jsonable("source", order.source)
    provenance = _jsonable("provenance", order.provenance)
    source_metadata(source)
    provenance_metadata(provenance)
    litert = None if order.web is None else _litert(order.web, records)
    examples, described = _examples(recipes, records, order.calibration)
    kept = order.keep_saved_model
    return _Plan(recipes, records, examples, described, source, provenance, litert, kept)


def _chosen(recipes: Sequence[str]) -> list[Recipe]:
    if isinstance(recipes, str) or not recipes:
        raise ExportError(f"`recipes` must be one or more names in a sequence, got {recipes!r}")
    if len(set(recipes)) != len(recipes):
        raise ExportError(f"`recipes` must name each recipe once, got {list(recipes)}")
    return [recipe_named(name) for name in recipes]


def _litert(
    packed: Sequence[str | Path], records: Mapping[str, SignatureRecord]
) -> dict[str, bytes]:
    shown_signatures(records)  # says that there is nothing to show before anything is converted
    return litert_files(packed)


def _examples(
    recipes: Sequence[Recipe],
    records: Mapping[str, SignatureRecord],
    calibration: Calibration | None,
) -> tuple[dict[str, list[Arrays]], dict[str, Any]]:
    """Calibration examples by signature and what the manifest says of them; empty if unused."""
    calibrated = [recipe.name for recipe in recipes if recipe.calibrated]
    if not calibrated:
        return {}, {}
    examples = calibrations.cases(records, calibration, calibrated[0])
    chosen = calibration.chosen if calibration is not None else None
    counts = {name: len(each) for name, each in examples.items()}
    return examples, {"examples": counts, **_jsonable("calibration.chosen", chosen)}


def _convert(folder: Path, plan: _Plan) -> None:
    """Writes a .tflite file a recipe; integer recipes go on from the float32 one's content."""
    float32, whole = None, folder / bundles.SAVED_MODEL
    for recipe in plan.recipes:
        if recipe.calibrated:
            float32 = float32 or tflite.convert(whole, RECIPES["float32"], plan.records)
            content = quantize.quantize(float32, recipe, plan.records, plan.examples)
        else:
            content = tflite.convert(whole, recipe, plan.records)
            if recipe.settings.weights != "int8":
                content = quicker(content)
        (folder / f"{recipe.name}.tflite").write_bytes(content)


def _put_beside(folder: Path, sidecar: Mapping[str, bytes]) -> None:
    taken = {path.name for path in folder.iterdir()} | {bundles.MANIFEST}
    for path, content in sidecar.items():
        if not is_inside(path) or "/" not in path or path.split("/")[0] in taken:
            raise ExportError(
                "`sidecar` must name files by paths with forward slashes, in folders of their own "
                f"within the bundle such as 'judges/a.npz', got {path!r}"
            )
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _describe(folder: Path, name: str, plan: _Plan, cases: GoldenRecord) -> None:
    """Writes card, examples and manifest for what is in the folder."""
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        signatures=plan.records,
        artifacts=_artifacts(plan),
        golden=cases,
        files=bundles.file_records(folder),
        versions=_versions(),
        source=plan.source,
        provenance=plan.provenance,
    )
    write_card(folder, name, manifest)
    files = bundles.file_records(folder)  # the card and the examples now among them
    bundles.write_manifest(folder, manifest.model_copy(update={"files": files}))


def _golden_record(cases: Mapping[str, Golden], seed: int) -> GoldenRecord:
    counts = {name: case.count for name, case in cases.items()}
    return GoldenRecord(path=bundles.GOLDEN, cases=counts, seed=seed)


def _artifacts(plan: _Plan) -> dict[str, ArtifactRecord]:
    artifacts = {}
    if plan.saved_model:
        whole = _artifact("saved_model", bundles.SAVED_MODEL, RECIPES["float32"], {})
        artifacts[bundles.SAVED_MODEL] = whole
    for recipe in plan.recipes:
        used = {"calibration": plan.calibration} if recipe.calibrated else {}
        artifacts[recipe.name] = _artifact("tflite", f"{recipe.name}.tflite", recipe, used)
    return artifacts


def _artifact(kind: str, path: str, recipe: Recipe, used: Mapping[str, Any]) -> ArtifactRecord:
    return ArtifactRecord.model_validate(
        {
            "kind": kind,
            "path": path,
            "recipe": recipe.name,
            "description": recipe.description,
            "settings": {**recipe.settings.as_dict(), **used},
            "float_tolerance": recipe.float_tolerance,
            "uint8_tolerance": recipe.uint8_tolerance,
        }
    )


def _check_finite(folder: Path, recipes: Sequence[Recipe], cases: Mapping[str, Golden]) -> None:
    inputs = {name: [case for case, _ in golden.cases()] for name, golden in cases.items()}
    written = bundles.open_bundle(folder)
    for recipe in recipes:
        tflite.check_finite(written, recipe.name, inputs)


def _jsonable(name: str, value: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return check_depth(json.loads(json.dumps(dict(value or {}), allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ExportError(f"`{name}` must hold only what JSON can say: {error}") from error


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # for example tensorflow-cpu in place of tensorflow
            continue
    return found
