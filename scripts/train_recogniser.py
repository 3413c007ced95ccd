"""Trains a recogniser for Age-cGAN, as FaceNet was: on people who are not those of the data.

python scripts/train_recogniser.py FILE.keras [PEOPLE] [STEPS]

Draws PEOPLE (4000) of names that `data fetch dicebear-tones` does not use, each in two tones, and
teaches a small network to find a view of one picture's person among those of others. For
`tf-translate train age_cgan --set model.recogniser=FILE.keras`, or as the third argument of
scripts/ablate_age_cgan.py.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.progress import track

from tf_translate.core.random_views import NUMBERS, random_views
from tf_translate.data.avatars import TONES, draw_tone, open_peeps
from tf_translate.losses.contrastive import same_picture
from tf_translate.networks.recogniser import picture_recogniser

SIDE, BATCH, SEED, RATE = 64, 32, 0, 1e-3
GRAIN = 0.4  # most deviation of the grain on a view: drawings of a GAN have some


def main(path: Path, people: int, steps: int) -> None:
    """Draws, trains and writes."""
    if path.suffix != ".keras":
        raise SystemExit(f"FILE must end in .keras, got {path}")
    keras.utils.set_random_seed(SEED)
    network = picture_recogniser((SIDE, SIDE, 3))
    optimizer = keras.optimizers.Adam(RATE)
    step = teach(network, optimizer)
    losses = []
    for batch in track(pairs(drawn(people)).take(steps), "teaching", total=steps):
        losses.append(float(step(*batch)))
        if len(losses) % 300 == 0:
            print(f"step {len(losses)}: {np.mean(losses[-300:]):.3f}", flush=True)
    network.save(path)


def drawn(people: int) -> np.ndarray:
    """Everyone in two tones, by chance: uint8 `(people, 2, SIDE, SIDE, 3)`."""
    style, random = open_peeps(), np.random.default_rng(SEED)
    found = np.empty((people, 2, SIDE, SIDE, 3), np.uint8)
    for index in track(range(people), "drawing"):
        for place, tone in enumerate(random.choice(len(TONES), 2, replace=False)):
            name = f"recogniser-{index:05d}"
            found[index, place] = draw_tone(style, name, (int(tone),), side=SIDE)
    return found


def pairs(pictures: np.ndarray) -> tf.data.Dataset:
    """Batches of both pictures of different people, in [-1, 1], for ever."""
    data = tf.data.Dataset.from_tensor_slices(pictures).shuffle(len(pictures), seed=SEED).repeat()
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
            loss = same_picture(*tf.split(network(views, training=True), 2))
        optimizer.apply(
            tape.gradient(loss, network.trainable_variables), network.trainable_variables
        )
        return loss

    optimizer.build(network.trainable_variables)
    return step


def _view(pictures):
    count = tf.shape(pictures)[0]
    seen = random_views(pictures, tf.random.uniform([count, NUMBERS]))
    share = GRAIN * tf.random.uniform([count, 1, 1, 1])
    return tf.clip_by_value(seen + share * tf.random.normal(tf.shape(seen)), -1.0, 1.0)


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[2:]]
    main(Path(sys.argv[1]), *(numbers + [4000, 3000][len(numbers) :]))
