"""Large images through a model of one size, in tiles and at the image's own resolution."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from exporters.bundle.labels import row_of
from exporters.errors import ExportError
from exporters.inference.images import check_image
from exporters.inference.signature_selection import ImageSignature, Model, image_signature
from exporters.inference.tile_norm_statistics import tile_signature, whole_statistics
from exporters.inference.tiling import Progress, filled_up, through_tiles, usual_overlap

_NO_NUMBERS: Mapping[str, float] = MappingProxyType({})


def translate_tiles(
    model: Model,
    pixels: np.ndarray,
    *,
    signature: str | None = None,
    numbers: Mapping[str, float] = _NO_NUMBERS,
    overlap: int | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Translates one image tile by tile, none of its pixels resampled.

    Tiles have the model's size, overlap and are blended (`exporters.inference.tiling`). A model that
    normalises by the statistics of each image treats each tile as an image, and seams and tints
    show, unless it takes the statistics as inputs (`exporters.inference.tile_norm_statistics`): then those of
    the whole image go with every tile. Frozen norms show none either.

    Args:
        model: A bundle's `Runner`.
        pixels: uint8 `(height, width, channels)` of any size, channels as the signature takes.
        signature: `a_to_b` or `a_to_b_uint8`; None for the only one that what is given serves.
        numbers: As for `translate_image`.
        overlap: Pixels that neighbours share at least, 0 (no blending) to half of the model's
            shorter side; None for a quarter of it or 32 pixels, whichever is more.
        progress: Called with tiles done and tiles in all.

    Returns:
        uint8 `(height, width, output channels)`.

    Raises:
        ExportError: As `translate_image` does; if the signature takes a second image, gives
            images of another size than it takes, or `overlap` is out of range.
        ValueError: If the image is not a uint8 array of rank 3.
    """
    chosen = image_signature(model, signature, numbers)
    tile = check_tiles(chosen, overlap)
    check_image(chosen, "pixels", chosen.image, pixels)
    others = {tensor.name: row_of(tensor, numbers) for tensor in chosen.numbers}
    name, given = chosen.name, tile_signature(model, chosen)
    if given is not None and any(np.greater(pixels.shape[:2], tile)):  # else it is one image
        name = given
        others |= whole_statistics(model, chosen, filled_up(pixels, tile))

    def translate(part: np.ndarray) -> np.ndarray:
        inputs = {**others, chosen.image.name: np.ascontiguousarray(part)[None]}
        return model.run(name, inputs)[chosen.result.name][0]

    shared = usual_overlap(tile) if overlap is None else overlap
    return through_tiles(translate, pixels, tile, overlap=shared, progress=progress)


def check_tiles(chosen: ImageSignature, overlap: int | None) -> tuple[int, int]:
    """Height and width of a signature's tiles; ExportError if it or the overlap serves none."""
    name = f"signature {chosen.pixels_of!r}"
    if chosen.exemplar is not None or chosen.mask is not None:
        raise ExportError(
            f"{name} takes a second image, which cannot be cut into tiles; translate without"
        )
    tile, made = chosen.image.shape[1:3], chosen.result.shape[1:3]
    if tile != made:
        raise ExportError(
            f"{name} gives images of {made} for {tile} (height, width), and tiles must keep "
            "their size; translate without"
        )
    if overlap is not None and not 0 <= overlap <= min(tile) // 2:
        raise ExportError(
            f"`overlap` must be 0 to {min(tile) // 2} pixels, half of the model's shorter side, "
            f"got {overlap}"
        )
    return tile[0], tile[1]
