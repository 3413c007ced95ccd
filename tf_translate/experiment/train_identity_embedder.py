"""Trains a identity embedder for Age-cGAN, as FaceNet was: on people who are not those of the data.

python tf_translate/experiment/train_identity_embedder.py FILE.keras [--people 4000] [--steps 3000] [--seed 0] [--base 32]
    [--snapshots]

Draws people of names that `data fetch dicebear-tones` does not use, and other ones for each seed,
each in two tones, and teaches a small network to find a view of one image's person among those
of others. `--snapshots` draws them as `data fetch dicebear-snapshots` does. For
`tf-translate train age_cgan --set model.identity_embedder=FILE.keras`, and for scripts/ablations/age_cgan.py.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.progress import track

from tf_translate.core.random_augmentation import NUMBERS, random_views
from tf_translate.data.fetch.avatars import TONES, draw_snapshot, draw_tone, open_peeps
from tf_translate.losses.contrastive import nt_xent
from tf_translate.networks.identity_embedder import image_identity_embedder

SIDE, BATCH, RATE = 64, 32, 1e-3
GRAIN = 0.4  # most deviation of the grain on a view: drawings of a GAN have some


def main(asked: argparse.Namespace) -> None:
    """Draws, trains and writes."""
    if asked.file.suffix != ".keras":
        raise SystemExit(f"FILE must end in .keras, got {asked.file}")
    keras.utils.set_random_seed(asked.seed)
    network = image_identity_embedder((SIDE, SIDE, 3), base=asked.base)
    optimizer = keras.optimizers.Adam(RATE)
    step = teach(network, optimizer)
    images = drawn(asked.people, draw_snapshot if asked.snapshots else draw_tone, asked.seed)
    losses = []
    batches = pairs(images, asked.seed).take(asked.steps)
    for batch in track(batches, "teaching", total=asked.steps):
        losses.append(float(step(*batch)))
        if len(losses) % 300 == 0:
            print(f"step {len(losses)}: {np.mean(losses[-300:]):.3f}", flush=True)
    network.save(asked.file)


def drawn(people: int, draw: Callable, seed: int) -> np.ndarray:
    """Everyone in two tones, by chance: uint8 `(people, 2, SIDE, SIDE, 3)`."""
    style, random = open_peeps(), np.random.default_rng(seed)
    found = np.empty((people, 2, SIDE, SIDE, 3), np.uint8)
    for index in track(range(people), "drawing"):
        for place, tone in enumerate(random.choice(len(TONES), 2, replace=False)):
            name = f"identity_embedder-{seed}-{index:05d}"
            found[index, place] = draw(style, name, (int(tone),), side=SIDE)
    return found


def pairs(images: np.ndarray, seed: int) -> tf.data.Dataset:
    """Batches of both images of different people, in [-1, 1], for ever."""
    data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=seed).repeat()
    floats = data.batch(BATCH, drop_remainder=True).map(
        lambda x: tf.cast(x, tf.float32) / 127.5 - 1
    )
    return floats.map(lambda both: (both[:, 0], both[:, 1])).prefetch(2)


def teach(network: keras.Model, optimizer: keras.optimizers.Optimizer):
    """The step that moves the network."""

    @tf.function
    def step(ones, others):
        views = tf.concat([_view(ones), _view(others)], 0)
        with tf.GradientTape() as tape:
            loss = nt_xent(*tf.split(network(views, training=True), 2))
        optimizer.apply(
            tape.gradient(loss, network.trainable_variables), network.trainable_variables
        )
        return loss

    optimizer.build(network.trainable_variables)
    return step


def _view(images):
    count = tf.shape(images)[0]
    seen = random_views(images, tf.random.uniform([count, NUMBERS]))
    share = GRAIN * tf.random.uniform([count, 1, 1, 1])
    return tf.clip_by_value(seen + share * tf.random.normal(tf.shape(seen)), -1.0, 1.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--people", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0, help="chooses the people as well")
    parser.add_argument("--base", type=int, default=32, help="channels of the first layer")
    parser.add_argument("--snapshots", action="store_true")
    main(parser.parse_args())
