"""Signature records of a bundle: validated, with static shapes, and with uint8 variants."""

import keyword
import re
from collections.abc import Mapping

from pydantic import ValidationError

from exporters.bundle.field_types import NAME_PATTERN
from exporters.bundle.manifest import SignatureRecord, TensorRecord
from exporters.bundle.scalar_inputs import STRENGTH
from exporters.errors import ExportError
from exporters.protocol import SignatureLike, TensorLike

MASK = "mask"  # an input of this name weights pixels and is no image
PIXEL_SUFFIX = "_uint8"
PIXEL_RANGE = (0.0, 255.0)
_RESERVED_NAMES = {*keyword.kwlist, "self"}  # TensorFlow cannot trace arguments of such names
PIXEL_SCOPE = "pixel_scaling"  # name scope of the operations that scale pixels


def make_records(signatures: Mapping[str, SignatureLike]) -> dict[str, SignatureRecord]:
    """Describes every signature, and the uint8 variant of each one that has images.

    Where the float signature has images, the variant has uint8 pixels, scaled by the image's
    value range. Its other tensors are the same.

    Raises:
        ExportError: If there is no signature, or one has a name, type or shape that cannot be
            exported. Only the batch may be unknown; no input is named `self` or like a keyword.
    """
    if not signatures:
        raise ExportError("`signatures` is empty; there is nothing to export")
    records: dict[str, SignatureRecord] = {}
    for name, signature in signatures.items():
        if name != signature.name:
            raise ExportError(f"signature {signature.name!r} has the key {name!r} in `signatures`")
        if not re.fullmatch(NAME_PATTERN, name):
            raise ExportError(
                "a signature's name must be letters, digits and underscores, beginning with a "
                f"letter, got {name!r}"
            )
        records[name] = _record(signature)
    for name, record in list(records.items()):
        if any(is_image(tensor) for tensor in (*record.inputs, *record.outputs)):
            if name + PIXEL_SUFFIX in records:
                raise ExportError(
                    f"the name {name + PIXEL_SUFFIX!r} is reserved for the uint8 variant of "
                    f"{name!r}; rename that signature"
                )
            records[name + PIXEL_SUFFIX] = _pixel_variant(name, record)
    return records


def is_image(tensor: TensorRecord) -> bool:
    """Whether a tensor is a batch of float images, of any number of channels: it has limits."""
    return (
        tensor.dtype == "float32"
        and tensor.name != MASK
        and len(tensor.shape) == 4
        and tensor.value_range is not None
        and not tensor.range_is_typical
    )


def is_pixels(tensor: TensorRecord) -> bool:
    """Whether a tensor is a batch of images in uint8 pixels."""
    return tensor.dtype == "uint8" and len(tensor.shape) == 4


def _record(signature: SignatureLike) -> SignatureRecord:
    for tensors, role in ((signature.inputs, "input"), (signature.outputs, "output")):
        names = [tensor.name for tensor in tensors]
        if not names or len(set(names)) != len(names):
            raise ExportError(
                f"signature {signature.name!r} must have {role}s of different names, got {names}"
            )
    return SignatureRecord(
        inputs=tuple(_input(signature.name, tensor) for tensor in signature.inputs),
        outputs=tuple(_tensor(signature.name, tensor) for tensor in signature.outputs),
        inference_behavior=dict(signature.inference_behavior),
        tolerance_factor=float(getattr(signature, "tolerance_factor", 1.0)),
    )


def _input(signature: str, tensor: TensorLike) -> TensorRecord:
    if tensor.name in _RESERVED_NAMES:
        raise ExportError(
            f"an input must not be named `self` or like a keyword of Python, got {tensor.name!r} "
            f"in signature {signature!r}; rename it, for example to "
            f"{tensor.name.lower() + '_value'!r}"
        )
    default = getattr(tensor, "default", None)
    if default is None and tuple(getattr(tensor, "labels", ())) == (STRENGTH,):
        default = (1.0,)
    return _tensor(signature, tensor, None if default is None else tuple(default))


def _tensor(
    signature: str, tensor: TensorLike, default: tuple[float, ...] | None = None
) -> TensorRecord:
    _check_shape_and_range(signature, tensor)
    try:
        return TensorRecord.model_validate(
            {
                "name": tensor.name,
                "shape": tuple(1 if side is None else int(side) for side in tensor.shape),
                "dtype": tensor.dtype,
                "value_range": tensor.value_range,
                "range_is_typical": getattr(tensor, "range_is_typical", False),
                "labels": tuple(getattr(tensor, "labels", ())),  # an optional attribute
                "default": default,
                "meaning": getattr(tensor, "meaning", ""),
                "interpolation": getattr(tensor, "interpolation", "bicubic"),
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ExportError(
            f"tensor {tensor.name!r} of signature {signature!r} cannot be exported: "
            f"`{first['loc'][0]}`: {first['msg'].removeprefix('Value error, ')}, "
            f"got {first['input']!r}"
        ) from error


def _check_shape_and_range(signature: str, tensor: TensorLike) -> None:
    if None in tensor.shape[1:]:
        raise ExportError(
            f"tensor {tensor.name!r} of signature {signature!r} has the unknown side(s) "
            f"{tensor.shape}; phones need static shapes, so give every side but the batch"
        )
    limits = tensor.value_range
    if limits is not None and not limits[0] < limits[1]:
        raise ExportError(
            f"the `value_range` of tensor {tensor.name!r} must have a minimum below its maximum, "
            f"got {tuple(limits)}"
        )


def _pixel_variant(name: str, record: SignatureRecord) -> SignatureRecord:
    return SignatureRecord(
        inputs=tuple(_pixels(tensor) for tensor in record.inputs),
        outputs=tuple(_pixels(tensor) for tensor in record.outputs),
        inference_behavior=record.inference_behavior,
        pixels_of=name,
        tolerance_factor=record.tolerance_factor,
    )


def _pixels(tensor: TensorRecord) -> TensorRecord:
    if not is_image(tensor):
        return tensor
    return tensor.model_copy(update={"dtype": "uint8", "value_range": PIXEL_RANGE})
