"""The random values that our training steps sample, by purpose.

A step samples them from its own number and a stream (`core/stateless_random.py`), so they are
sampled here again, by the same functions.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tf_translate.core import stateless_random
from tf_translate.core.random_augmentation import random_views_of_step
from tf_translate.core.translator import Translator
from tf_translate.layers.image_pool import ImagePool
from tf_translate.losses.attribute_classification import other_categories

Values = dict[str, np.ndarray]


def random_values(
    translator: Translator, batch: Mapping[str, np.ndarray], step: int, size: int
) -> Values:
    """What a step samples, except for dropout.

    Args:
        translator: In the stage of the step.
        batch: The step's batch.
        step: The step, counted over all stages.
        size: Images of a microbatch.
    """
    sample = _SAMPLES.get((str(translator.method), translator.stage))
    if sample is None:
        return {}
    values = sample(translator, batch, tf.constant(step, tf.int64), size)
    return {name: np.asarray(value) for name, value in values.items()}


def _pool(translator, batch, step, size) -> Values:
    pools = {"pool_a": translator.pool_a, "pool_b": translator.pool_b}
    first = int(step) * size  # a pool counts the images it was given
    return {name: np.stack(_of_pool(pool, first, size)) for name, pool in pools.items()}


def _of_pool(pool: ImagePool, first: int, size: int) -> list[np.ndarray]:
    return [
        tf.random.stateless_uniform([2], seed=[pool.seed, first + index]).numpy()
        for index in range(size)
    ]


def _between(translator, batch, step, size) -> Values:
    images = batch["a"][:size]
    return {
        f"between_{side}": stateless_random.uniform_per_image(images, step, stream)
        for stream, side in enumerate(("a", "b"))
    }


def _other_values(translator, batch, step, size) -> Values:
    sizes = [len(values) for values in translator.attributes.values()]
    turns = translator.microbatches_per_step
    attributes = batch["attributes"][turns - 1 :: turns]  # the auto-encoder's microbatch
    parts, column = [], 0
    for count in sizes:
        width = 1 if count == 2 else count
        values = attributes[:, column : column + width]
        parts.append(np.concatenate([1 - values, values], 1) if width == 1 else values)
        column += width
    uniform = [
        stateless_random.uniform_per_image(attributes, step, stream) for stream in range(len(sizes))
    ]
    chosen = other_categories(tf.constant(np.concatenate(parts, 1)), sizes, uniform)
    split = tf.split(chosen, sizes, -1)
    return {f"other_{index}": tf.argmax(each, 1) for index, each in enumerate(split)}


def _z(translator, batch, step, size) -> Values:
    images = batch["image"][:size]
    return {"z": stateless_random.normal_per_image(images, translator.latent_size, step, 0)}


def _z_of_encoder(translator, batch, step, size) -> Values:
    repeats = -(-translator.settings.bn_recalibration_batch_size // size)
    values = stateless_random.normal_per_image(
        batch["image"][:size], repeats * translator.latent_size, step, 0
    )
    several = tf.reshape(values, [size, repeats, translator.latent_size])
    return {**_z(translator, batch, step, size), "several_z": several}


def _views(translator, batch, step, size) -> Values:
    return {
        f"view_{index}": random_views_of_step(batch["image"], step, stream)
        for index, stream in enumerate((1, 2))
    }


def _latents(translator, batch, step, size) -> Values:
    images, latent = batch["image"][:size], translator.latent_size

    def normal(stream: int) -> tf.Tensor:
        return stateless_random.normal_per_image(images, latent, step, stream)

    with stateless_random.of_turn(1):
        second_noise = normal(0)
    return {"noise": normal(0), "second_noise": second_noise, "z": normal(1), "second_z": normal(4)}


# By method and stage.
_SAMPLES: dict[tuple[str, str], Callable] = {
    ("cyclegan", "train"): _pool,
    ("dualgan", "train"): _between,
    ("fader", "train"): _other_values,
    ("icgan", "gan"): _z,
    ("icgan", "encoder_z"): _z_of_encoder,
    ("age_cgan", "identity_embedder"): _views,
    ("age_cgan", "gan"): _z,
    ("age_cgan", "encoder"): _z_of_encoder,
    ("ian", "train"): _latents,
}
