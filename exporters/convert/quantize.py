"""Static-range integer recipes, by ai-edge-quantizer (imported when first needed).

TensorFlow's converter is not used for them, for two reasons. It also quantizes the scaling of
pixels in uint8 variants, so coarsely that the PSNR falls from 44 to 21 dB (Fader at 64 pixels).
And it cannot leave single operations in float.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from exporters.bundle.manifest import SignatureRecord
from exporters.bundle.signatures import PIXEL_SCOPE, is_image, is_pixels
from exporters.convert.recipes import EVERYTHING, Recipe, Rule
from exporters.convert.tflite import check_graph, quiet
from exporters.errors import ExportError, first_line
from exporters.tflite_graph.summary import last_layers
from exporters.verification.golden import Arrays

_ALL = ".*"
# Inputs and outputs keep the signature's types, and pixels are scaled in float.
_INTERFACE = (
    Rule(("INPUT", "OUTPUT"), activations=None),
    Rule(EVERYTHING, activations=None, scope="pixels"),
    # As in a norm over a single pixel. Kernels end the process where a range has no width.
    Rule(EVERYTHING, activations=None, scope="constant"),
)


def quantize(
    content: bytes,
    recipe: Recipe,
    records: Mapping[str, SignatureRecord],
    cases: Mapping[str, list[Arrays]],
) -> bytes:
    """Quantizes a float32 .tflite file by a recipe's rules.

    Args:
        content: The file's content.
        recipe: A calibrated one.
        records: Inputs and outputs of its signatures.
        cases: Calibration examples of every signature.

    Returns:
        The quantized file's content, with the same signatures and interface types.

    Raises:
        ExportError: If the quantizer is not installed or fails.
    """
    package = _package(recipe.name)
    try:
        with quiet():
            scopes = _scopes(content, records)
            ranges = _ranges(package, content, _manager(package, recipe, scopes), cases)
            scopes["constant"] = _any_of(_constant_tensors(ranges))
            rules = _manager(package, recipe, scopes)
            quantizer = package.quantizer.Quantizer(content, rules.get_quantization_recipe())
            result = quantizer.quantize(
                ranges,
                enable_progress_bar=False,
                enable_progress_report=False,
            )
            quantized = bytes(result.quantized_model)
    except Exception as error:  # the quantizer raises exceptions of many kinds
        sentence = f"recipe {recipe.name!r}: the quantizer failed: {first_line(str(error))}"
        raise ExportError(sentence) from error
    check_graph(recipe.name, quantized)
    return quantized


def _package(recipe: str) -> ModuleType:
    try:
        import ai_edge_quantizer
        import ai_edge_quantizer.calibrator
        import ai_edge_quantizer.recipe_manager
        import ai_edge_quantizer.utils.qsv_utils
    except ImportError as error:
        raise ExportError(
            f"recipe {recipe!r} needs the package ai-edge-quantizer; pip install ai-edge-quantizer"
        ) from error
    return ai_edge_quantizer


def _scopes(content: bytes, records: Mapping[str, SignatureRecord]) -> dict[str, str]:
    """Regular expressions that match the names of the output tensors of operations."""
    images = {
        name: [tensor.name for tensor in record.outputs if is_image(tensor) or is_pixels(tensor)]
        for name, record in records.items()
    }
    return {
        "all": _ALL,
        "last_layers": _any_of(last_layers(content, images)),
        "constant": _any_of([]),
        "pixels": rf"(^|;|/){PIXEL_SCOPE}(_\d+)?/",  # TensorFlow numbers repeated scopes
    }


def _any_of(names: Sequence[str]) -> str:
    """Matches the output tensors of these names, and nothing if there are none."""
    return rf"^({'|'.join(map(re.escape, names))})(;|$)" if names else r"^\b$"


def _constant_tensors(ranges: Mapping[str, Any]) -> list[str]:
    """Names of the tensors that had one value alone in all examples."""
    return [name for name, each in ranges.items() if np.array_equal(each["min"], each["max"])]


def _manager(package: ModuleType, recipe: Recipe, scopes: Mapping[str, str]) -> Any:
    manager = package.recipe_manager.RecipeManager()
    for regex, operation, bits in _settings((*recipe.settings.rules, *_INTERFACE), scopes):
        name = package.qtyping.TFLOperationName(operation)
        if bits is None:
            manager.add_quantization_config(regex, name, algorithm_key="no_quantize")
        else:
            manager.add_static_config(regex, name, activation_num_bits=bits, weight_num_bits=8)
    return manager


def _settings(
    rules: tuple[Rule, ...], scopes: Mapping[str, str]
) -> Iterator[tuple[str, str, int | None]]:
    for rule in rules:
        for operation in rule.operations:
            yield scopes[rule.scope], operation, rule.activations


def _ranges(
    package: ModuleType, content: bytes, rules: Any, cases: Mapping[str, list[Arrays]]
) -> dict[str, Any]:
    """Minimum and maximum of every tensor over all examples.

    `Quantizer.calibrate` takes moving averages instead, which clip rare values: a PSNR of 34 dB
    instead of 44 (Fader at 64 pixels).
    """
    calibrator = package.calibrator.Calibrator(
        content,
        num_threads=os.cpu_count() or 1,
        qsv_update_func=package.utils.qsv_utils.min_max_update,
    )
    calibrator.calibrate(cases, rules)
    return calibrator.get_model_qsvs()
