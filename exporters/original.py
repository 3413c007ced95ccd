"""Signatures called as they are, before any conversion, as a `Runner` calls a bundle's."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from exporters import golden
from exporters.labels import filled
from exporters.manifest import signature_named
from exporters.protocol import SignatureLike
from exporters.runtime import check_inputs
from exporters.signatures import recorded


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
