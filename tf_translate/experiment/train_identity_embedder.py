"""Trains an identity embedder for Age-cGAN on drawn people who are not in its data.

FaceNet was trained in the same way: on other people than those it is used for.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import track

from tf_translate.core.random_augmentation import VALUES_PER_VIEW, random_views
from tf_translate.data.fetch.avatars import TONES, draw_snapshot, draw_tone, load_open_peeps
from tf_translate.errors import ConfigError
from tf_translate.losses.contrastive import nt_xent
from tf_translate.networks.identity_embedder import image_identity_embedder

BATCH_SIZE, LEARNING_RATE = 32, 1e-3
MAX_NOISE = 0.4  # largest standard deviation of the noise on a view: a GAN's images have some
_LOG_EVERY = 300


def train_identity_embedder(
    path: str | Path,
    console: Console,
    *,
    people: int = 4000,
    steps: int = 3000,
    seed: int = 0,
    base_filters: int = 32,
    image_size: int = 64,
    snapshots: bool = False,
) -> keras.Model:
    """Trains a small network that recognizes a person, and writes it to a `.keras` file.

    The people are drawn in the style Open Peeps, each in two skin tones. They are others than
    those of `data fetch dicebear-tones`, and differ for each seed. The network learns to match
    the two images of a person among those of others, by SimCLR's contrastive loss.

    Args:
        path: The `.keras` file to write; it must not exist.
        console: Shows the progress.
        people: Number of people to draw, at least one batch of 32.
        steps: Number of training steps.
        seed: Seed of the people, the weights and the random views.
        base_filters: Channels of the first layer.
        image_size: Height and width of the images, a power of two of 8 or more.
        snapshots: Draw people as `data fetch dicebear-snapshots` does: with another position,
            size, tilt and background in each image.

    Returns:
        The network, from images in [-1, 1] to embeddings of norm 1.

    Raises:
        ConfigError: If an argument is not allowed, or the file exists.
        DataError: If the packages that draw the people are not installed.
    """
    path = Path(path)
    _check_arguments(path, people, steps, seed, base_filters)
    keras.utils.set_random_seed(seed)
    try:
        network = image_identity_embedder((image_size, image_size, 3), base_filters=base_filters)
    except ValueError as error:
        rule = "image_size must be a power of two of 8 or more"
        raise ConfigError(f"{rule}, got {image_size}") from error
    draw = draw_snapshot if snapshots else draw_tone
    images = draw_people(people, draw, seed=seed, image_size=image_size, console=console)
    batches = image_pairs(images, seed).take(steps)
    step = make_train_step(network, keras.optimizers.Adam(LEARNING_RATE))
    losses: list[float] = []
    for batch in track(batches, "training", total=steps, console=console):
        losses.append(float(step(*batch)))
        if len(losses) % _LOG_EVERY == 0 or len(losses) == steps:
            mean = float(np.mean(losses[-_LOG_EVERY:]))
            console.print(f"step {len(losses)}/{steps}  nt_xent {mean:.3f}", highlight=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    network.save(path)
    return network


def _check_arguments(path: Path, people: int, steps: int, seed: int, base_filters: int) -> None:
    if path.suffix != ".keras":
        raise ConfigError(f"the file must end in .keras, got {path}")
    if path.exists():
        raise ConfigError(f"the file must not exist, got {path}; choose another name or delete it")
    least = {"people": BATCH_SIZE, "steps": 1, "seed": 0, "base_filters": 1}
    values = {"people": people, "steps": steps, "seed": seed, "base_filters": base_filters}
    for name, value in values.items():
        if value < least[name]:
            raise ConfigError(f"{name} must be at least {least[name]}, got {value}")


def draw_people(
    count: int, draw: Callable, *, seed: int, image_size: int, console: Console
) -> np.ndarray:
    """Draws each person in two random skin tones.

    Returns:
        Uint8 `(count, 2, image_size, image_size, 3)`.
    """
    style, random = load_open_peeps(), np.random.default_rng(seed)
    images = np.empty((count, 2, image_size, image_size, 3), np.uint8)
    for index in track(range(count), "drawing", console=console):
        # The name seeds the person; its prefix is that of the published ablation.
        name = f"recogniser-{seed}-{index:05d}"
        for image, tone in enumerate(random.choice(len(TONES), 2, replace=False)):
            images[index, image] = draw(style, name, (int(tone),), side=image_size)
    return images


def image_pairs(images: np.ndarray, seed: int) -> tf.data.Dataset:
    """Endless batches of the two images of different people, float32 in [-1, 1]."""
    data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=seed).repeat()
    scaled = data.batch(BATCH_SIZE, drop_remainder=True).map(
        lambda batch: tf.cast(batch, tf.float32) / 127.5 - 1
    )
    return scaled.map(lambda batch: (batch[:, 0], batch[:, 1])).prefetch(2)


def make_train_step(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> Callable:
    """The training step: from both images of a batch of people to the loss."""

    @tf.function
    def train_step(first_images, second_images):
        views = tf.concat([_noisy_view(first_images), _noisy_view(second_images)], 0)
        with tf.GradientTape() as tape:
            loss = nt_xent(*tf.split(network(views, training=True), 2))
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    optimizer.build(network.trainable_variables)
    return train_step


def _noisy_view(images):
    count = tf.shape(images)[0]
    views = random_views(images, tf.random.uniform([count, VALUES_PER_VIEW]))
    standard_deviation = MAX_NOISE * tf.random.uniform([count, 1, 1, 1])
    return tf.clip_by_value(
        views + standard_deviation * tf.random.normal(tf.shape(views)), -1.0, 1.0
    )
