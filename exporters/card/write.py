"""Writes `card.md` and the examples of a bundle, from what its manifest says alone."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from exporters.bundle.labels import STEPS
from exporters.bundle.manifest import Manifest, SignatureRecord
from exporters.card import templates
from exporters.card.app_example import examples
from exporters.card.latency_table import latency_section
from exporters.card.metadata import provenance_metadata, source_metadata
from exporters.card.metrics_table import metrics_section
from exporters.card.templates import fill
from exporters.convert.recipes import Tolerance

CARD = "card.md"


def write_card(folder: Path, title: str, manifest: Manifest) -> None:
    """Writes the card and an example a language.

    Args:
        folder: The bundle, its models in place.
        title: What the bundle is called.
        manifest: What it holds; `files` must list the models.

    Raises:
        ExportError: If `source` or `provenance` have something under a name that the card shows
            but of another form.
    """
    _write(folder / CARD, card(title, manifest))
    models = [item.path for item in manifest.artifacts.values() if item.kind == "tflite"]
    for path, text in examples(manifest.signatures, title, models).items():
        _write(folder / path, text)


def card(title: str, manifest: Manifest) -> str:
    """The text of the card; arguments and errors as in `write_card`."""
    template = templates.load("card")
    source = source_metadata(manifest.source)
    provenance = provenance_metadata(manifest.provenance)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return fill(
        template["page"],
        title=title,
        summary=source.summary or template["no_summary"],
        origin=_origin(source.method, source.run, source.step),
        intended_use=source.intended_use or template["no_intended_use"],
        signatures=_signatures(template, manifest.signatures),
        floats=_floats(template, manifest.signatures),
        policies=_policies(manifest.signatures),
        feeding=_feeding(template, manifest.signatures),
        files=_files(template, manifest),
        latency=latency_section(template, manifest),
        metrics=metrics_section(template, source.metrics, source.remarks, source.step),
        data=provenance.data or template["no_data"],
        license=provenance.license or template["no_licence"],
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


def _signatures(template: Mapping[str, Any], records: Mapping[str, SignatureRecord]) -> str:
    return "".join(
        fill(template["signature"], name=name, rows="".join(_rows(template, record)))
        for name, record in templates.called(records).items()
    )


def _rows(template: Mapping[str, Any], record: SignatureRecord) -> Iterable[str]:
    for role, tensors in (("in", record.inputs), ("out", record.outputs)):
        for tensor in tensors:
            default = ", ".join(templates.usual(tensor) or ("must be given",))
            yield fill(
                template["row"],
                role=role,
                name=tensor.name,
                form=templates.type_and_shape(tensor),
                limits=templates.limits(tensor),
                default=default if role == "in" else "",
                meaning=_cell(templates.meaning(tensor)),
            )


def _floats(template: Mapping[str, Any], records: Mapping[str, SignatureRecord]) -> str:
    pairs = [
        f"`{record.pixels_of}` of `{name}`"
        for name, record in records.items()
        if record.pixels_of is not None
    ]
    return fill(template["floats"], names=", ".join(pairs)) if pairs else ""


def _policies(records: Mapping[str, SignatureRecord]) -> str:
    """What signatures do at inference; what all do alike is said once."""
    by_text: dict[str, list[str]] = {}
    plain = {name: record for name, record in records.items() if record.pixels_of is None}
    for name, record in plain.items():
        for key, value in record.inference_behavior.items():
            by_text.setdefault(f"{key}: {value}", []).append(name)
    parts = [
        text if len(names) == len(plain) else f"{text} (`{'`, `'.join(names)}`)"
        for text, names in by_text.items()
    ]
    return "; ".join(parts) or "nothing was recorded"


def _feeding(template: Mapping[str, Any], records: Mapping[str, SignatureRecord]) -> str:
    inputs = [tensor for record in templates.called(records).values() for tensor in record.inputs]
    images = [tensor for tensor in inputs if templates.is_image(tensor)]
    unbounded = dict.fromkeys(f"`{each.name}`" for each in inputs if each.value_range is None)
    found = []
    if images:
        colours = dict.fromkeys(
            templates.CHANNELS.get(tensor.shape[-1], f"{tensor.shape[-1]} of them")
            for tensor in images
        )
        found.append(fill(template["feeding_images"], colours=" or ".join(colours)))
    if any(tensor.labels and tensor.labels != (tensor.name,) for tensor in inputs):
        found.append(template["feeding_labels"])
    if any(templates.usual(tensor) for tensor in inputs):
        found.append(template["feeding_defaults"])
    if any(tensor.labels == (STEPS,) for tensor in inputs):
        found.append(template["feeding_steps"])
    if unbounded:
        found.append(fill(template["feeding_latents"], names=", ".join(unbounded)))
    return "".join(found).rstrip()


def _files(template: Mapping[str, Any], manifest: Manifest) -> str:
    rows = []
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
                tolerance=_tolerance(artifact.float_tolerance),
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
