"""From named functions of tensors to files for devices, checked: export, verify, lint, run.

Independent of the rest of the project: anything that has the attributes in
`exporters/protocol.py` can be exported.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exporters.benchmark.benchmark import Timing, benchmark
from exporters.benchmark.compare import Comparison, compare
from exporters.benchmark.latency_record import keep_latency
from exporters.bundle.bundle import Bundle, open_bundle
from exporters.convert.calibration import Calibration, pick
from exporters.convert.recipes import RECIPES, Recipe
from exporters.errors import BundleError, ExportError
from exporters.inference.images import translate_image, translate_images
from exporters.inference.runner import Runner
from exporters.inference.tiled_images import translate_tiles
from exporters.lint import Finding, LintReport, Share, lint
from exporters.protocol import SignatureLike, TensorLike
from exporters.verification.report import Verification
from exporters.verification.verify import verify

__all__ = [
    "RECIPES",
    "Bundle",
    "BundleError",
    "Calibration",
    "Comparison",
    "ExportError",
    "Finding",
    "LintReport",
    "Recipe",
    "Runner",
    "Share",
    "SignatureLike",
    "TensorLike",
    "Timing",
    "Verification",
    "benchmark",
    "compare",
    "export",
    "keep_latency",
    "lint",
    "open_bundle",
    "pick",
    "translate_image",
    "translate_images",
    "translate_tiles",
    "verify",
]


def export(
    signatures: Mapping[str, SignatureLike],
    directory: str | Path,
    *,
    recipes: Sequence[str] = ("float32",),
    golden_images: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    calibration: Calibration | None = None,
    source: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
    seed: int = 0,
    web: Sequence[str | Path] | None = None,
    sidecar: Mapping[str, bytes] | None = None,
    keep_saved_model: bool = True,
) -> Path:
    """Writes a bundle: a SavedModel, a .tflite file a recipe, golden cases, a manifest, a card.

    Every float signature with images in [-1, 1] gets a `<name>_uint8` variant that takes and
    gives pixels. The files hold built-in operations only, static shapes and a batch of 1.

    Args:
        signatures: Functions to export by name.
        directory: A folder that does not exist or is empty; it appears whole or not at all.
        recipes: Names from `RECIPES`.
        golden_images: Real examples to verify with beside the seeded ones, for each signature
            and input a batch `(n, ...)` of its type and range; the first 32 are used.
        calibration: Real examples from which integer recipes (`int8`, `int8_float_norm`,
            `int16x8`) fix ranges; `pick` chooses images. They are never invented.
        source: What was exported, kept in the manifest. The card shows `run`, `step`, `method`,
            `summary`, `intended_use`, `metrics` (mappings with the names of
            `exporters.card.metadata.Metric`) and `remarks` beside them.
        provenance: Where the training data came from, kept too. The card shows `data` and
            `license`.
        seed: Decides the seeded golden inputs.
        web: Files that `npm pack` makes of `exporters.web.PACKAGES`. With them the bundle gets
            a page for browsers, on which the first four golden images are examples.
        sidecar: Files of your own that belong to the bundle, content by path (`judges/a.npz`); they
            are hashed like all others and read by nobody here.
        keep_saved_model: Whether the SavedModel that files are made from stays in the bundle;
            without it the bundle is about a third the size.

    Returns:
        The bundle's absolute path.

    Raises:
        ExportError: If a signature cannot be exported as asked, a recipe is unknown or lacks
            calibration, the folder is not free, or a page has nothing to show or another
            LiteRT.js than it is made for.
    """
    from exporters.convert.export import (  # loads TensorFlow, running goes without
        Order,
        write_bundle,
    )

    order = Order(
        recipes=recipes,
        golden_images=golden_images or {},
        calibration=calibration,
        source=source,
        provenance=provenance,
        seed=seed,
        web=web,
        sidecar=sidecar or {},
        keep_saved_model=keep_saved_model,
    )
    return write_bundle(signatures, directory, order)
