"""Signatures for tiled translation with shared norm statistics.

Two signatures are added to each signature from one image to an image. `NAME_statistics` runs a
batch of tiles as one image and outputs the statistics of every norm. `NAME_tile` is the signature
with these statistics as inputs, so that all tiles of an image are normalized equally.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tf_translate.core.signature import IMAGE_RANGE, Signature, TensorSpec
from tf_translate.core.translator import Translator
from tf_translate.errors import ConfigError
from tf_translate.experiment.export.frozen_norm import norms_of
from tf_translate.experiment.load_run import Examples
from tf_translate.layers.instance_statistics import (
    ImageStatistics,
    fixed_statistics,
    pooled_over_batch,
)

# Suffixes of signature names; `exporters.inference.tile_norm_statistics` looks for them.
STATISTICS, TILE = "_statistics", "_tile"
MAX_TILES, MIN_TILES = 32, 4
MAX_PIXELS = 2**19  # per batch of tiles: 32 of 128 x 128 pixels, 8 of 256 x 256
_MEANS = "mean of each channel at each norm, in the order in which norms run"
_SCALES = "factor after the mean is subtracted, 1 / sqrt(variance + epsilon)"


def norm_input_signatures(translator: Translator) -> dict[str, Signature]:
    """Builds the two signatures for tiles of each signature that supports tiling.

    A signature supports tiling if its only input is one image, its only output is an image of the
    same size, and it runs norms with per-image statistics.

    Raises:
        ConfigError: If no signature supports tiling.
    """
    signatures, norms = translator.signatures(), norms_of(translator)
    added = {}
    for name, signature in signatures.items():
        if _is_image_to_image(signature):
            sizes = _channels(signature, norms)
            if sizes:
                added[name + STATISTICS] = _statistics(signature, norms, sum(sizes))
                added[name + TILE] = _tile(signature, norms, sizes)
    if not added:
        raise ConfigError(
            "--norm-inputs adds inputs for norm statistics, but no signature of "
            f"{', '.join(signatures)} maps a single image to one of its size and runs norms with "
            "per-image statistics (instance norms); remove the option"
        )
    return added


def with_tiles(signatures: Mapping[str, Signature], examples: Examples) -> Examples:
    """Adds examples for tile signatures: each image with its own statistics."""
    extended = dict(examples)
    for name, inputs in examples.items():
        if name + TILE in signatures and inputs:
            (images,) = inputs.values()
            measure = tf.function(signatures[name + STATISTICS].function, autograph=False)
            each = [measure(tiles=tf.constant(images[[index]])) for index in range(len(images))]
            statistics = {key: np.concatenate([one[key] for one in each]) for key in each[0]}
            extended[name + TILE] = {**inputs, **statistics}
    return extended


def _is_image_to_image(signature: Signature) -> bool:
    inputs, outputs = signature.inputs, signature.outputs
    return (
        len(inputs) == len(outputs) == 1
        and inputs[0].value_range == outputs[0].value_range == IMAGE_RANGE
        and inputs[0].shape[:3] == outputs[0].shape[:3]
    )


def _channels(signature: Signature, norms: Sequence[ImageStatistics]) -> list[int]:
    """The channels of each norm that the signature runs, in that order."""
    (image,) = signature.inputs
    sizes: list[int] = []

    def trace(**tensors):
        with pooled_over_batch(norms) as found:
            outputs = signature.function(**tensors)
        sizes.extend(int(mean.shape[-1]) for mean, _ in found)
        return outputs

    spec = tf.TensorSpec((1, *image.shape[1:]), image.dtype)
    tf.function(trace, autograph=False).get_concrete_function(**{image.name: spec})
    return sizes


def _statistics(signature: Signature, norms: Sequence[ImageStatistics], width: int) -> Signature:
    (image,) = signature.inputs
    pixels = math.prod(side or 1 for side in image.shape[1:3])
    count = min(MAX_TILES, max(MIN_TILES, MAX_PIXELS // pixels))

    def function(tiles):
        with pooled_over_batch(norms) as found:
            signature.function(**{image.name: tiles})
        means, scales = zip(*found, strict=True)
        return {"means": _concatenate(means), "scales": _concatenate(scales)}

    meaning = "tiles of one image at its own resolution, from all over the image"
    return Signature(
        name=signature.name + STATISTICS,
        function=function,
        inputs=(
            TensorSpec(
                "tiles", (count, *image.shape[1:]), image.dtype, IMAGE_RANGE, meaning=meaning
            ),
        ),
        outputs=_specs(width),
        inference_behavior={
            **signature.inference_behavior,
            "normalization": "statistics of all tiles together",
        },
        tolerance_factor=signature.tolerance_factor,
    )


def _tile(signature: Signature, norms: Sequence[ImageStatistics], sizes: list[int]) -> Signature:
    def function(means, scales, **images):
        with fixed_statistics(norms, zip(_split(means, sizes), _split(scales, sizes), strict=True)):
            return signature.function(**images)

    return Signature(
        name=signature.name + TILE,
        function=function,
        inputs=(*signature.inputs, *_specs(sum(sizes))),
        outputs=signature.outputs,
        inference_behavior={
            **signature.inference_behavior,
            "normalization": "statistics from inputs",
        },
        tolerance_factor=signature.tolerance_factor,
    )


def _specs(width: int) -> tuple[TensorSpec, TensorSpec]:
    shape = (None, width)
    return TensorSpec("means", shape, meaning=_MEANS), TensorSpec("scales", shape, meaning=_SCALES)


def _concatenate(statistics: Sequence):
    return tf.concat([tf.reshape(each, [1, -1]) for each in statistics], 1)


def _split(row, sizes: list[int]) -> list:
    return [tf.reshape(each, [1, 1, 1, -1]) for each in tf.split(row, sizes, 1)]
