"""Which signature translates images, and what it takes beside them."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from exporters.bundle.labels import nearest, needed
from exporters.bundle.manifest import SignatureRecord, TensorRecord, signature_named
from exporters.errors import ExportError


class Model(Protocol):
    """Calls signatures by name: a `Runner`, or an `Original`."""

    @property
    def signatures(self) -> Mapping[str, SignatureRecord]:
        """What each signature takes and gives."""

    def run(self, name: str, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Runs a signature once on an array for each input."""


@dataclass(frozen=True)
class ImageSignature:
    """A uint8 signature from images, and perhaps numbers, to images.

    Attributes:
        name: Its own name.
        pixels_of: Name of the float signature it wraps; what people call it.
        image: The image to translate.
        exemplar: A second image to take something from, or None.
        target: A image of colours painted over `image`, or None.
        mask: Where they are painted, `(1, height, width, 1)` in [0, 1]; None without a target.
        numbers: Inputs of labelled numbers.
        result: What becomes of `image`.
        results: Every image it gives, `result` among them.
    """

    name: str
    pixels_of: str
    image: TensorRecord
    exemplar: TensorRecord | None
    target: TensorRecord | None
    mask: TensorRecord | None
    numbers: tuple[TensorRecord, ...]
    result: TensorRecord
    results: tuple[TensorRecord, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all numbers."""
        return tuple(label for tensor in self.numbers for label in tensor.labels)

    def takes(self) -> str:
        """What it takes, in words."""
        parts = ["a image"]
        if self.exemplar is not None:
            parts.append("an exemplar")
        if self.mask is not None:
            parts.append("a painted target with its mask")
        if self.labels:
            parts.append(f"numbers for {', '.join(self.labels)}")
        return f"{self.pixels_of} takes {' and '.join(parts)}"

    def fault_of(
        self, numbers: Collection[str], *, exemplar: bool, painted: bool = False
    ) -> str | None:
        """Why numbers of these labels, with or without other images, do not serve it."""
        name = f"signature {self.pixels_of!r}"
        unknown = [label for label in numbers if label not in self.labels]
        if unknown and not self.labels:
            return f"{name} takes no attributes; leave out {', '.join(unknown)}"
        if unknown:
            return f"{name} has no attribute {unknown[0]!r}; {nearest(unknown[0], self.labels)}"
        if missing := needed(self.numbers, numbers):
            first = missing[0].split(" or ")[0]
            example = first if "=" in first else f"{first}=1"  # hair=black is itself what is given
            return (
                f"{name} needs a number for each attribute, and none is given for "
                f"{', '.join(missing)}; give for example {example}; "
                f"known are {', '.join(self.labels)}"
            )
        if exemplar and self.exemplar is None:
            return f"{name} takes one image and no exemplar; leave the exemplar out"
        if not exemplar and self.exemplar is not None:
            return f"{name} needs an exemplar, a second image to take from; give one"
        if painted and self.mask is None:
            return f"{name} takes no painted target; leave target and mask out"
        if not painted and self.mask is not None:
            return f"{name} needs a target, the image with colours painted over it, and a mask"
        return None


def image_signature(
    model: Model,
    signature: str | None,
    numbers: Collection[str] = (),
    *,
    exemplar: bool = False,
    painted: bool = False,
) -> ImageSignature:
    """Finds the uint8 signature that what is given serves.

    Args:
        model: Whose signatures.
        signature: `a_to_b` or `a_to_b_uint8`; None for the only one that is served.
        numbers: The labels that numbers are given for.
        exemplar: Whether a second image is given.
        painted: Whether a target and its mask are given.

    Raises:
        ExportError: If the signature is unknown, translates no images or is not served by
            what is given; without a name, if none or several are served.
    """
    images = {"exemplar": exemplar, "painted": painted}
    chosen = _chosen(model, numbers, images) if signature is None else _named(model, signature)
    if fault := chosen.fault_of(numbers, **images):
        raise ExportError(fault)
    return chosen


def image_signatures(model: Model) -> list[ImageSignature]:
    """All signatures from images to images."""
    found = []
    for name in _pixel_names(model).values():
        with contextlib.suppress(ExportError):
            found.append(_described(name, model.signatures[name]))
    return found


def _named(model: Model, name: str) -> ImageSignature:
    name = _pixel_names(model).get(name, name)
    return _described(name, signature_named(model.signatures, name))


def _chosen(model: Model, numbers: Collection[str], images: Mapping[str, bool]) -> ImageSignature:
    every = image_signatures(model)
    if not every:
        raise ExportError(
            f"none of the signatures {', '.join(model.signatures)} turns images into images"
        )
    labels = list(dict.fromkeys(label for one in every for label in one.labels))
    for label in numbers if labels else ():
        if label not in labels:
            raise ExportError(f"there is no attribute {label!r}; {nearest(label, labels)}")
    served = [one for one in every if one.fault_of(numbers, **images) is None]
    alike = [one for one in every if _alike(one, numbers, images)]
    # Of those that are not served, the one that was plainly meant can say what is amiss.
    for candidates in (served, [] if served else alike, every):
        if len(candidates) == 1:
            return candidates[0]
    suited = " or ".join(one.pixels_of for one in served) or "none of them"
    raise ExportError(
        f"`signature` must be given, for what else is given suits {suited}: "
        f"{'; '.join(one.takes() for one in every)}"
    )


def _alike(one: ImageSignature, numbers: Collection[str], images: Mapping[str, bool]) -> bool:
    """Whether it takes the kinds of things that are given, though perhaps more numbers."""
    takes = {"exemplar": one.exemplar is not None, "painted": one.mask is not None}
    kinds = bool(one.labels) == bool(numbers) and takes == dict(images)
    return kinds and set(numbers) <= set(one.labels)


def _pixel_names(model: Model) -> dict[str, str]:
    return {record.pixels_of: name for name, record in model.signatures.items() if record.pixels_of}


def _described(name: str, record: SignatureRecord) -> ImageSignature:
    images = [tensor for tensor in record.inputs if _is_image(tensor)]
    masks = [tensor for tensor in record.inputs if _is_mask(tensor)]
    others = (*images, *masks)
    numbers = tuple(tensor for tensor in record.inputs if tensor not in others)
    results = tuple(tensor for tensor in record.outputs if _is_image(tensor))
    image, result = _main(images), _main(results)
    refused = f"signature {record.pixels_of or name!r} does not turn images into images: "
    if record.pixels_of is None or image is None or result is None:
        raise ExportError(
            f"{refused}it must take and give one that is named 'image' or the only one"
        )
    second = next((tensor for tensor in images if tensor is not image), None)
    if reason := _reason_against(images, numbers) or _reason_against_masks(masks, image, second):
        raise ExportError(refused + reason)
    return ImageSignature(
        name,
        record.pixels_of,
        image,
        exemplar=None if masks else second,
        target=second if masks else None,
        mask=masks[0] if masks else None,
        numbers=numbers,
        result=result,
        results=results,
    )


def _reason_against(images: Sequence[TensorRecord], numbers: Sequence[TensorRecord]) -> str | None:
    if len(images) > 2:
        return f"it takes {len(images)}, and only one and an exemplar can be given"
    for tensor in numbers:
        if not tensor.labels or tensor.dtype != "float32" or tensor.shape[:-1] != (1,):
            return f"its input {tensor.name!r} is neither a image nor numbers with labels"
    labels = [label for tensor in numbers for label in tensor.labels]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        return f"two of its inputs have the label {twice[0]!r}"
    return None


def _reason_against_masks(
    masks: Sequence[TensorRecord], image: TensorRecord, second: TensorRecord | None
) -> str | None:
    if not masks:
        return None
    if len(masks) > 1 or second is None or second.name != "target":
        return f"its mask {masks[0].name!r} must be the only one, beside a image named 'target'"
    if not masks[0].shape[1:3] == image.shape[1:3] == second.shape[1:3]:
        return f"its mask {masks[0].name!r} and 'target' must be as large as {image.name!r}"
    return None


def _is_mask(tensor: TensorRecord) -> bool:
    form = len(tensor.shape) == 4 and (tensor.shape[0], tensor.shape[-1]) == (1, 1)
    return form and tensor.dtype == "float32" and tensor.value_range == (0.0, 1.0)


def _is_image(tensor: TensorRecord) -> bool:
    return tensor.dtype == "uint8" and len(tensor.shape) == 4 and tensor.shape[0] == 1


def _main(images: Sequence[TensorRecord]) -> TensorRecord | None:
    if len(images) == 1:
        return images[0]
    return next((tensor for tensor in images if tensor.name == "image"), None)
