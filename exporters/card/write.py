"""Writes `card.md` and the app examples of a bundle; the manifest is the only source."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from exporters.bundle.manifest import Manifest, SignatureRecord
from exporters.bundle.scalar_inputs import STEPS
from exporters.card import template_files, tensor_text
from exporters.card.app_example import LANGUAGES, examples, has_colour_images
from exporters.card.latency_table import latency_section
from exporters.card.metadata import provenance_metadata, source_metadata
from exporters.card.metrics_table import metrics_section
from exporters.card.template_files import fill
from exporters.convert.recipes import Tolerance
from exporters.verification import golden_files

CARD = "card.md"


def write_card(folder: Path, title: str, manifest: Manifest) -> None:
    """Writes the card and one app example per language.

    Args:
        folder: The bundle, with its models.
        title: The bundle's title.
        manifest: Its manifest; `files` must list the models.

    Raises:
        ExportError: If a key of `source` or `provenance` that the card shows is invalid.
    """
    _write(folder / CARD, card(title, manifest))
    models = [item.path for item in manifest.artifacts.values() if item.kind == "tflite"]
    sources = examples(
        manifest.signatures,
        title,
        models,
        manifest.aspect,
        domains=source_metadata(manifest.source).domains,
        model_version=manifest.model_version,
    )
    for path, text in sources.items():
        _write(folder / path, text)


def card(title: str, manifest: Manifest) -> str:
    """The text of the card; arguments and errors as in `write_card`."""
    template = template_files.load("card")
    source = source_metadata(manifest.source)
    provenance = provenance_metadata(manifest.provenance)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return fill(
        template["page"],
        title=title,
        summary=source.summary or template["no_summary"],
        origin=_origin(source.method, source.run, source.step),
        version=_version(template, manifest),
        intended_use=source.intended_use or template["no_intended_use"],
        signatures=_signatures(template, manifest.signatures, source.domains),
        floats=_floats(template, manifest.signatures),
        inference_behavior=_inference_behavior(manifest.signatures),
        preparing_inputs=_preparing_inputs(template, manifest),
        **_app_versions(manifest.signatures),
        golden=_golden(template, manifest),
        files=_files(template, manifest),
        latency=latency_section(template, manifest),
        metrics=metrics_section(template, source.metrics, source.remarks, source.step),
        data=provenance.data or template["no_data"],
        license=provenance.license or template["no_license"],
        versions=versions or "packages of unknown versions",
        created=manifest.created,
    )


def _origin(method: str, run: str, step: int | None) -> str:
    parts = [
        f"Method: {method}." if method else "",
        f"Run: {run}." if run else "",
        f"Trained for {step} steps." if step is not None else "",
    ]
    return " ".join(part for part in parts if part)


def _version(template: Mapping[str, Any], manifest: Manifest) -> str:
    known = fill(template["version"], version=manifest.model_version)
    return known if manifest.model_version else str(template["no_version"])


def _app_versions(records: Mapping[str, SignatureRecord]) -> dict[str, str]:
    """What the examples are written for, such as `kotlin_litert`, and their files for images."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        template = template_files.load(language)
        found |= {f"{language}_{name}": text for name, text in template["versions"].items()}
        with_images = f" and `{template['images_path']}`" if has_colour_images(records) else ""
        found[f"{language}_images"] = with_images
    return found


def _golden(template: Mapping[str, Any], manifest: Manifest) -> str:
    """How an app's test reads the golden cases, or why there are no files for it."""
    files = [path for path in manifest.files if path.startswith(f"{golden_files.FOLDER}/")]
    limit = f"{golden_files.MAX_BYTES / 2**20:g} MiB"
    return fill(template["golden" if files else "no_golden"], limit=limit).strip()


def _signatures(
    template: Mapping[str, Any],
    records: Mapping[str, SignatureRecord],
    domains: Mapping[str, str],
) -> str:
    sections = []
    for name, record in tensor_text.app_signatures(records).items():
        words = tensor_text.direction_words(name, domains)
        sections.append(
            fill(
                template["signature"],
                name=name,
                words=f"\n{words[0].upper()}{words[1:]}.\n" if words else "",
                rows="".join(_rows(template, record)),
            )
        )
    return "".join(sections)


def _rows(template: Mapping[str, Any], record: SignatureRecord) -> Iterable[str]:
    for role, tensors in (("in", record.inputs), ("out", record.outputs)):
        for tensor in tensors:
            default = ", ".join(tensor_text.default_texts(tensor) or ("required",))
            yield fill(
                template["row"],
                role=role,
                name=tensor.name,
                form=tensor_text.type_and_shape(tensor),
                limits=tensor_text.limits(tensor),
                default=default if role == "in" else "",
                meaning=_cell(tensor_text.meaning(tensor)),
            )


def _floats(template: Mapping[str, Any], records: Mapping[str, SignatureRecord]) -> str:
    """The float variants, grouped by the value ranges of their images."""
    by_scaling: dict[str, list[str]] = {}
    for name, record in records.items():
        if record.pixels_of is not None:
            scaling = tensor_text.image_scaling(records[record.pixels_of])
            by_scaling.setdefault(scaling, []).append(f"`{record.pixels_of}` of `{name}`")
    return "".join(
        fill(template["floats"], scaling=scaling, names=", ".join(names))
        for scaling, names in by_scaling.items()
    )


def _inference_behavior(records: Mapping[str, SignatureRecord]) -> str:
    """The inference behavior of all signatures; equal entries are written once."""
    by_text: dict[str, list[str]] = {}
    floats = {name: record for name, record in records.items() if record.pixels_of is None}
    for name, record in floats.items():
        for key, value in record.inference_behavior.items():
            by_text.setdefault(f"{key}: {value}", []).append(name)
    parts = [
        text if len(names) == len(floats) else f"{text} (`{'`, `'.join(names)}`)"
        for text, names in by_text.items()
    ]
    return "; ".join(parts) or "nothing was recorded"


def _preparing_inputs(template: Mapping[str, Any], manifest: Manifest) -> str:
    shown = tensor_text.app_signatures(manifest.signatures).values()
    inputs = [tensor for record in shown for tensor in record.inputs]
    images = [tensor for tensor in inputs if tensor_text.is_image(tensor)]
    unbounded = dict.fromkeys(f"`{each.name}`" for each in inputs if each.value_range is None)
    parts = []
    if images:
        colours = dict.fromkeys(
            tensor_text.CHANNELS.get(tensor.shape[-1], f"{tensor.shape[-1]} of them")
            for tensor in images
        )
        parts.append(
            fill(
                template["inputs_images"],
                colours=" or ".join(colours),
                aspect=template["aspects"][manifest.aspect].strip(),
            )
        )
    if any(tensor.labels and tensor.labels != (tensor.name,) for tensor in inputs):
        parts.append(template["inputs_labels"])
    if any(tensor_text.default_texts(tensor) for tensor in inputs):
        parts.append(template["inputs_defaults"])
    if any(tensor.labels == (STEPS,) for tensor in inputs):
        parts.append(template["inputs_steps"])
    if unbounded:
        parts.append(fill(template["inputs_latents"], names=", ".join(unbounded)))
    return "".join(parts).rstrip()


def _files(template: Mapping[str, Any], manifest: Manifest) -> str:
    rows = []
    rounding_error = max(record.rounding_error for record in manifest.signatures.values())
    for name, artifact in manifest.artifacts.items():
        size = sum(manifest.files[path].size for path in manifest.files_of(name))
        folder = artifact.kind == "saved_model"
        rows.append(
            fill(
                template["file"],
                path=f"{artifact.path}/" if folder else artifact.path,
                recipe="SavedModel" if folder else artifact.recipe,
                bytes=f"{size:,}",
                description=_cell(artifact.description),
                tolerance=_tolerance(artifact.float_tolerance.allowing_rounding(rounding_error)),
            )
        )
    return "".join(rows)


def _tolerance(tolerance: Tolerance) -> str:
    parts = [
        f"at most {tolerance.max_abs:g} off" if tolerance.max_abs is not None else "",
        f"at most {tolerance.mean_abs:g} off on average" if tolerance.mean_abs is not None else "",
        f"at least {tolerance.psnr:g} dB" if tolerance.psnr is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
