"""Runs signatures eagerly, before any conversion, with the interface of a `Runner`."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from exporters.arguments import check_type
from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import SignatureRecord, get_signature
from exporters.bundle.npz import Arrays
from exporters.bundle.scalar_inputs import with_defaults
from exporters.bundle.signatures import make_records
from exporters.errors import ExportError, first_line
from exporters.inference.runner import check_inputs
from exporters.protocol import SignatureLike
from exporters.verification import golden
from exporters.verification.golden import Golden
from exporters.verification.value_range import ROUNDING, range_fault

_RESULT = "a mapping such as {'image': tensor}"


class EagerReference:
    """Calls named signatures and their uint8 variants eagerly.

    Args:
        signatures: As `export` takes them.
        aspect: How images of any size are brought to the size of its inputs, as for `export`.

    Raises:
        ExportError: As `export` does for signatures that cannot be exported.
    """

    def __init__(
        self, signatures: Mapping[str, SignatureLike], *, aspect: Aspect = "stretch"
    ) -> None:
        self.aspect = aspect
        self.signatures = make_records(signatures)
        self._functions = dict(signatures)

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature once; arguments, result and errors as in `Runner.run`."""
        record = get_signature(self.signatures, name)
        complete = with_defaults(record, inputs)
        check_inputs(name, record, complete)
        if record.pixels_of is None:
            return call(self._functions[name], complete)
        wrapped = self.signatures[record.pixels_of]
        floats = golden.to_float_inputs(wrapped, complete)
        outputs = call(self._functions[record.pixels_of], floats)
        return golden.to_pixel_outputs(wrapped, outputs)


def call(signature: SignatureLike, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of a signature's function for one case, called eagerly.

    Raises:
        ExportError: If the function fails, or gives no mapping.
    """
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    try:
        outputs = signature.function(**tensors)
    except Exception as error:  # a function of others may fail in any way
        reason = first_line(str(error)) if str(error) else type(error).__name__
        raise ExportError(
            f"the function of signature {signature.name!r} fails on {', '.join(tensors)}: {reason}"
        ) from error
    check_type(f"result of signature {signature.name!r}", outputs, Mapping, _RESULT)
    return {name: np.asarray(value) for name, value in outputs.items()}


def golden_cases(
    signatures: Mapping[str, SignatureLike],
    records: Mapping[str, SignatureRecord],
    images: Mapping[str, Mapping[str, np.ndarray]],
    seed: int,
) -> dict[str, Golden]:
    """Golden cases of every signature: its inputs, and the outputs of its function.

    Args:
        signatures: The float signatures.
        records: Their records from `signatures.make_records`.
        images: Examples for some of them; see `golden.make_inputs`.
        seed: Seed of the generated inputs.

    Raises:
        ExportError: If examples do not fit a signature, or a function returns different outputs
            for equal inputs, outputs that are not finite, or outputs outside their value range.
    """
    if unknown := sorted(set(images) - set(signatures)):
        raise ExportError(
            f"`golden_images` names the signature {unknown[0]!r}; known are {', '.join(signatures)}"
        )
    cases = {}
    for name, signature in signatures.items():
        inputs = golden.make_inputs(name, records[name], images.get(name, {}), seed)
        cases[name] = Golden(inputs, _outputs(signature, inputs))
        _check_ranges(name, records[name], cases[name].outputs)
    for name, record in records.items():
        if record.pixels_of is not None:
            wrapped = records[record.pixels_of]
            pixels = golden.to_pixel_inputs(wrapped, cases[record.pixels_of].inputs)
            floats = golden.to_float_inputs(wrapped, pixels)
            outputs = _outputs(signatures[record.pixels_of], floats)
            cases[name] = Golden(pixels, golden.to_pixel_outputs(wrapped, outputs))
    return cases


def _check_ranges(name: str, record: SignatureRecord, outputs: Arrays) -> None:
    for tensor in record.outputs:
        # A function may give other outputs than it declares, which tracing finds.
        if tensor.name in outputs and (fault := range_fault(tensor, outputs[tensor.name])):
            low, high = _covering(outputs[tensor.name])
            raise ExportError(
                f"signature {name!r} gives values of {tensor.name!r} {fault}, on its golden "
                f"inputs; give the range that the model has (--output-range {low} {high}, or "
                f"`value_range=({low}, {high})` of the tensor), or end the model in a layer that "
                "keeps to the declared one"
            )


def _covering(values: np.ndarray) -> tuple[str, str]:
    """The first usual range that holds values, or their own range; a guess for a suggestion."""
    low, high = float(values.min()), float(values.max())
    for usual in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        slack = ROUNDING * (usual[1] - usual[0])
        if usual[0] - slack <= low and high <= usual[1] + slack:
            low, high = usual
            break
    return f"{low:.3g}", f"{high:.3g}"


def _outputs(signature: SignatureLike, inputs: Arrays) -> Arrays:
    """Outputs of the function itself, `(cases, *shape)`, called eagerly case by case."""
    count = len(next(iter(inputs.values())))
    cases = [{name: values[i] for name, values in inputs.items()} for i in range(count)]
    outputs = [call(signature, case) for case in cases]
    again = call(signature, cases[0])
    for name, values in outputs[0].items():
        if not np.array_equal(values, again[name], equal_nan=True):
            raise ExportError(
                f"signature {signature.name!r} gives another {name!r} when called twice with one "
                "input; turn dropout and other random operations off, or fix their seed"
            )
    stacked = {name: np.stack([case[name] for case in outputs]) for name in outputs[0]}
    for name, values in stacked.items():
        if not np.isfinite(values).all():
            raise ExportError(
                f"signature {signature.name!r} gives values in {name!r} that are not finite, "
                "before any conversion; the model itself is broken"
            )
    return stacked
