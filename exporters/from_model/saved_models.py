"""The function of a SavedModel's folder."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from exporters.errors import ExportError

_PREFERRED = ("serving_default", "serve")


def saved_function(folder: Path) -> dict[str, Any]:
    """Function, inputs and output names of a SavedModel's signature.

    Args:
        folder: With a `saved_model.pb`. It is loaded, so it must come from someone you trust.

    Raises:
        ExportError: If it is no SavedModel, or has several signatures of which none is
            `serving_default` or `serve`.
    """
    if not (folder / "saved_model.pb").is_file():
        raise ExportError(f"{folder} is not a SavedModel: it holds no saved_model.pb")
    loaded = tf.saved_model.load(str(folder))
    signatures = dict(loaded.signatures)
    known = [name for name in _PREFERRED if name in signatures] or list(signatures)
    if not known or (len(known) > 1 and known[0] not in _PREFERRED):
        raise ExportError(
            f"{folder} must have one signature, or one named {' or '.join(_PREFERRED)}, got "
            f"{', '.join(signatures) or 'none'}; load it and give one of them to signature_of"
        )
    concrete = signatures[known[0]]
    specs = concrete.structured_input_signature[1]

    def function(*tensors: Any) -> Any:
        named = dict(zip(specs, tensors, strict=True))
        return concrete(**named)

    function.loaded = loaded  # type: ignore[attr-defined]  # keeps its variables
    outputs = sorted(concrete.structured_outputs)  # in the order of tf.nest.flatten
    inputs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()]
    return {"function": function, "inputs": inputs, "output_names": outputs}
