"""Translates large images in tiles of the model's size, at the image's full resolution."""

from collections.abc import Mapping
from numbers import Integral
from types import MappingProxyType

import numpy as np

from exporters.arguments import shown
from exporters.bundle.scalar_inputs import input_row
from exporters.errors import ExportError
from exporters.inference.aspect import place_on_tiles
from exporters.inference.images import check_image, check_model, output_scale
from exporters.inference.signature_selection import ImageSignature, Model, image_signature
from exporters.inference.tile_norm_statistics import tile_signature, whole_image_statistics
from exporters.inference.tiling import Progress, default_overlap, map_tiles

_NO_ATTRIBUTES: Mapping[str, float] = MappingProxyType({})


def translate_tiles(
    model: Model,
    pixels: np.ndarray,
    *,
    signature: str | None = None,
    attributes: Mapping[str, float] = _NO_ATTRIBUTES,
    overlap: int | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Translates one image tile by tile, at its full resolution.

    No pixel is resampled, unless the image has a side shorter than a tile: then it is brought to
    the size of a tile by `model.aspect` first (`exporters.inference.aspect.place_on_tiles`).
    Tiles have the model's size; they overlap and are blended (`exporters.inference.tiling`).
    Instance normalization uses each tile's own statistics, so neighbouring tiles can differ in
    colour. A model that takes the statistics as inputs normalizes every tile with those of the
    whole image (`exporters.inference.tile_norm_statistics`). A model with frozen normalization
    does not depend on them at all.

    Args:
        model: A bundle's `Runner`.
        pixels: uint8 `(height, width, channels)` of any size, with the signature's channels.
        signature: `a_to_b` or `a_to_b_uint8`; None for the only one that takes the attributes.
        attributes: As for `translate_image`.
        overlap: Minimum overlap of neighbouring tiles in pixels, 0 (no blending) to half of the
            model's shorter side; None for a quarter of it or 32, whichever is more.
        progress: Called with the number of finished tiles and of all tiles.

    Returns:
        uint8 `(height, width, output channels)`; also with the aspect `crop` the whole image. Of a
        model for super-resolution n times as high and as wide (`output_scale`).

    Raises:
        ExportError: As `translate_image` does; if the signature takes a second image, changes
            the size of images other than by a whole factor, or `overlap` is out of range.
        ValueError: If the image is not a uint8 array of rank 3.
    """
    check_model(model, attributes)
    chosen = image_signature(model, signature, attributes)
    tile = check_tiles(chosen, overlap)
    check_image(chosen, "pixels", chosen.image, pixels)
    others = {tensor.name: input_row(tensor, attributes) for tensor in chosen.scalar_inputs}
    name, name_with_statistics = chosen.name, tile_signature(model, chosen)
    placement = place_on_tiles((pixels.shape[0], pixels.shape[1]), tile, model.aspect)
    canvas = placement.onto_canvas(pixels, chosen.image.interpolation)
    several_tiles = placement.canvas != tile
    if name_with_statistics is not None and several_tiles:
        name = name_with_statistics
        others |= whole_image_statistics(model, chosen, canvas)

    def translate(part: np.ndarray) -> np.ndarray:
        inputs = {**others, chosen.image.name: np.ascontiguousarray(part)[None]}
        return model.run(name, inputs)[chosen.result.name][0]

    shared, scale = default_overlap(tile) if overlap is None else overlap, _scale(chosen)
    translated = map_tiles(translate, canvas, tile, overlap=shared, scale=scale, progress=progress)
    return placement.off_canvas(translated, chosen.result.interpolation, scale)


def check_tiles(chosen: ImageSignature, overlap: int | None) -> tuple[int, int]:
    """Height and width of a signature's tiles; ExportError if it cannot translate tiles."""
    name = f"signature {chosen.pixels_of!r}"
    if chosen.exemplar is not None or chosen.mask is not None:
        raise ExportError(
            f"{name} takes a second image, which cannot be cut into tiles; translate without"
        )
    tile, output = chosen.image.shape[1:3], chosen.result.shape[1:3]
    if tile != output and _scale(chosen) == 1:
        raise ExportError(
            f"{name} gives images of {output} for {tile} (height, width), and tiles must keep "
            "their size or grow by a whole factor; translate without"
        )
    if overlap is not None and not isinstance(overlap, Integral):
        raise ExportError(f"`overlap` must be a whole number of pixels, got {shown(overlap)}")
    if overlap is not None and not 0 <= overlap <= min(tile) // 2:
        raise ExportError(
            f"`overlap` must be 0 to {min(tile) // 2} pixels, half of the model's shorter side, "
            f"got {overlap}"
        )
    return tile[0], tile[1]


def _scale(chosen: ImageSignature) -> int:
    return output_scale(chosen.image, chosen.result)
