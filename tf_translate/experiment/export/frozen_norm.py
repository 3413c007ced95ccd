"""Instance norms frozen for export: one scale and offset a channel, and what that costs."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tf_translate.core.signature import IMAGE_RANGE, Signature
from tf_translate.core.translator import Translator
from tf_translate.errors import ConfigError
from tf_translate.evaluation.metrics.pixel_distance import psnr
from tf_translate.experiment.load_run import Examples
from tf_translate.layers.instance_statistics import ImageStatistics, settling
from tf_translate.networks.inference_behavior import image_statistics

MOST_PIXELS = 2**20  # of calibration images at once: 64 of 128 pixels a side, 16 of 256
LEAST_IMAGES = 4

Outputs = dict[str, dict[str, np.ndarray]]  # images by signature and output


def freeze_norms(translator: Translator, calibration: Examples, held_out: Examples) -> dict:
    """Freezes the norms that go by each image, from the first network layer to the last.

    Norms that nothing but training runs, as those of discriminators, stay as they are.

    Args:
        translator: Its networks change in place.
        calibration: For each signature a batch of its inputs; norms take their scale and offset
            from as many of them as `MOST_PIXELS` lets in.
        held_out: Inputs to measure with, likewise.

    Returns:
        What it cost, for people and for the manifest: `norms` (how many were frozen), `images`
        (how many each signature was calibrated on) and `psnr`, by signature and output the mean
        PSNR in dB of held-out images against those made before (`images`, `mean`, `least`).

    Raises:
        ConfigError: If no signature runs a norm that goes by each image.
    """
    signatures = translator.signatures()
    every = norms_of(translator)
    before = _images(signatures, held_out)
    frozen: set[int] = set()
    counts = {}
    for name, inputs in calibration.items():
        if _complete(signatures[name], inputs):
            batch = _few(inputs)
            counts[name] = len(next(iter(batch.values())))
            frozen |= _freeze_along(signatures[name], batch, every)
    if not frozen:
        raise ConfigError(
            "--frozen-norm freezes norms that go by each image (instance norms), and no signature "
            f"of {', '.join(signatures)} runs one; leave it out"
        )
    after = _images(signatures, held_out)
    costs = {
        name: {output: _cost(after[name][output], images) for output, images in outputs.items()}
        for name, outputs in before.items()
    }
    return {"norms": len(frozen), "images": counts, "psnr": costs}


def norms_of(translator: Translator) -> list[ImageStatistics]:
    """Those of the norms in all networks that go by each image at inference."""
    networks = [getattr(translator, name) for name in translator.network_names]
    layers = {id(layer): layer for each in networks for layer in each._flatten_layers()}
    return image_statistics(layers.values())


def _complete(signature: Signature, inputs: Mapping[str, np.ndarray]) -> bool:
    return all(tensor.name in inputs for tensor in signature.inputs)


def _few(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    pixels = max(int(np.prod(values.shape[1:3])) for values in inputs.values())
    count = max(LEAST_IMAGES, MOST_PIXELS // pixels)
    return {name: values[:count] for name, values in inputs.items()}


def _freeze_along(
    signature: Signature, inputs: Mapping[str, np.ndarray], every: Sequence[ImageStatistics]
) -> set[int]:
    """Freezes the norms a signature runs; gives their positions in `every`."""

    @tf.function(autograph=False)  # a graph drops each activation once it was used
    def settled(tensors):
        with settling(every) as found:
            signature.function(**tensors)
        return found

    tensors = {name: tf.constant(values) for name, values in inputs.items()}
    found = settled(tensors)
    for at, (scale, offset) in found.items():
        every[at].freeze(scale.numpy(), offset.numpy())
    return set(found)


def _images(signatures: Mapping[str, Signature], examples: Examples) -> Outputs:
    """The image outputs of each signature, one example at a time."""
    found: Outputs = {}
    for name, inputs in examples.items():
        wanted = [each.name for each in signatures[name].outputs if each.value_range == IMAGE_RANGE]
        if wanted and _complete(signatures[name], inputs):
            run = tf.function(signatures[name].function, autograph=False)
            cases = range(len(next(iter(inputs.values()))))
            one = [run(**{key: tf.constant(v[[at]]) for key, v in inputs.items()}) for at in cases]
            found[name] = {key: np.concatenate([case[key] for case in one]) for key in wanted}
    return found


def _cost(images: np.ndarray, before: np.ndarray) -> dict[str, float]:
    each = psnr(images, before)
    return {
        "images": len(each),
        "mean": round(float(each.mean()), 2),
        "least": round(float(each.min()), 2),
    }
