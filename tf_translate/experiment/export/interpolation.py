"""Records in signatures how images were resized in training, so that inference does the same."""

import re
from collections.abc import Mapping
from dataclasses import replace

from tf_translate.config.data import DataConfig, Interpolation
from tf_translate.core.signature import Signature, TensorSpec

_DIRECTION = re.compile("([ab])_to_([ab])")


def with_interpolation(
    signatures: Mapping[str, Signature], config: DataConfig
) -> dict[str, Signature]:
    """Returns the signatures with the interpolation of their images.

    Args:
        signatures: By name. `a_to_b` maps images of a to images of b; signatures of other names
            have images of a alone.
        config: Its `interpolation_a` and `interpolation_b` are recorded.
    """
    if config.interpolation_a == config.interpolation_b == "bicubic":
        return dict(signatures)
    return {name: _with(signature, config) for name, signature in signatures.items()}


def _with(signature: Signature, config: DataConfig) -> Signature:
    sides: dict[str, Interpolation] = {"a": config.interpolation_a, "b": config.interpolation_b}
    direction = _DIRECTION.match(signature.name)
    source, target = direction.groups() if direction else ("a", "a")
    return replace(
        signature,
        inputs=tuple(_of_image(tensor, sides[source]) for tensor in signature.inputs),
        outputs=tuple(_of_image(tensor, sides[target]) for tensor in signature.outputs),
    )


def _of_image(tensor: TensorSpec, interpolation: Interpolation) -> TensorSpec:
    is_image = len(tensor.shape) == 4 and tensor.value_range is not None and tensor.name != "mask"
    return replace(tensor, interpolation=interpolation) if is_image else tensor
