"""How much rounding to float32 changes a function: its outputs compared with those in float64."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from exporters.bundle.manifest import SignatureRecord
from exporters.errors import first_line
from exporters.protocol import SignatureLike
from exporters.verification.golden import SEEDED_CASES, Golden
from exporters.verification.image_metrics import compare

MAX_ROUNDING_ERROR = 5e-4  # of 2, the width of an image's range; 8 times that is half a level
_CASES = SEEDED_CASES + 2  # in float64 a case takes several times as long


def measure_rounding(
    signatures: Mapping[str, SignatureLike],
    records: Mapping[str, SignatureRecord],
    cases: Mapping[str, Golden],
) -> dict[str, SignatureRecord]:
    """The records with a `rounding_error` where a signature has a `float64_function`.

    Its uint8 variant has the same error where it has outputs of floats, such as a latent.

    Warns where that function cannot be called, and where the error is above what is recorded.
    """
    measured = dict(records)
    for name, signature in signatures.items():
        function = getattr(signature, "float64_function", None)
        if function is None:
            continue
        try:
            found = rounding_error(function, records[name], cases[name])
        except Exception as error:  # layers of one's own may fail in float64 in any way
            warnings.warn(
                f"signature {name!r} was not compared with float64, so `verify` allows float32 "
                f"no more than its usual limit: {first_line(str(error))}",
                stacklevel=2,
            )
            continue
        if found > MAX_ROUNDING_ERROR:
            warnings.warn(
                f"rounding to float32 alone changes the outputs of {name!r} by {found:.2g} of 2, "
                f"and {MAX_ROUNDING_ERROR:g} is recorded: float16 and integer files may differ far",
                stacklevel=2,
            )
        update = {"rounding_error": min(found, MAX_ROUNDING_ERROR)}
        for key, record in records.items():
            if key == name or (record.pixels_of == name and _has_floats(record)):
                measured[key] = record.model_copy(update=update)
    return measured


def rounding_error(
    float64_function: Callable[..., Mapping[str, Any]], record: SignatureRecord, cases: Golden
) -> float:
    """The largest difference between golden outputs and those in float64, over four cases.

    Args:
        float64_function: Takes float inputs in float64, all others as they are.
        record: The signature.
        cases: Its golden cases; the first four are used, two seeded ones and two from examples.

    Returns:
        On the scale of an image in [-1, 1], as in `OutputDifference`.
    """
    largest = 0.0
    for inputs, outputs in list(cases.cases())[:_CASES]:
        exact = float64_function(**{key: _widened(value) for key, value in inputs.items()})
        for tensor in record.outputs:
            if tensor.dtype == "float32":
                expected = np.asarray(exact[tensor.name])[None]
                difference = compare(expected, outputs[tensor.name][None], tensor)
                largest = max(largest, difference.max_abs)
    return largest


def _has_floats(record: SignatureRecord) -> bool:
    return any(tensor.dtype == "float32" for tensor in record.outputs)


def _widened(value: np.ndarray) -> tf.Tensor:
    return tf.constant(value.astype(np.float64) if value.dtype == np.float32 else value)
