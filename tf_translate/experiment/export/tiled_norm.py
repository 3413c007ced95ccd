"""Signatures for tiles of one image: norm statistics of many tiles out, and into each tile.

Beside a signature from one image to a image stand two more. `NAME_statistics` runs a batch of
tiles as if they were one image and gives what every norm found; `NAME_tile` is the signature with
that as inputs, so that all tiles of a image are normalised alike.
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
from tf_translate.layers.instance_statistics import ImageStatistics, lending, pooling

STATISTICS, TILE = (
    "_statistics",
    "_tile",
)  # `exporters.inference.tile_norm_statistics` looks for them
MOST_TILES, LEAST_TILES = 32, 4
MOST_PIXELS = 2**19  # of tiles at once: 32 of 128 pixels a side, 8 of 256
_MEANS = "mean of each channel at each norm, in the order in which norms run"
_SCALES = "what is multiplied with after the mean is taken off, 1 / sqrt(variance + epsilon)"


def norm_input_signatures(translator: Translator) -> dict[str, Signature]:
    """The two signatures for tiles, beside each signature that tiles serve.

    Those are the signatures that take one image and nothing else, give one of its size, and run
    norms that go by each image.

    Raises:
        ConfigError: If there is none.
    """
    signatures, every = translator.signatures(), norms_of(translator)
    found = {}
    for name, signature in signatures.items():
        if _turns_a_image_into_one(signature):
            sizes = _channels(signature, every)
            if sizes:
                found[name + STATISTICS] = _statistics(signature, every, sum(sizes))
                found[name + TILE] = _tile(signature, every, sizes)
    if not found:
        raise ConfigError(
            "--norm-inputs makes statistics of norms inputs, and no signature of "
            f"{', '.join(signatures)} takes one image alone, gives one of its size and runs "
            "norms that go by each image (instance norms); leave it out"
        )
    return found


def with_tiles(signatures: Mapping[str, Signature], examples: Examples) -> Examples:
    """Adds examples for tile signatures: each image with its own statistics."""
    found = dict(examples)
    for name, inputs in examples.items():
        if name + TILE in signatures and inputs:
            (images,) = inputs.values()
            measure = tf.function(signatures[name + STATISTICS].function, autograph=False)
            each = [measure(tiles=tf.constant(images[[at]])) for at in range(len(images))]
            given = {key: np.concatenate([one[key] for one in each]) for key in each[0]}
            found[name + TILE] = {**inputs, **given}
    return found


def _turns_a_image_into_one(signature: Signature) -> bool:
    inputs, outputs = signature.inputs, signature.outputs
    return (
        len(inputs) == len(outputs) == 1
        and inputs[0].value_range == outputs[0].value_range == IMAGE_RANGE
        and inputs[0].shape[:3] == outputs[0].shape[:3]
    )


def _channels(signature: Signature, every: Sequence[ImageStatistics]) -> list[int]:
    """Of each norm the signature runs, in that order."""
    (image,) = signature.inputs
    sizes: list[int] = []

    def trace(**tensors):
        with pooling(every) as found:
            outputs = signature.function(**tensors)
        sizes.extend(int(mean.shape[-1]) for mean, _ in found)
        return outputs

    spec = tf.TensorSpec((1, *image.shape[1:]), image.dtype)
    tf.function(trace, autograph=False).get_concrete_function(**{image.name: spec})
    return sizes


def _statistics(signature: Signature, every: Sequence[ImageStatistics], width: int) -> Signature:
    (image,) = signature.inputs
    pixels = math.prod(side or 1 for side in image.shape[1:3])
    count = min(MOST_TILES, max(LEAST_TILES, MOST_PIXELS // pixels))

    def function(tiles):
        with pooling(every) as found:
            signature.function(**{image.name: tiles})
        means, scales = zip(*found, strict=True)
        return {"means": _in_a_row(means), "scales": _in_a_row(scales)}

    meaning = "tiles of one image, of its own resolution and from all over it"
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


def _tile(signature: Signature, every: Sequence[ImageStatistics], sizes: list[int]) -> Signature:
    def function(means, scales, **images):
        with lending(every, zip(_apart(means, sizes), _apart(scales, sizes), strict=True)):
            return signature.function(**images)

    return Signature(
        name=signature.name + TILE,
        function=function,
        inputs=(*signature.inputs, *_specs(sum(sizes))),
        outputs=signature.outputs,
        inference_behavior={
            **signature.inference_behavior,
            "normalization": "statistics given as inputs",
        },
        tolerance_factor=signature.tolerance_factor,
    )


def _specs(width: int) -> tuple[TensorSpec, TensorSpec]:
    shape = (None, width)
    return TensorSpec("means", shape, meaning=_MEANS), TensorSpec("scales", shape, meaning=_SCALES)


def _in_a_row(statistics: Sequence):
    return tf.concat([tf.reshape(each, [1, -1]) for each in statistics], 1)


def _apart(row, sizes: list[int]) -> list:
    return [tf.reshape(each, [1, 1, 1, -1]) for each in tf.split(row, sizes, 1)]
