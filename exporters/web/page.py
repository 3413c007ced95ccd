"""The files of the web page: static files, LiteRT.js, example images, and `page.json`."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files as resources
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from exporters.bundle.bundle import Bundle
from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import Manifest, SignatureRecord, TensorRecord
from exporters.bundle.scalar_inputs import STEPS, is_optional_scalar
from exporters.convert.recipes import RECIPES, Recipe
from exporters.errors import ExportError
from exporters.inference.images import to_uint8
from exporters.inference.runner import recipes_of
from exporters.inference.signature_selection import ImageSignature, image_signatures
from exporters.verification import golden
from exporters.verification.replay import held_out
from exporters.web.litert import litert_files

FOLDER = "web"
INDEX = f"{FOLDER}/index.html"
_CHANNELS = (1, 3, 4)  # that a browser can show: grey, RGB, RGBA
_MAX_EXAMPLES = 4
_STEP = 0.05  # of sliders
MODELS = "models.json"  # the list of models, beside the page
_SHOWN_METRICS = ("completeness", "content/skill", "domain/accuracy")

Examples = Mapping[str, Mapping[str, np.ndarray]]


class _SignaturesOnly:
    """Implements `Model` for functions that only read the signatures."""

    aspect: Aspect = "stretch"  # of no effect

    def __init__(self, records: Mapping[str, SignatureRecord]) -> None:
        self.signatures = records

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Never called."""
        raise NotImplementedError


def shown_signatures(records: Mapping[str, SignatureRecord]) -> list[ImageSignature]:
    """The signatures on the page: those that map images to images and can be shown.

    Raises:
        ExportError: If there is none.
    """
    shown = [one for one in image_signatures(_SignaturesOnly(records)) if _can_be_shown(one)]
    if not shown:
        raise ExportError(
            f"a page needs a signature that maps images of 1, 3 or 4 channels to images, and "
            f"{', '.join(records)} do not; export without a page"
        )
    return shown


def has_page(bundle: Bundle) -> bool:
    """Whether a bundle was exported with a page."""
    return INDEX in bundle.manifest.files


def build_page(bundle: Bundle, packed: Sequence[str | Path]) -> dict[str, bytes]:
    """The page for a bundle that was exported without one, to be served with its files.

    Args:
        bundle: From `open_bundle`; nothing is written into it. Its held-out golden images are
            the examples.
        packed: The packed files of `PACKAGES`, in any order.

    Returns:
        Contents by path, such as `web/index.html`.

    Raises:
        ExportError: If there is no signature to show, or a packed file has another hash.
        BundleError: If the golden cases were changed.
    """
    title = bundle.root.resolve().name
    own = bundle_files(bundle, title)
    files = shared_files(litert_files(packed)) | own | {MODELS: models_file([alone(title)])}
    return {f"{FOLDER}/{name}": content for name, content in files.items()}


def bundle_files(bundle: Bundle, title: str) -> dict[str, bytes]:
    """What a page needs of a bundle besides its `.tflite` files: `page.json` and examples.

    Arguments and errors as of `build_page`.
    """
    manifest = bundle.manifest
    cases = golden.read(bundle.read(manifest.golden.path), manifest)
    real = {name: held_out(each) for name, each in cases.items()}
    return model_files(
        title,
        manifest.signatures,
        [RECIPES[name] for name in recipes_of(bundle)],
        {
            name: {tensor: batch[:, 0] for tensor, batch in each.inputs.items()}
            for name, each in real.items()
            if each is not None
        },
        aspect=manifest.aspect,
        about=_about(manifest),
    )


def content_security_policy() -> str:
    """The policy of the page: it loads nothing from other sites and sends nothing."""
    html = resources("exporters.web").joinpath("static", "index.html").read_text("utf-8")
    match = re.search(r'"Content-Security-Policy" content="([^"]+)"', html)
    assert match is not None, "the page has a policy"
    return " ".join(match[1].split())


def write_page(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files of a page into a folder, which is created."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def page_files(
    title: str,
    litert: Mapping[str, bytes],
    records: Mapping[str, SignatureRecord],
    recipes: Sequence[Recipe],
    examples: Examples,
    *,
    aspect: Aspect,
) -> dict[str, bytes]:
    """The files of the page of one bundle, contents by path within its folder.

    Args:
        title: Title of the page.
        litert: From `litert_files`.
        records: All signatures of the bundle.
        recipes: The recipes of the `.tflite` files, which are one folder up.
        examples: Batches of float images, in their value range, for some signatures and inputs.
        aspect: How the page brings images to the size of the model.
    """
    own = model_files(title, records, recipes, examples, aspect=aspect)
    return shared_files(litert) | own | {MODELS: models_file([alone(title)])}


def shared_files(litert: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that all models of a page share: its code, and LiteRT.js."""
    return _static_files() | {f"litert/{name}": content for name, content in litert.items()}


def alone(title: str) -> dict[str, Any]:
    """The entry of a page's only model, whose files are beside the page and one folder up."""
    return {"name": title, "title": title, "page": "page.json", "files": "../"}


def models_file(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """The list of models that a page offers.

    Args:
        entries: For each its `name`, `title`, the address of its `page.json` and of the folder of
            its `.tflite` `files`, and perhaps a `thumbnail`; relative to the page.
    """
    return json.dumps(list(entries), indent=1, ensure_ascii=False).encode()


def model_files(
    title: str,
    records: Mapping[str, SignatureRecord],
    recipes: Sequence[Recipe],
    examples: Examples,
    *,
    aspect: Aspect,
    about: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """The description of a model for the page, `page.json`, and its example images.

    Arguments as of `page_files`; `about` is what the page says of the model, from `_about`.
    """
    shown = shown_signatures(records)
    example_files = {
        one.name: _examples(one, records[one.pixels_of], examples.get(one.pixels_of, {}))
        for one in shown
    }
    every = image_signatures(_SignaturesOnly(records))
    metadata = {
        "title": title,
        "aspect": aspect,
        "models": [{"recipe": one.name, "meaning": one.description} for one in recipes],
        "signatures": [_signature(one, example_files[one.name]) for one in shown],
        "left_out": [one.pixels_of for one in every if one.name not in example_files],
        "about": dict(about or {}),
    }
    files: dict[str, bytes] = {}
    for roles in example_files.values():
        for named in roles.values():
            files |= named
    files["page.json"] = json.dumps(metadata, indent=1, ensure_ascii=False).encode()
    return files


def _about(manifest: Manifest) -> dict[str, Any]:
    """What the card says of a model, for the page: texts, and some of its metrics.

    What is not of the form that `export` writes is left out: a manifest may hold any values here.
    """
    source, provenance = manifest.source, manifest.provenance
    texts = {name: source.get(name) for name in ("method", "summary", "intended_use")}
    texts["license"] = provenance.get("license")
    listed = source.get("metrics")
    metrics = [each for each in listed if _is_metric(each)] if isinstance(listed, list) else []
    return {name: text for name, text in texts.items() if isinstance(text, str)} | {
        "metrics": [
            {"direction": str(each.get("direction", "")), "name": each["name"], "value": value}
            for each in metrics
            if isinstance(value := each["value"], int | float)
        ]
    }


def _is_metric(value: Any) -> bool:
    return isinstance(value, dict) and value.get("name") in _SHOWN_METRICS and "value" in value


def _can_be_shown(one: ImageSignature) -> bool:
    images = (one.image, one.exemplar, one.target, *one.results)
    return all(tensor is None or tensor.shape[-1] in _CHANNELS for tensor in images)


def _signature(one: ImageSignature, examples: Mapping[str, Mapping]) -> dict[str, Any]:
    images = {
        "image": one.image,
        "exemplar": one.exemplar,
        "target": one.target,
        "mask": one.mask,
    }
    return {
        "name": one.name,
        "title": one.pixels_of,
        "scalar_inputs": _sliders(one.scalar_inputs),
        "result": one.result.name,
        "results": [_image(result) for result in one.results],
        "examples": {role: list(named) for role, named in examples.items()},
    } | {role: tensor and _image(tensor) for role, tensor in images.items()}


def _image(tensor: TensorRecord) -> dict[str, Any]:
    _, height, width, channels = tensor.shape
    image = {"name": tensor.name, "height": height, "width": width, "channels": channels}
    return {**image, "interpolation": tensor.interpolation}


def _sliders(tensors: Sequence[TensorRecord]) -> list[dict[str, Any]]:
    """A slider for every labelled scalar: its attribute, initial value and range.

    The first attribute starts present, so that the page shows an effect. Of a categorical
    attribute the first category does.
    """
    rows: list[dict[str, Any]] = []
    for tensor in tensors:
        low, high = tensor.value_range or (0.0, 1.0)
        for label in tensor.labels:
            attribute, equals, _ = label.partition("=")
            first = attribute not in {row["attribute"] for row in rows}
            present = first and bool(equals or not rows)
            amount = tensor.default[0] if is_optional_scalar(tensor) and tensor.default else None
            below = high - low if amount is None else 0.0  # a negative strength has no meaning
            above = 0.0 if label == STEPS else high - low  # the model has no further steps
            rows.append(
                {
                    "input": tensor.name,
                    "label": label,
                    "attribute": attribute,
                    "start": (high if present else low) if amount is None else amount,
                    "absent": low,
                    "present": high,
                    "min": low - below,
                    "max": high + above,
                    "step": 1 if label == STEPS else _STEP,
                }
            )
    return rows


def _examples(
    one: ImageSignature, floats: SignatureRecord, batches: Mapping[str, np.ndarray]
) -> dict[str, dict[str, bytes]]:
    """Examples of the image and the exemplar, contents by path.

    A path contains the hash of the content, so equal images of several signatures share a file.

    Args:
        one: The uint8 signature.
        floats: The float signature that it wraps; its value ranges scale the examples.
        batches: Examples by input.
    """
    limits = {tensor.name: tensor.limits for tensor in floats.inputs}
    images = {"image": one.image, "exemplar": one.exemplar}
    by_role: dict[str, dict[str, bytes]] = {}
    for role, tensor in images.items():
        if tensor is None:
            continue
        by_role[role] = {}
        for image in batches.get(tensor.name, ())[:_MAX_EXAMPLES]:
            content = _png(to_uint8(image, limits[tensor.name]))
            by_role[role][f"examples/{sha256(content).hexdigest()[:12]}.png"] = content
    return by_role


def _png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return file.getvalue()


def _static_files() -> dict[str, bytes]:
    source = resources("exporters.web").joinpath("static")
    files = {file.name: file.read_bytes() for file in source.iterdir() if file.is_file()}
    files["litert/LICENSE"] = files.pop("LITERT_LICENSE")
    return files
