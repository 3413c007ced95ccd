"""Chooses the signature that translates images, and describes its other inputs."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from exporters.bundle.field_types import Aspect
from exporters.bundle.manifest import SignatureRecord, TensorRecord, get_signature
from exporters.bundle.scalar_inputs import missing_labels, suggest_label
from exporters.errors import ExportError


class Model(Protocol):
    """Calls signatures by name: a `Runner`, or an `EagerReference`."""

    @property
    def signatures(self) -> Mapping[str, SignatureRecord]:
        """Inputs and outputs of each signature, by name."""

    @property
    def aspect(self) -> Aspect:
        """How images of any size are brought to the size of its inputs."""

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Runs a signature once on an array for each input."""


@dataclass(frozen=True)
class ImageSignature:
    """A uint8 signature that maps images, and optionally scalars, to images.

    Attributes:
        name: Its name.
        pixels_of: Name of the float signature that it wraps, else its own; the name shown to
            people.
        image: The image to translate.
        exemplar: A second image to transfer from, or None.
        target: The image with colours painted over it, or None.
        mask: Where the target is painted, `(1, height, width, 1)` in [0, 1]; None without one.
        scalar_inputs: Inputs of labelled scalars: attributes, strength, steps.
        result: The translation of `image`.
        results: All image outputs, including `result`.
    """

    name: str
    pixels_of: str
    image: TensorRecord
    exemplar: TensorRecord | None
    target: TensorRecord | None
    mask: TensorRecord | None
    scalar_inputs: tuple[TensorRecord, ...]
    result: TensorRecord
    results: tuple[TensorRecord, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all scalar inputs."""
        return tuple(label for tensor in self.scalar_inputs for label in tensor.labels)

    def description(self) -> str:
        """A phrase that lists its inputs, for error messages."""
        parts = ["an image"]
        if self.exemplar is not None:
            parts.append("an exemplar")
        if self.mask is not None:
            parts.append("a painted target with its mask")
        if self.labels:
            parts.append(f"values for {', '.join(self.labels)}")
        return f"{self.pixels_of} takes {' and '.join(parts)}"

    def fault_of(
        self, attributes: Collection[str], *, exemplar: bool, painted: bool = False
    ) -> str | None:
        """Why values for these labels, and the other images, do not fit; None if they do."""
        name = f"signature {self.pixels_of!r}"
        unknown = [label for label in attributes if label not in self.labels]
        if unknown and not self.labels:
            return f"{name} takes no attributes; leave out {', '.join(unknown)}"
        if unknown:
            suggestion = suggest_label(unknown[0], self.labels)
            return f"{name} has no attribute {unknown[0]!r}; {suggestion}"
        if missing := missing_labels(self.scalar_inputs, attributes):
            first = missing[0].split(" or ")[0]
            example = first if "=" in first else f"{first}=1"  # hair=black needs no value
            return (
                f"{name} needs a value for each attribute, and none is given for "
                f"{', '.join(missing)}; give for example {example}; "
                f"known are {', '.join(self.labels)}"
            )
        if exemplar and self.exemplar is None:
            return f"{name} takes one image and no exemplar; leave the exemplar out"
        if not exemplar and self.exemplar is not None:
            return f"{name} needs an exemplar, a second image to transfer from; give one"
        if painted and self.mask is None:
            return f"{name} takes no painted target; leave target and mask out"
        if not painted and self.mask is not None:
            return f"{name} needs a target, the image with colours painted over it, and a mask"
        return None


def image_signature(
    model: Model,
    signature: str | None,
    attributes: Collection[str] = (),
    *,
    exemplar: bool = False,
    painted: bool = False,
) -> ImageSignature:
    """Finds the uint8 signature that takes the given inputs.

    Args:
        model: The model with the signatures.
        signature: `a_to_b` or `a_to_b_uint8`; None for the only one that fits.
        attributes: The labels that have a value.
        exemplar: Whether a second image is given.
        painted: Whether a target and its mask are given.

    Raises:
        ExportError: If the signature is unknown, does not map images to images or does not take
            these inputs; without a name, if none or several signatures take them.
    """
    images = {"exemplar": exemplar, "painted": painted}
    chosen = _find(model, signature) if signature else _choose(model, attributes, images)
    if fault := chosen.fault_of(attributes, **images):
        raise ExportError(fault)
    return chosen


def image_signatures(model: Model) -> list[ImageSignature]:
    """All signatures that map images to images."""
    found = []
    for name in _pixel_names(model).values():
        with contextlib.suppress(ExportError):
            found.append(_describe(name, model.signatures[name]))
    return found


def _find(model: Model, name: str) -> ImageSignature:
    name = _pixel_names(model).get(name, name)
    return _describe(name, get_signature(model.signatures, name))


def _choose(
    model: Model, attributes: Collection[str], images: Mapping[str, bool]
) -> ImageSignature:
    signatures = image_signatures(model)
    if not signatures:
        raise ExportError(f"no signature turns images into images: {_refusals(model)}")
    labels = list(dict.fromkeys(label for one in signatures for label in one.labels))
    for label in attributes if labels else ():
        if label not in labels:
            raise ExportError(f"there is no attribute {label!r}; {suggest_label(label, labels)}")
    fitting = [one for one in signatures if one.fault_of(attributes, **images) is None]
    similar = [one for one in signatures if _has_same_kinds(one, attributes, images)]
    # If none fits, a single similar signature is returned: its `fault_of` tells what is missing.
    for candidates in (fitting, [] if fitting else similar, signatures):
        if len(candidates) == 1:
            return candidates[0]
    names = " or ".join(one.pixels_of for one in fitting) or "none of them"
    raise ExportError(
        f"`signature` must be given, because the other arguments fit {names}: "
        f"{'; '.join(one.description() for one in signatures)}"
    )


def _has_same_kinds(
    one: ImageSignature, attributes: Collection[str], images: Mapping[str, bool]
) -> bool:
    """Whether it takes the same kinds of inputs, though perhaps more attributes."""
    takes = {"exemplar": one.exemplar is not None, "painted": one.mask is not None}
    same_kinds = bool(one.labels) == bool(attributes) and takes == dict(images)
    return same_kinds and set(attributes) <= set(one.labels)


def _pixel_names(model: Model) -> dict[str, str]:
    """Signatures that take pixels, by the names that people know them by.

    They are the uint8 variants, and signatures that take uint8 themselves.
    """
    own = {name: name for name, record in model.signatures.items() if _takes_pixels(record)}
    variants = {record.pixels_of: name for name, record in model.signatures.items()}
    return own | {name: variant for name, variant in variants.items() if name}


def _takes_pixels(record: SignatureRecord) -> bool:
    return record.pixels_of is None and any(map(_is_image, record.inputs))


def _refusals(model: Model) -> str:
    """Why each signature turns no images into images."""
    pixel_names = _pixel_names(model)
    reasons = []
    for name, record in model.signatures.items():
        if record.pixels_of is None and name not in pixel_names:
            reasons.append(f"{name} {_between(record)}")
        elif name in pixel_names:
            try:
                _describe(pixel_names[name], model.signatures[pixel_names[name]])
            except ExportError as error:
                reasons.append(str(error).partition(": ")[2] + f" ({name})")
    return "; ".join(reasons)


def _between(record: SignatureRecord) -> str:
    """What a signature takes and gives, in words."""
    taken, given = (
        ", ".join(f"{tensor.name} {tuple(tensor.shape)}" for tensor in tensors)
        for tensors in (record.inputs, record.outputs)
    )
    return f"takes {taken} and gives {given}"


def _describe(name: str, record: SignatureRecord) -> ImageSignature:
    images = [tensor for tensor in record.inputs if _is_image(tensor)]
    masks = [tensor for tensor in record.inputs if _is_mask(tensor)]
    others = (*images, *masks)
    scalar_inputs = tuple(tensor for tensor in record.inputs if tensor not in others)
    results = tuple(tensor for tensor in record.outputs if _is_image(tensor))
    image, result = _main_image(images), _main_image(results)
    refusal = f"signature {record.pixels_of or name!r} does not turn images into images: "
    if not (images and results):
        raise ExportError(f"{refusal}it {_between(record)}")
    if image is None or result is None:
        raise ExportError(
            f"{refusal}among its inputs, and among its outputs, one image must be named 'image' "
            "or be the only one"
        )
    second = next((tensor for tensor in images if tensor is not image), None)
    if reason := _input_fault(images, scalar_inputs) or _mask_fault(masks, image, second):
        raise ExportError(refusal + reason)
    return ImageSignature(
        name,
        record.pixels_of or name,
        image,
        exemplar=None if masks else second,
        target=second if masks else None,
        mask=masks[0] if masks else None,
        scalar_inputs=scalar_inputs,
        result=result,
        results=results,
    )


def _input_fault(
    images: Sequence[TensorRecord], scalar_inputs: Sequence[TensorRecord]
) -> str | None:
    if len(images) > 2:
        return f"it takes {len(images)} images, and at most an image and an exemplar can be given"
    for tensor in scalar_inputs:
        if not tensor.labels or tensor.dtype != "float32" or tensor.shape[:-1] != (1,):
            return f"its input {tensor.name!r} is neither an image nor a row of labelled scalars"
    labels = [label for tensor in scalar_inputs for label in tensor.labels]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        return f"two of its inputs have the label {twice[0]!r}"
    return None


def _mask_fault(
    masks: Sequence[TensorRecord], image: TensorRecord, second: TensorRecord | None
) -> str | None:
    if not masks:
        return None
    if len(masks) > 1 or second is None or second.name != "target":
        return f"its mask {masks[0].name!r} must be the only one, beside an image named 'target'"
    if not masks[0].shape[1:3] == image.shape[1:3] == second.shape[1:3]:
        return f"its mask {masks[0].name!r} and 'target' must be as large as {image.name!r}"
    return None


def _is_mask(tensor: TensorRecord) -> bool:
    form = len(tensor.shape) == 4 and (tensor.shape[0], tensor.shape[-1]) == (1, 1)
    return form and tensor.dtype == "float32" and tensor.value_range == (0.0, 1.0)


def _is_image(tensor: TensorRecord) -> bool:
    return tensor.dtype == "uint8" and len(tensor.shape) == 4 and tensor.shape[0] == 1


def _main_image(images: Sequence[TensorRecord]) -> TensorRecord | None:
    if len(images) == 1:
        return images[0]
    return next((tensor for tensor in images if tensor.name == "image"), None)
