"""Freezes instance norms for export to one scale and offset per channel, and measures the cost."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tf_translate.core.signature import IMAGE_RANGE, Signature
from tf_translate.core.translator import Translator
from tf_translate.errors import ConfigError
from tf_translate.evaluation.metrics.pixel_distance import psnr
from tf_translate.experiment.load_run import Examples
from tf_translate.layers.instance_statistics import ImageStatistics, fitted_to_first_batch
from tf_translate.networks.inference_behavior import image_statistics

MAX_PIXELS = 2**20  # per calibration batch: 64 images of 128 x 128 pixels, 16 of 256 x 256
MIN_IMAGES = 4

Outputs = dict[str, dict[str, np.ndarray]]  # images by signature and output


def freeze_norms(translator: Translator, calibration: Examples, held_out: Examples) -> dict:
    """Freezes norms with per-image statistics, from the first network layer to the last.

    Norms that only training runs, such as those of discriminators, do not change.

    Args:
        translator: Its networks change in place.
        calibration: By signature, a batch of its inputs. They determine scales and offsets; at
            most `MAX_PIXELS` pixels are used.
        held_out: Inputs to measure the cost with, in the same form.

    Returns:
        The cost, for the manifest: `norms` (number of frozen norms), `images` (number of
        calibration images by signature) and `psnr`: by signature and output, the PSNR in dB
        between held-out outputs after and before (`images`, `mean`, `min`).

    Raises:
        ConfigError: If no signature runs a norm with per-image statistics.
    """
    signatures = translator.signatures()
    norms = norms_of(translator)
    before = _images(signatures, held_out)
    frozen: set[int] = set()
    counts = {}
    for name, inputs in calibration.items():
        if _complete(signatures[name], inputs):
            batch = _limited(inputs)
            counts[name] = len(next(iter(batch.values())))
            frozen |= _freeze_norms_of(signatures[name], batch, norms)
    if not frozen:
        raise ConfigError(
            "--frozen-norm freezes norms with per-image statistics (instance norms), but no "
            f"signature of {', '.join(signatures)} runs one; remove the option"
        )
    after = _images(signatures, held_out)
    costs = {
        name: {output: _cost(after[name][output], images) for output, images in outputs.items()}
        for name, outputs in before.items()
    }
    return {"norms": len(frozen), "images": counts, "psnr": costs}


def norms_of(translator: Translator) -> list[ImageStatistics]:
    """All norms of the networks that use per-image statistics at inference."""
    networks = [getattr(translator, name) for name in translator.network_names]
    layers = {id(layer): layer for each in networks for layer in each._flatten_layers()}
    return image_statistics(layers.values())


def _complete(signature: Signature, inputs: Mapping[str, np.ndarray]) -> bool:
    return all(tensor.name in inputs for tensor in signature.inputs)


def _limited(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    pixels = max(int(np.prod(values.shape[1:3])) for values in inputs.values())
    count = max(MIN_IMAGES, MAX_PIXELS // pixels)
    return {name: values[:count] for name, values in inputs.items()}


def _freeze_norms_of(
    signature: Signature, inputs: Mapping[str, np.ndarray], norms: Sequence[ImageStatistics]
) -> set[int]:
    """Freezes the norms that a signature runs; returns their indices in `norms`."""

    @tf.function(autograph=False)  # a graph frees each activation after its last use
    def fit(tensors):
        with fitted_to_first_batch(norms) as found:
            signature.function(**tensors)
        return found

    tensors = {name: tf.constant(values) for name, values in inputs.items()}
    found = fit(tensors)
    for index, (scale, offset) in found.items():
        norms[index].freeze(scale.numpy(), offset.numpy())
    return set(found)


def _images(signatures: Mapping[str, Signature], examples: Examples) -> Outputs:
    """The image outputs of each signature, computed one example at a time."""
    images: Outputs = {}
    for name, inputs in examples.items():
        names = [each.name for each in signatures[name].outputs if each.value_range == IMAGE_RANGE]
        if names and _complete(signatures[name], inputs):
            run = tf.function(signatures[name].function, autograph=False)
            cases = range(len(next(iter(inputs.values()))))
            outputs = [
                run(**{key: tf.constant(values[[case]]) for key, values in inputs.items()})
                for case in cases
            ]
            images[name] = {key: np.concatenate([each[key] for each in outputs]) for key in names}
    return images


def _cost(images: np.ndarray, before: np.ndarray) -> dict[str, float]:
    each = psnr(images, before)
    return {
        "images": len(each),
        "mean": round(float(each.mean()), 2),
        "min": round(float(each.min()), 2),
    }
