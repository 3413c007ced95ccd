"""Images of any size through a model, and pixels to numbers and back.

Files hold uint8 in [0, 255]; float signatures take float32 in [-1, 1].
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from exporters.bundle.labels import row_of
from exporters.bundle.manifest import TensorRecord
from exporters.errors import ExportError
from exporters.inference.aspect import off_canvas, onto_canvas
from exporters.inference.signature_selection import ImageSignature, Model, image_signature

IMAGE_RANGE = (-1.0, 1.0)
_NO_NUMBERS: Mapping[str, float] = MappingProxyType({})


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Maps uint8 [0, 255] to float32 [-1, 1]; any shape."""
    return pixels.astype(np.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Maps float [-1, 1] to uint8 [0, 255], rounding to nearest and clipping; any shape."""
    scaled = np.rint((np.asarray(images, np.float32) + 1.0) * 127.5)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def translate_image(
    model: Model,
    pixels: np.ndarray,
    *,
    signature: str | None = None,
    numbers: Mapping[str, float] = _NO_NUMBERS,
    exemplar: np.ndarray | None = None,
    target: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Translates one image of any size and gives it back in that size.

    The image is made to fit the model with its aspect kept, the rest is filled with its
    mirror image (a flat border would move the statistics of instance norm), and after the
    model the filling is cut off.

    Args:
        model: A bundle's `Runner`.
        pixels: uint8 `(height, width, channels)`, channels as the signature takes them.
        signature: `a_to_b` or `a_to_b_uint8`; None for the only one that what is given serves.
        numbers: A number for every label the signature has, 0 for absent and 1 for present;
            beyond is allowed. Of `hair=black` and `hair=blond` one is enough, the other is 0
            then; `strength` is 1 if it is not given.
        exemplar: A second image of any size, for signatures that take one.
        target: `pixels` with colours painted over them, of their size, for signatures that take
            them.
        mask: uint8 `(height, width, 1)` of the same size: how much of the target counts where, 255
            where it is painted.

    Returns:
        uint8 `(height, width, output channels)`.

    Raises:
        ExportError: If the signature is unknown, does not turn images into images or is
            not served by what is given, the channels are not its own, or target and mask are
            not both there and as large as `pixels`.
        ValueError: If a image is not a uint8 array of rank 3.
    """
    others = {"exemplar": exemplar, "target": target, "mask": mask}
    chosen = _chosen(model, signature, numbers, **others)
    translated = translate_images(model, pixels, signature=chosen.name, numbers=numbers, **others)
    return translated[chosen.result.name]


def translate_images(
    model: Model,
    pixels: np.ndarray,
    *,
    signature: str | None = None,
    numbers: Mapping[str, float] = _NO_NUMBERS,
    exemplar: np.ndarray | None = None,
    target: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Gives every image a signature makes, by the name of its output.

    An output that is named like the exemplar's input has the exemplar's size, every other
    that of `pixels`. Arguments and errors as in `translate_image`.
    """
    chosen = _chosen(model, signature, numbers, exemplar=exemplar, target=target, mask=mask)
    sources = {chosen.image.name: (chosen.image, pixels)}
    check_image(chosen, "pixels", *sources[chosen.image.name])
    seconds = ("exemplar", chosen.exemplar, exemplar), ("target", chosen.target, target)
    for argument, tensor, given in seconds:
        if tensor is not None and given is not None:
            check_image(chosen, argument, tensor, given)
            sources[tensor.name] = (tensor, given)
    inputs = {tensor.name: row_of(tensor, numbers) for tensor in chosen.numbers}
    for name, (tensor, given) in sources.items():
        inputs[name] = onto_canvas(given, _canvas(tensor))[None]
    if chosen.mask is not None and target is not None and mask is not None:
        check_image(chosen, "mask", chosen.mask, mask)
        _check_size(pixels, target=target, mask=mask)
        canvas = onto_canvas(mask, _canvas(chosen.mask))[None]
        inputs[chosen.mask.name] = canvas.astype(np.float32) / 255.0
    outputs = model.run(chosen.name, inputs)
    translated = {}
    for result in chosen.results:
        tensor, given = sources.get(result.name, sources[chosen.image.name])
        output = outputs[result.name][0]
        translated[result.name] = off_canvas(output, _canvas(tensor), given.shape[:2])
    return translated


def check_image(
    signature: ImageSignature, argument: str, tensor: TensorRecord, pixels: np.ndarray
) -> None:
    """Raises ValueError if it is no image, ExportError if the signature takes other channels."""
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


def _chosen(
    model: Model,
    signature: str | None,
    numbers: Mapping[str, float],
    *,
    exemplar: np.ndarray | None,
    target: np.ndarray | None,
    mask: np.ndarray | None,
) -> ImageSignature:
    if (target is None) != (mask is None):
        given, missing = ("target", "mask") if mask is None else ("mask", "target")
        raise ExportError(f"`target` and `mask` go together, got `{given}` without `{missing}`")
    return image_signature(
        model, signature, numbers, exemplar=exemplar is not None, painted=target is not None
    )


def _check_size(pixels: np.ndarray, **painted: np.ndarray) -> None:
    for argument, image in painted.items():
        if image.shape[:2] != pixels.shape[:2]:
            raise ExportError(
                f"`{argument}` must be as large as the image it is painted over, "
                f"{pixels.shape[:2]} (height, width), got {image.shape[:2]}"
            )


def _canvas(tensor: TensorRecord) -> tuple[int, int]:
    return tensor.shape[1], tensor.shape[2]
