"""Signatures called as they are, before any conversion, as a `Runner` calls a bundle's."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from exporters.bundle.labels import filled
from exporters.bundle.manifest import SignatureRecord, signature_named
from exporters.bundle.npz import Arrays
from exporters.bundle.signatures import recorded
from exporters.errors import ExportError
from exporters.inference.runner import check_inputs
from exporters.protocol import SignatureLike
from exporters.verification import golden
from exporters.verification.golden import Golden


class Original:
    """Calls named signatures and their uint8 variants eagerly.

    Args:
        signatures: As `export` takes them.

    Raises:
        ExportError: As `export` does for signatures that cannot be exported.
    """

    def __init__(self, signatures: Mapping[str, SignatureLike]) -> None:
        self.signatures = recorded(signatures)
        self._functions = dict(signatures)

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature once; arguments, result and errors as in `Runner.run`."""
        record = signature_named(self.signatures, name)
        given = filled(record, inputs)
        check_inputs(name, record, given)
        if record.pixels_of is None:
            return call(self._functions[name], given)
        wrapped = self.signatures[record.pixels_of]
        floats = golden.to_wrapped_inputs(wrapped, given)
        outputs = call(self._functions[record.pixels_of], floats)
        return golden.from_wrapped_outputs(wrapped, outputs)


def call(signature: SignatureLike, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the function itself gives for one case, called eagerly."""
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    return {name: np.asarray(value) for name, value in signature.function(**tensors).items()}


def golden_cases(
    signatures: Mapping[str, SignatureLike],
    records: Mapping[str, SignatureRecord],
    images: Mapping[str, Mapping[str, np.ndarray]],
    seed: int,
) -> dict[str, Golden]:
    """Golden cases of every signature: its inputs, and what its function gives for them.

    Args:
        signatures: Those of floats.
        records: What `signatures.recorded` made of them.
        images: Examples given for some of them; see `golden.make_inputs`.
        seed: Decides the seeded inputs.

    Raises:
        ExportError: If examples do not belong to a signature, or a function gives unlike outputs
            for equal inputs, or some that are not finite.
    """
    if unknown := sorted(set(images) - set(signatures)):
        raise ExportError(
            f"`golden_images` names the signature {unknown[0]!r}; known are {', '.join(signatures)}"
        )
    cases = {}
    for name, signature in signatures.items():
        inputs = golden.make_inputs(name, records[name], images.get(name, {}), seed)
        cases[name] = Golden(inputs, _outputs(signature, inputs))
    for name, record in records.items():
        if record.pixels_of is not None:
            wrapped = records[record.pixels_of]
            pixels = golden.on_pixels(wrapped, cases[record.pixels_of].inputs)
            floats = golden.to_wrapped_inputs(wrapped, pixels)
            outputs = _outputs(signatures[record.pixels_of], floats)
            cases[name] = Golden(pixels, golden.from_wrapped_outputs(wrapped, outputs))
    return cases


def _outputs(signature: SignatureLike, inputs: Arrays) -> Arrays:
    """Outputs of the function itself, `(cases, *shape)`, called eagerly case by case."""
    count = len(next(iter(inputs.values())))
    each = [{name: values[at] for name, values in inputs.items()} for at in range(count)]
    outputs = [call(signature, case) for case in each]
    again = call(signature, each[0])
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
