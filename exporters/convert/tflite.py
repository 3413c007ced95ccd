"""TensorFlow Lite conversion; the only module that uses `tf.lite`.

It converts from a SavedModel. The other entry points of the converter leave Keras variables as
uninitialized resources, and the file then returns NaN without an error.
"""

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from exporters.bundle.bundle import Bundle
from exporters.convert.recipes import Recipe
from exporters.errors import ExportError, ModelError, first_line
from exporters.inference.isolated_runner import IsolatedRunner
from exporters.inference.runner import Runner
from exporters.tflite_graph.summary import STATEFUL, read_graph
from exporters.verification.golden import Golden
from exporters.verification.value_range import range_fault

_HALF = {"bf16": "bfloat16", "f16": "float16"}
_WEIGHT_TYPES = {"float16": tf.float16, "int8": None}


def convert(saved_model: str | Path, recipe: Recipe, signatures: Iterable[str]) -> bytes:
    """Converts named signatures of a SavedModel into the content of one .tflite file.

    A recipe's rules are ignored; `quantize` applies them.

    Raises:
        ExportError: If the graph needs operations that are not built in, has a shape that is
            not static or keeps state.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved_model), signature_keys=list(signatures)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if recipe.settings.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weight_type := _WEIGHT_TYPES[recipe.settings.weights]:
            converter.target_spec.supported_types = [weight_type]
    try:
        with quiet():
            content = converter.convert()
    except Exception as error:  # the converter raises exceptions of many kinds
        raise ExportError(_conversion_sentence(recipe.name, str(error))) from error
    check_graph(recipe.name, content)
    return content


def check_outputs(bundle: Bundle, recipe: Recipe, cases: Mapping[str, Golden]) -> None:
    """Runs a converted file on golden inputs.

    Args:
        bundle: The bundle with the file.
        recipe: The recipe of the file.
        cases: The golden cases of each signature; the original's outputs keep to their ranges.

    Raises:
        ExportError: If any output is NaN or infinite or leaves its value range by more than the
            recipe's tolerance, or the file does not run.
    """
    with _runner(bundle, recipe) as runner:
        _check_cases(runner, bundle, recipe, cases)


@contextlib.contextmanager
def _runner(bundle: Bundle, recipe: Recipe) -> Iterator[Runner | IsolatedRunner]:
    """Runs a file; one of integers in a child process, as its kernels may end the process."""
    if recipe.calibrated:
        with IsolatedRunner(bundle, recipe=recipe.name) as runner:
            yield runner
    else:
        yield Runner(bundle, recipe=recipe.name)


def _check_cases(
    runner: Runner | IsolatedRunner, bundle: Bundle, recipe: Recipe, cases: Mapping[str, Golden]
) -> None:
    for name, golden in cases.items():
        record = bundle.manifest.signatures[name]
        outputs = [_run(runner, name, inputs) for inputs, _ in golden.cases()]
        for tensor in record.outputs:
            values = np.stack([each[tensor.name] for each in outputs])
            output = f"recipe {recipe.name!r}: output {tensor.name!r} of signature {name!r}"
            if not np.isfinite(values).all():
                raise ExportError(
                    f"{output} is not finite after conversion though the original's is"
                )
            tolerance = bundle.manifest.artifacts[recipe.name].tolerance(record, tensor)
            if fault := range_fault(tensor, values, tolerance):
                raise ExportError(
                    f"{output} is {fault}, after conversion though the original's is not; choose "
                    "another recipe for it"
                )


def _run(
    runner: Runner | IsolatedRunner, name: str, case: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    try:
        return runner.run(name, case)
    # A kernel that refuses types, ranges or values, or ends its process.
    except (RuntimeError, ModelError) as error:
        raise ExportError(
            f"recipe {runner.recipe!r}: signature {name!r} does not run after conversion, so "
            f"choose another recipe for it: {first_line(str(error))}"
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences the converter and its C++ code, whose long output the exceptions repeat."""
    sys.stderr.flush()
    original = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(original, 2)
        os.close(original)


def check_graph(recipe: str, content: bytes) -> None:
    """Raises ExportError if a file needs custom operations, state or dynamic shapes."""
    graph = read_graph(content)
    if graph.custom:
        raise ExportError(_not_built_in(recipe, sorted(graph.custom)))
    stateful = sorted(STATEFUL & set(graph.operations))
    if stateful:
        raise ExportError(
            f"recipe {recipe!r}: the graph keeps state between calls ({', '.join(stateful)}), "
            "for example a random seed; export a function of its inputs alone"
        )
    if graph.dynamic:
        raise ExportError(
            f"recipe {recipe!r}: {len(graph.dynamic)} tensor(s) have no static shape, first "
            f"{graph.dynamic[0]!r}; phones need every side known"
        )


def _conversion_sentence(recipe: str, message: str) -> str:
    if half := re.search(r"tensor<[\dx?*]*(bf16|f16)>", message):
        return (
            f"recipe {recipe!r}: layers compute in {_HALF[half[1]]}, which the built-in "
            "operations do not support; export the same weights with the dtype policy float32"
        )
    listed = re.findall(r"(?:Select|Flex|Custom) ops: ([\w, ]+)", message)
    names = sorted({name.strip() for line in listed for name in line.split(",")})
    if names:
        return _not_built_in(recipe, names)
    return f"recipe {recipe!r}: the converter failed: {first_line(message)}"


def _not_built_in(recipe: str, names: list[str]) -> str:
    return (
        f"recipe {recipe!r}: {', '.join(names)} cannot be written with built-in operations, "
        "and others do not run on phones; write that layer with simpler operations"
    )
