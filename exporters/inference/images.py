"""Translates images of any size, and converts between pixels and floats.

Files hold uint8 in [0, 255]; float signatures take float32 in the value range of their tensor,
mostly [-1, 1].
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from exporters.arguments import check_type, shown
from exporters.bundle.manifest import TensorRecord
from exporters.bundle.scalar_inputs import input_row
from exporters.errors import ExportError
from exporters.inference.aspect import place
from exporters.inference.signature_selection import ImageSignature, Model, image_signature

IMAGE_RANGE = (-1.0, 1.0)
_NO_ATTRIBUTES: Mapping[str, float] = MappingProxyType({})


def to_float(pixels: np.ndarray, value_range: tuple[float, float] = IMAGE_RANGE) -> np.ndarray:
    """Maps uint8 [0, 255] to float32 in a value range; any shape."""
    from_low = pixels.astype(np.float32) / np.float32(levels_per_unit(value_range))
    return from_low + np.float32(value_range[0])


def to_uint8(images: np.ndarray, value_range: tuple[float, float] = IMAGE_RANGE) -> np.ndarray:
    """Maps floats in a value range to uint8 [0, 255], rounding to nearest; any shape.

    Values outside the range become 0 or 255.
    """
    from_low = np.asarray(images, np.float32) - np.float32(value_range[0])
    scaled = np.rint(from_low * np.float32(levels_per_unit(value_range)))
    return np.clip(scaled, 0, 255).astype(np.uint8)


def rescale(images: np.ndarray, value_range: tuple[float, float]) -> np.ndarray:
    """Maps images in a value range, pixels included, to float32 in [-1, 1]; clips nothing."""
    if value_range == IMAGE_RANGE:
        return images
    low, high = value_range
    unit = (np.asarray(images, np.float32) - np.float32(low)) / np.float32(high - low)
    return unit * np.float32(2.0) - np.float32(1.0)


def levels_per_unit(value_range: tuple[float, float]) -> float:
    """How many levels of a pixel a step of 1 is: 127.5 in [-1, 1], 255 in [0, 1]."""
    return 255.0 / (value_range[1] - value_range[0])


def translate_image(
    model: Model,
    pixels: np.ndarray,
    *,
    signature: str | None = None,
    attributes: Mapping[str, float] = _NO_ATTRIBUTES,
    exemplar: np.ndarray | None = None,
    target: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Translates one image of any size; the result has the same size.

    The result of a model for super-resolution, whose output is n times as high and as wide as its
    input, is n times as high and as wide as the image.

    The image is brought to the size of the model as in its training, by `model.aspect`, and the
    result back (`exporters.inference.aspect`). With the aspect `crop` the result shows the centre
    part of the image alone and has its size.

    Args:
        model: A bundle's `Runner`.
        pixels: uint8 `(height, width, channels)` with as many channels as the signature takes.
        signature: `a_to_b` or `a_to_b_uint8`; None for the only one that takes the other
            arguments.
        attributes: A value for every label of the signature: 0 for absent, 1 for present, other
            values extrapolate. Of `hair=black` and `hair=blond` one is enough, the other is then
            0. Other labelled scalars such as `strength` or `steps` have a default.
        exemplar: A second image of any size, for signatures that take one.
        target: `pixels` with colours painted over them, of the same size, for signatures that
            take a painted target.
        mask: uint8 `(height, width, 1)` of the same size: the weight of the target at each
            pixel, 255 where it is painted.

    Returns:
        uint8 `(height, width, output channels)`; with `crop`, height and width are those of the
        centre part.

    Raises:
        ExportError: If the signature is unknown, does not map images to images or does not take
            these arguments, an image has another number of channels, or target and mask are not
            both given and as large as `pixels`.
        ValueError: If an image is not a uint8 array of rank 3.

    Example:
        ```python
        model = Runner(open_bundle("bundles/first"))
        translated = translate_image(model, pixels, signature="a_to_b")
        ```
    """
    check_model(model, attributes)
    others = {"exemplar": exemplar, "target": target, "mask": mask}
    chosen = _choose_signature(model, signature, attributes, **others)
    results = translate_images(
        model, pixels, signature=chosen.name, attributes=attributes, **others
    )
    return results[chosen.result.name]


def translate_images(
    model: Model,
    pixels: np.ndarray,
    *,
    signature: str | None = None,
    attributes: Mapping[str, float] = _NO_ATTRIBUTES,
    exemplar: np.ndarray | None = None,
    target: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Translates one image and returns every image output of the signature by name.

    Arguments, errors and an example as in `translate_image`.

    Returns:
        uint8 images `(height, width, channels)`. One with the name of the exemplar's input has the
        exemplar's size. All others have the size of `pixels`, or n times that size
        (`output_scale`). With the aspect `crop` they have the sizes of the centre parts.
    """
    check_model(model, attributes)
    chosen = _choose_signature(
        model, signature, attributes, exemplar=exemplar, target=target, mask=mask
    )
    sources = {chosen.image.name: (chosen.image, pixels)}
    check_image(chosen, "pixels", *sources[chosen.image.name])
    optional = ("exemplar", chosen.exemplar, exemplar), ("target", chosen.target, target)
    for argument, tensor, image in optional:
        if tensor is not None and image is not None:
            check_image(chosen, argument, tensor, image)
            sources[tensor.name] = (tensor, image)
    inputs = {tensor.name: input_row(tensor, attributes) for tensor in chosen.scalar_inputs}
    placements = {
        name: place((image.shape[0], image.shape[1]), canvas_of(tensor), model.aspect)
        for name, (tensor, image) in sources.items()
    }
    for name, (tensor, image) in sources.items():
        inputs[name] = placements[name].onto_canvas(image, tensor.interpolation)[None]
    if chosen.mask is not None and target is not None and mask is not None:
        check_image(chosen, "mask", chosen.mask, mask)
        _check_size(pixels, target=target, mask=mask)
        canvas = placements[chosen.image.name].onto_canvas(mask)[None]
        inputs[chosen.mask.name] = canvas.astype(np.float32) / 255.0
    outputs = model.run(chosen.name, inputs)
    results = {}
    for result in chosen.results:
        placement = placements.get(result.name, placements[chosen.image.name])
        output = outputs[result.name][0]
        scale = output_scale(chosen.image, result)
        results[result.name] = placement.off_canvas(output, result.interpolation, scale)
    return results


def check_model(model: Any, attributes: Any) -> None:
    """Raises ExportError unless they are a model that can be called, and a mapping."""
    if not (hasattr(model, "signatures") and callable(getattr(model, "run", None))):
        raise ExportError(
            f"`model` must be exporters.Runner(exporters.open_bundle(folder)), got {shown(model)}"
        )
    check_type("attributes", attributes, Mapping, "a mapping such as {'glasses': 1}")


def check_image(
    signature: ImageSignature, argument: str, tensor: TensorRecord, pixels: np.ndarray
) -> None:
    """Raises ValueError if it is not an image, ExportError if its channels do not fit."""
    if not isinstance(pixels, np.ndarray):
        raise ValueError(
            f"`{argument}` must be uint8 of shape (height, width, channels), a NumPy array, got "
            f"{shown(pixels)}"
        )
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(
            f"`{argument}` must be uint8 of shape (height, width, channels) with no empty side, "
            f"got {pixels.dtype} {pixels.shape}"
        )
    if pixels.shape[-1] != tensor.shape[-1]:
        raise ExportError(
            f"signature {signature.pixels_of!r} takes images of {tensor.shape[-1]} channels as "
            f"{tensor.name!r}, got one of {pixels.shape[-1]}"
        )


def _choose_signature(
    model: Model,
    signature: str | None,
    attributes: Mapping[str, float],
    *,
    exemplar: np.ndarray | None,
    target: np.ndarray | None,
    mask: np.ndarray | None,
) -> ImageSignature:
    if (target is None) != (mask is None):
        present, missing = ("target", "mask") if mask is None else ("mask", "target")
        raise ExportError(f"`target` and `mask` go together, got `{present}` without `{missing}`")
    return image_signature(
        model, signature, attributes, exemplar=exemplar is not None, painted=target is not None
    )


def _check_size(pixels: np.ndarray, **painted: np.ndarray) -> None:
    for argument, image in painted.items():
        if image.shape[:2] != pixels.shape[:2]:
            raise ExportError(
                f"`{argument}` must be as large as the image it is painted over, "
                f"{pixels.shape[:2]} (height, width), got {image.shape[:2]}"
            )


def output_scale(image: TensorRecord, result: TensorRecord) -> int:
    """How many times as high and as wide a model's output is; 1 unless both sides agree."""
    (height, width), sides = canvas_of(image), canvas_of(result)
    scale = sides[0] // height
    return scale if scale > 1 and sides == (scale * height, scale * width) else 1


def canvas_of(tensor: TensorRecord) -> tuple[int, int]:
    """Height and width of a tensor of images."""
    return tensor.shape[1], tensor.shape[2]
