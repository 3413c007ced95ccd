"""The networks of the three judges, their training batches and the contrastive loss.

Every layer and random operation has its own seed, so no global random state changes. All compute
is float32, whatever the global precision.
"""

import keras
import tensorflow as tf
from keras import ops

from tf_translate.evaluation.judges import fixed_descriptor, style_augmentation

TEMPERATURE = 0.1  # SimCLR, table 5: the best of 0.05, 0.1, 0.5, 1
FEATURES = "features"  # name of the layer that outputs the features
PROJECTION = "projection"  # name of the content judge's trainable layer
# Chosen on the shipped samples. Colour is often style, so its weight is below that of edges, 1.
COLOUR_WEIGHT = 0.4
PROJECTION_WEIGHT = 0.5


def domain_network(side: int, *, seed: int) -> keras.Model:
    """Builds the domain classifier: `(b, side, side, 3)` to a logit, positive for the second.

    The features are channel means of the last convolution, so position does not matter. They are
    standardized over the training images, as the cubic kernel needs values around one.
    """
    inputs = keras.Input((side, side, 3), dtype="float32")
    hidden = inputs
    for i, width in enumerate((24, 48, 96, 128)):
        hidden = _convolution(hidden, width, seed=seed + i)
    hidden = keras.layers.GlobalAveragePooling2D(dtype="float32")(hidden)
    features = keras.layers.BatchNormalization(
        momentum=0.9, center=False, scale=False, dtype="float32", name=FEATURES
    )(hidden)
    initializer = keras.initializers.GlorotUniform(seed + 100)
    logits = keras.layers.Dense(1, kernel_initializer=initializer, dtype="float32")(features)
    return keras.Model(inputs, logits, name="domain_judge")


def content_network(side: int, *, seed: int) -> keras.Model:
    """Builds the content feature network: `(b, side, side, 3)` to unit vectors `(b, 960)`.

    The features are edges and mean colours of each cell, and a learned projection of both. Only
    the layer `PROJECTION`, which outputs unit vectors `(b, 256)`, is trained.
    """
    inputs = keras.Input((side, side, 3), dtype="float32")
    edges = _unit(fixed_descriptor.OrientedEdges(dtype="float32")(inputs))
    colours = _unit(fixed_descriptor.CoarseColour(dtype="float32")(inputs))
    fixed = _concatenate([edges, _scale(colours, COLOUR_WEIGHT)])
    projection = keras.layers.Dense(
        256, kernel_initializer=keras.initializers.GlorotUniform(seed), dtype="float32"
    )(_scale(fixed, 20.0))  # to values around 1
    projection = _unit(projection, name=PROJECTION)
    features = _unit(
        _concatenate([_unit(fixed), _scale(projection, PROJECTION_WEIGHT)]), name=FEATURES
    )
    return keras.Model(inputs, features, name="content_judge")


def label_network(side: int, classes: int, *, seed: int) -> keras.Model:
    """Builds the label classifier: `(b, side, side, 3)` to logits `(b, classes)`.

    It keeps positions until the last layer, unlike the domain classifier, to tell 6 from 9.
    """
    inputs = keras.Input((side, side, 3), dtype="float32")
    hidden = inputs
    for i, width in enumerate((32, 64, 96)):
        hidden = _convolution(hidden, width, seed=seed + 2 * i)
        hidden = _convolution(hidden, width, seed=seed + 2 * i + 1, stride=1)
    hidden = keras.layers.Flatten(dtype="float32")(hidden)
    initializer = keras.initializers.GlorotUniform(seed + 100)
    logits = keras.layers.Dense(classes, kernel_initializer=initializer, dtype="float32")(hidden)
    return keras.Model(inputs, logits, name="label_judge")


def _unit(maps: keras.KerasTensor, *, name: str | None = None) -> keras.KerasTensor:
    flat = keras.layers.Flatten(dtype="float32")(maps)
    return keras.layers.UnitNormalization(dtype="float32", name=name)(flat)


def _scale(values: keras.KerasTensor, factor: float) -> keras.KerasTensor:
    return keras.layers.Rescaling(factor, dtype="float32")(values)


def _concatenate(parts: list[keras.KerasTensor]) -> keras.KerasTensor:
    return keras.layers.Concatenate(dtype="float32")(parts)


def _convolution(
    images: keras.KerasTensor, width: int, *, seed: int, stride: int = 2
) -> keras.KerasTensor:
    """A 3x3 convolution of stride 2 by default, batch normalization and ReLU."""
    images = keras.layers.Conv2D(
        width,
        3,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed),
        dtype="float32",
    )(images)
    images = keras.layers.BatchNormalization(momentum=0.9, dtype="float32")(images)
    return keras.layers.ReLU(dtype="float32")(images)


def nt_xent_within_domain(labels: tf.Tensor, embeddings: tf.Tensor) -> tf.Tensor:
    """Contrastive loss: views of one image are positives, other images of its domain negatives.

    Images of the other domain are not negatives, so the features gain nothing from
    distinguishing the domains.

    Args:
        labels: Integers `(n, 2)`: domain, index of the image in its domain. Every image
            has at least two views in the batch.
        embeddings: Unit vectors `(n, d)`.

    Returns:
        Float32 `(n,)`, non-negative: the loss of every view.

    Source: NT-Xent of Chen et al. 2020, https://arxiv.org/abs/2002.05709, eq. 1, averaged over
    all positives (Khosla et al. 2020, https://arxiv.org/abs/2004.11362, eq. 2).
    """
    labels = ops.cast(labels, "int32")
    same_domain = labels[:, None, 0] == labels[None, :, 0]
    same_image = ops.logical_and(same_domain, labels[:, None, 1] == labels[None, :, 1])
    others = 1.0 - ops.eye(ops.shape(labels)[0])
    candidates = ops.cast(same_domain, "float32") * others
    positives = ops.cast(same_image, "float32") * others
    logits = ops.matmul(embeddings, ops.transpose(embeddings)) / TEMPERATURE
    logits = ops.where(candidates > 0, logits, -1e9)
    log_probabilities = ops.log_softmax(logits, axis=1)
    return -ops.sum(positives * log_probabilities, axis=1) / ops.sum(positives, axis=1)


def domain_batches(
    first: tf.Tensor, second: tf.Tensor, *, batch: int, steps: int, seed: int
) -> tf.data.Dataset:
    """Builds `steps` batches of (images, labels), half of each domain, mildly augmented.

    Args:
        first, second: uint8 `(n, side, side, 3)`, the training images of each domain.
        batch: Images per step.
        steps: Number of batches.
        seed: Seed of order and augmentation.

    Returns:
        Float32 images `(b, side, side, 3)` in [-1, 1]; float32 labels `(b, 1)`, 0 or 1.
    """
    half = max(1, batch // 2)

    def batch_at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = [
            _gather(images, _order(step, half, images.shape[0], seed + i))
            for i, images in enumerate((first, second))
        ]
        augmented = style_augmentation.mild(tf.concat(images, 0), _at_step(seed, step))
        return augmented, tf.repeat([[0.0], [1.0]], half, axis=0)

    return _steps(steps).map(batch_at, tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def content_batches(
    first: tf.Tensor, second: tf.Tensor, *, batch: int, steps: int, seed: int
) -> tf.data.Dataset:
    """Builds `steps` batches of (images, labels), two restyled views of every image.

    Arguments as in `domain_batches`; `batch` counts images, each of which gives two views.

    Returns:
        Float32 images `(2 * b, side, side, 3)` in [-1, 1]; int32 labels `(2 * b, 2)` as in
        `nt_xent_within_domain`.
    """
    per_domain = min(max(2, batch // 2), first.shape[0], second.shape[0])

    def batch_at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        orders = [
            _order(step, per_domain, images.shape[0], seed + i)
            for i, images in enumerate((first, second))
        ]
        images = tf.concat([_gather(first, orders[0]), _gather(second, orders[1])], 0)
        domains = tf.repeat([0, 1], per_domain)
        labels = tf.stack([domains, tf.cast(tf.concat(orders, 0), tf.int32)], axis=1)
        augmented = style_augmentation.strong(tf.concat([images, images], 0), _at_step(seed, step))
        return augmented, tf.concat([labels, labels], 0)

    return _steps(steps).map(batch_at, tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def label_batches(
    images: tf.Tensor, labels: tf.Tensor, *, batch: int, steps: int, seed: int
) -> tf.data.Dataset:
    """Builds `steps` batches of (images, labels) with random affine augmentation.

    Args:
        images: uint8 `(n, side, side, 3)`.
        labels: int32 `(n,)`.
        batch: Images per step.
        steps: Number of batches.
        seed: Seed of order and augmentation.

    Returns:
        Float32 images `(b, side, side, 3)` in [-1, 1]; int32 labels `(b,)`.
    """

    def batch_at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        order = _order(step, batch, images.shape[0], seed)
        augmented = style_augmentation.affine(_gather(images, order), _at_step(seed, step))
        return augmented, tf.gather(labels, order)

    return _steps(steps).map(batch_at, tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def _steps(steps: int) -> tf.data.Dataset:
    return tf.data.Dataset.range(steps)


def _at_step(seed: int, step: tf.Tensor) -> tf.Tensor:
    return tf.stack([tf.constant(seed, tf.int64), step])


def _order(step: tf.Tensor, count: int, total: int, seed: int) -> tf.Tensor:
    """Indices of the images of a step: each epoch holds each image once, in a new order."""
    positions = step * count + tf.range(count, dtype=tf.int64)
    epochs = positions // total
    seeds = tf.stack([tf.fill([count], tf.cast(seed, tf.int64)), epochs, epochs], axis=1)
    # The raw operation, as its Python wrapper pads a matrix of seeds wrongly (TensorFlow 2.21).
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % total,
        seed=tf.cast(seeds, tf.int32),
        max_index=tf.constant(total - 1, tf.int64),
    )


def _gather(images: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
    selected = tf.gather(images, order)
    return tf.cast(selected, tf.float32) / 127.5 - 1.0
