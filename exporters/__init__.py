"""Export image models to SavedModel and TensorFlow Lite bundles; verify, lint and run them.

The package does not import the rest of the project. It exports any object that has the
attributes in `exporters/protocol.py`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exporters.android import write_android_project
from exporters.benchmark.benchmark import Timing, benchmark
from exporters.benchmark.compare import Comparison, compare
from exporters.benchmark.latency_record import keep_latency
from exporters.bundle.bundle import Bundle, open_bundle
from exporters.bundle.field_types import Aspect
from exporters.convert.calibration import Calibration, pick_diverse_images
from exporters.convert.recipes import RECIPES, Recipe
from exporters.errors import BundleError, ExportError, ModelError
from exporters.inference.images import translate_image, translate_images
from exporters.inference.isolated_runner import IsolatedRunner
from exporters.inference.runner import Runner
from exporters.inference.tiled_images import translate_tiles
from exporters.lint import FastPathCoverage, Finding, LintReport, lint
from exporters.protocol import SignatureLike, TensorLike
from exporters.signature import Signature, Tensor
from exporters.untrusted.limits import Limits
from exporters.verification.report import Verification
from exporters.verification.verify import verify

__all__ = [
    "RECIPES",
    "Bundle",
    "BundleError",
    "Calibration",
    "Comparison",
    "ExportError",
    "FastPathCoverage",
    "Finding",
    "IsolatedRunner",
    "Limits",
    "LintReport",
    "ModelError",
    "Recipe",
    "Runner",
    "Signature",
    "SignatureLike",
    "Tensor",
    "TensorLike",
    "Timing",
    "Verification",
    "benchmark",
    "compare",
    "export",
    "keep_latency",
    "lint",
    "open_bundle",
    "pick_diverse_images",
    "signature_of",
    "translate_image",
    "translate_images",
    "translate_tiles",
    "verify",
    "write_android_project",
]


def signature_of(
    model: Any,
    *,
    name: str = "a_to_b",
    size: tuple[int, int] | None = None,
    ranges: tuple[float, float] | Mapping[str, tuple[float, float] | None] | None = None,
    names: Mapping[str, str] | None = None,
) -> Signature:
    """Describes a model as a signature that `export` takes.

    Networks run in inference mode and in float32: those of mixed precision are rebuilt with the
    same weights.

    Args:
        model: A built `keras.Model`, a `.keras` file, the folder of a SavedModel, or a
            `tf.function` with an input signature. Files are trusted: a SavedModel holds code.
        name: Name of the signature.
        size: Height and width of all images whose sides the model leaves open.
        ranges: Minimum and maximum of all images, or by the name of an input or output (of all of
            that name); None marks a tensor that is no image. Default: what the first and last
            layers tell. Else a warning says what is assumed: [-1, 1] of an output, and of an
            input the range of the first output.
        names: New names of inputs and outputs by those of the model. A single image is `image`.

    Returns:
        The signature. float32 of four sides and 1, 3 or 4 channels are images; other outputs, such
        as latents or logits, have no range.

    Raises:
        ExportError: If it is none of these, its batch is fixed to more than 1, a side stays open, a
            dtype cannot be exported, or a name does not exist.

    Example:
        `export({"a_to_b": signature_of(generator, size=(256, 256))}, "bundle")`
    """
    from exporters.from_model.describe_model import describe_model  # loads TensorFlow

    return describe_model(model, name=name, size=size, ranges=ranges, names=names)


def export(
    signatures: Mapping[str, SignatureLike],
    directory: str | Path,
    *,
    recipes: Sequence[str] = ("float32",),
    aspect: Aspect = "stretch",
    golden_images: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    calibration: Calibration | None = None,
    source: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    seed: int = 0,
    optimize: bool = True,
    web: Sequence[str | Path] | None = None,
    sidecar: Mapping[str, bytes] | None = None,
    keep_saved_model: bool = True,
    model_version: str = "",
) -> Path:
    """Writes a bundle: a SavedModel, a .tflite file per recipe, golden cases, manifest, card.

    Every float signature with images of a stated range gets a `<name>_uint8` variant with uint8
    pixels in and out: level 0 is the minimum, level 255 the maximum. The .tflite files use
    built-in operations, static shapes and a batch of 1.

    Args:
        signatures: Functions to export by name.
        directory: A folder that does not exist or is empty. A failed export leaves it as it was.
        recipes: Names from `RECIPES`.
        aspect: How images of any size were brought to the size of the model in its training:
            `stretch`, `letterbox` (mirrored borders) or `crop` (the centre part). Whoever uses
            the bundle does the same: `translate_image`, `verify`, the page, the app examples.
        golden_images: Real examples to verify with, in addition to seeded ones. For each
            signature and input a batch `(n, ...)` of its type and range; the first 32 are used.
        calibration: Real examples from which integer recipes (`int8`, `int8_float_norm`,
            `int16x8`) take the ranges of activations; `pick_diverse_images` chooses images.
        source: What was exported, stored in the manifest. The card shows `run`, `step`,
            `method`, `summary`, `intended_use`, `metrics` (mappings with the fields of
            `exporters.card.metadata.Metric`) and `remarks`.
        provenance: Where the training data came from, stored too. The card shows `data` and
            `license`.
        seed: Seed of the generated golden inputs.
        optimize: Whether files are rewritten for XNNPACK: mirrored borders and repeated values
            become operations that it has, and in float32 and float16 the same sums take fewer
            products. With False they stay as the converter wrote them.
        web: The packed files (`npm pack`) of `exporters.web.PACKAGES`. With them the bundle gets
            a web page, on which the first four golden images are examples.
        sidecar: Further files of the bundle, content by path (`judges/a.npz`). They are hashed
            like all other files, but this package does not read them.
        keep_saved_model: Whether the bundle keeps the SavedModel that its files are converted
            from. Without it a bundle of float16 alone has about a third of the size.
        model_version: The version of the model for apps, such as "1.2.0": in the manifest, on the
            card and in the metadata of each .tflite file. Empty if it has none.

    Returns:
        The bundle's absolute path.

    Raises:
        ExportError: If a signature cannot be exported, a recipe or aspect is unknown, a recipe
            lacks calibration examples, the folder is not empty, or the web page has no signature
            to show or `web` holds another version of LiteRT.js.
    """
    from exporters.convert.export import (  # loads TensorFlow, which a Runner does not need
        ExportOptions,
        write_bundle,
    )

    options = ExportOptions(
        recipes=recipes,
        aspect=aspect,
        golden_images={} if golden_images is None else golden_images,
        calibration=calibration,
        source=source,
        provenance=provenance,
        seed=seed,
        optimize=optimize,
        web=web,
        sidecar={} if sidecar is None else sidecar,
        keep_saved_model=keep_saved_model,
        model_version=model_version,
    )
    return write_bundle(signatures, directory, options)
