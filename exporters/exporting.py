"""Export: signatures in, a checked bundle out."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from exporters import bundle as bundles
from exporters import calibration as calibrations
from exporters import golden, quantizer, saved_model, tflite
from exporters.calibration import Calibration
from exporters.card import write_card
from exporters.card.facts import provenance_facts, source_facts
from exporters.errors import ExportError
from exporters.golden import Golden
from exporters.manifest import (
    ArtifactRecord,
    GoldenRecord,
    Manifest,
    SignatureRecord,
    check_depth,
    is_inside,
)
from exporters.original import call
from exporters.protocol import SignatureLike
from exporters.recipes import RECIPES, Recipe, recipe_named
from exporters.signatures import recorded
from exporters.web.litert import litert_files
from exporters.web.page import FOLDER, page_files, shown_signatures, write_page

_PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "numpy")


def write_bundle(
    signatures: Mapping[str, SignatureLike],
    directory: str | Path,
    *,
    recipes: Sequence[str],
    golden_images: Mapping[str, Mapping[str, np.ndarray]] | None,
    calibration: Calibration | None,
    source: Mapping[str, Any] | None,
    provenance: Mapping[str, Any] | None,
    seed: int,
    web: Sequence[str | Path] | None,
    sidecar: Mapping[str, bytes] | None,
    keep_saved_model: bool,
) -> Path:
    """Does what `exporters.export` says."""
    chosen = _chosen(recipes)
    target = Path(os.path.abspath(directory))
    bundles.check_free(target)
    records = recorded(signatures)
    kept_source = _jsonable("source", source)
    kept_provenance = _jsonable("provenance", provenance)
    source_facts(kept_source)  # refused before anything is converted
    provenance_facts(kept_provenance)
    litert = None if web is None else _litert(web, records)
    examples, described = _examples(chosen, records, calibration)
    cases = _golden_cases(signatures, records, golden_images or {}, seed)
    with bundles.being_written(target) as folder:
        golden.write(folder / bundles.GOLDEN, cases)
        saved_model.save(signatures, records, folder / bundles.SAVED_MODEL)
        _convert(folder, chosen, records, examples)
        artifacts = _artifacts(chosen, described)
        if not keep_saved_model:
            del artifacts[bundles.SAVED_MODEL]
            shutil.rmtree(folder / bundles.SAVED_MODEL)
        if litert is not None:
            page = page_files(target.name, litert, records, chosen, golden_images or {})
            write_page(folder / FOLDER, page)
        _put_beside(folder, sidecar or {})
        manifest = Manifest(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            signatures=records,
            artifacts=artifacts,
            golden=GoldenRecord(
                path=bundles.GOLDEN,
                cases={name: case.count for name, case in cases.items()},
                seed=seed,
            ),
            files=bundles.file_records(folder),
            versions=_versions(),
            source=kept_source,
            provenance=kept_provenance,
        )
        write_card(folder, target.name, manifest)
        files = bundles.file_records(folder)  # the card and the examples now among them
        bundles.write_manifest(folder, manifest.model_copy(update={"files": files}))
        _check_finite(folder, chosen, cases)
    return target


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
) -> tuple[dict[str, list[golden.Arrays]], dict[str, Any]]:
    """Calibration examples by signature and what the manifest says of them; empty if unused."""
    calibrated = [recipe.name for recipe in recipes if recipe.calibrated]
    if not calibrated:
        return {}, {}
    examples = calibrations.cases(records, calibration, calibrated[0])
    chosen = calibration.chosen if calibration is not None else None
    counts = {name: len(each) for name, each in examples.items()}
    return examples, {"examples": counts, **_jsonable("calibration.chosen", chosen)}


def _convert(
    folder: Path,
    recipes: Sequence[Recipe],
    records: Mapping[str, SignatureRecord],
    examples: Mapping[str, list[golden.Arrays]],
) -> None:
    """Writes a .tflite file a recipe; integer recipes go on from the float32 one's content."""
    float32 = None
    for recipe in recipes:
        if recipe.calibrated:
            float32 = float32 or tflite.convert(
                folder / bundles.SAVED_MODEL, RECIPES["float32"], records
            )
            content = quantizer.quantize(float32, recipe, records, examples)
        else:
            content = tflite.convert(folder / bundles.SAVED_MODEL, recipe, records)
        (folder / f"{recipe.name}.tflite").write_bytes(content)


def _golden_cases(
    signatures: Mapping[str, SignatureLike],
    records: Mapping[str, SignatureRecord],
    images: Mapping[str, Mapping[str, np.ndarray]],
    seed: int,
) -> dict[str, Golden]:
    if unknown := sorted(set(images) - set(signatures)):
        raise ExportError(
            f"`golden_images` names the signature {unknown[0]!r}; known are {', '.join(signatures)}"
        )
    cases = {}
    for name, signature in signatures.items():
        inputs = golden.make_inputs(name, records[name], images.get(name, {}), seed)
        cases[name] = Golden(inputs, _original(signature, inputs))
    for name, record in records.items():
        if record.pixels_of is not None:
            wrapped = records[record.pixels_of]
            pixels = golden.on_pixels(wrapped, cases[record.pixels_of].inputs)
            floats = golden.to_wrapped_inputs(wrapped, pixels)
            outputs = _original(signatures[record.pixels_of], floats)
            cases[name] = Golden(pixels, golden.from_wrapped_outputs(wrapped, outputs))
    return cases


def _original(signature: SignatureLike, inputs: golden.Arrays) -> golden.Arrays:
    """Outputs of the function itself, `(cases, *shape)`, called eagerly case by case."""
    count = len(next(iter(inputs.values())))
    outputs = [_call(signature, inputs, index) for index in range(count)]
    again = _call(signature, inputs, 0)
    for name, values in outputs[0].items():
        if not np.array_equal(values, again[name], equal_nan=True):
            raise ExportError(
                f"signature {signature.name!r} gives another {name!r} when called twice with one "
                "input; turn dropout and other random steps off, or fix their seed"
            )
    stacked = {name: np.stack([case[name] for case in outputs]) for name in outputs[0]}
    for name, values in stacked.items():
        if not np.isfinite(values).all():
            raise ExportError(
                f"signature {signature.name!r} gives values in {name!r} that are not finite, "
                "before any conversion; the model itself is broken"
            )
    return stacked


def _call(signature: SignatureLike, inputs: golden.Arrays, index: int) -> golden.Arrays:
    return call(signature, {name: values[index] for name, values in inputs.items()})


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


def _artifacts(
    recipes: Sequence[Recipe], calibration: Mapping[str, Any]
) -> dict[str, ArtifactRecord]:
    artifacts = {
        bundles.SAVED_MODEL: _artifact("saved_model", bundles.SAVED_MODEL, RECIPES["float32"], {})
    }
    for recipe in recipes:
        used = {"calibration": dict(calibration)} if recipe.calibrated else {}
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
