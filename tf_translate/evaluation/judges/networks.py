"""The three small judges: their networks, what they are shown, and what they are taught.

Everything is seeded layer by layer and draw by draw, so nothing global is touched, and
runs in float32 whatever precision the session trains in.
"""

import keras
import tensorflow as tf
from keras import ops

from tf_translate.evaluation.judges import fixed_descriptor, style_augmentation

TEMPERATURE = 0.1  # SimCLR, table 5: the best of 0.05, 0.1, 0.5, 1
FEATURES = "features"  # name of the layer whose output is used as features
LEARNT = "learnt"  # name of the content judge's layer that is trained
# Round numbers that did well on the shipped samples; colour often is style, so it counts less.
COLOUR_SHARE = 0.4
LEARNT_SHARE = 0.5


def domain_network(side: int, *, seed: int) -> keras.Model:
    """Builds the classifier of domains: `(b, side, side, 3)` to a logit, positive for the second.

    The features are channel means of the last convolution, so they see textures and parts
    wherever they are, standardised over the training images, as the cubic kernel needs
    numbers around one.
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
    """Builds the description of content: `(b, side, side, 3)` to unit vectors `(b, 960)`.

    Edges and coarse colours of each cell, and a projection of both that is learnt: the
    layer `LEARNT`, unit vectors `(b, 256)`, is what training acts on.
    """
    inputs = keras.Input((side, side, 3), dtype="float32")
    edges = _unit(fixed_descriptor.OrientedEdges(dtype="float32")(inputs))
    colours = _unit(fixed_descriptor.CoarseColour(dtype="float32")(inputs))
    fixed = _joined([edges, _scaled(colours, COLOUR_SHARE)])
    learnt = keras.layers.Dense(
        256, kernel_initializer=keras.initializers.GlorotUniform(seed), dtype="float32"
    )(_scaled(fixed, 20.0))  # to components around 1
    learnt = _unit(learnt, name=LEARNT)
    features = _unit(_joined([_unit(fixed), _scaled(learnt, LEARNT_SHARE)]), name=FEATURES)
    return keras.Model(inputs, features, name="content_judge")


def label_network(side: int, classes: int, *, seed: int) -> keras.Model:
    """Builds the classifier of labels: `(b, side, side, 3)` to logits `(b, classes)`.

    Keeps where things are until the end, unlike the classifier of domains: a 6 is no 9.
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


def _scaled(values: keras.KerasTensor, factor: float) -> keras.KerasTensor:
    return keras.layers.Rescaling(factor, dtype="float32")(values)


def _joined(parts: list[keras.KerasTensor]) -> keras.KerasTensor:
    return keras.layers.Concatenate(dtype="float32")(parts)


def _convolution(
    images: keras.KerasTensor, width: int, *, seed: int, stride: int = 2
) -> keras.KerasTensor:
    """3x3 convolution, which halves the sides unless said otherwise, batch norm, ReLU."""
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


def instance_loss(labels: tf.Tensor, embeddings: tf.Tensor) -> tf.Tensor:
    """Pulls views of one image together and pushes other images of its domain away.

    Images of the other domain are no negatives: telling domains apart must not pay.

    Args:
        labels: Integers `(n, 2)`: domain, number of the image in its domain. Every image
            has at least two views in the batch.
        embeddings: Unit vectors `(n, d)`.

    Returns:
        Float32 `(n,)`, non-negative: the loss of every view.

    Source: NT-Xent of Chen et al. 2020, https://arxiv.org/abs/2002.05709, eq. 1, meant over
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
    log_shares = ops.log_softmax(logits, axis=1)
    return -ops.sum(positives * log_shares, axis=1) / ops.sum(positives, axis=1)


def domain_batches(
    first: tf.Tensor, second: tf.Tensor, *, batch: int, steps: int, seed: int
) -> tf.data.Dataset:
    """Gives `steps` batches of (images, labels), half of each domain, mildly changed.

    Args:
        first, second: uint8 `(n, side, side, 3)`, the training images of each domain.
        batch: Images a step.
        steps: Number of batches.
        seed: Decides order and changes.

    Returns:
        Float32 images `(b, side, side, 3)` in [-1, 1]; float32 labels `(b, 1)`, 0 or 1.
    """
    half = max(1, batch // 2)

    def at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = [
            _taken(images, _order(step, half, images.shape[0], seed + i))
            for i, images in enumerate((first, second))
        ]
        shown = style_augmentation.mild(tf.concat(images, 0), _at_step(seed, step))
        return shown, tf.repeat([[0.0], [1.0]], half, axis=0)

    return _steps(steps).map(at, tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def content_batches(
    first: tf.Tensor, second: tf.Tensor, *, batch: int, steps: int, seed: int
) -> tf.data.Dataset:
    """Gives `steps` batches of (images, labels), two restyled views of every image.

    Arguments as in `domain_batches`; `batch` counts images before they are doubled.

    Returns:
        Float32 images `(2 * b, side, side, 3)` in [-1, 1]; int32 labels `(2 * b, 2)` as in
        `instance_loss`.
    """
    share = min(max(2, batch // 2), first.shape[0], second.shape[0])

    def at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        orders = [
            _order(step, share, images.shape[0], seed + i)
            for i, images in enumerate((first, second))
        ]
        images = tf.concat([_taken(first, orders[0]), _taken(second, orders[1])], 0)
        domains = tf.repeat([0, 1], share)
        labels = tf.stack([domains, tf.cast(tf.concat(orders, 0), tf.int32)], axis=1)
        shown = style_augmentation.strong(tf.concat([images, images], 0), _at_step(seed, step))
        return shown, tf.concat([labels, labels], 0)

    return _steps(steps).map(at, tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def label_batches(
    images: tf.Tensor, labels: tf.Tensor, *, batch: int, steps: int, seed: int
) -> tf.data.Dataset:
    """Gives `steps` batches of (images, labels), each image handled a little differently.

    Args:
        images: uint8 `(n, side, side, 3)`.
        labels: int32 `(n,)`.
        batch: Images a step.
        steps: Number of batches.
        seed: Decides order and changes.

    Returns:
        Float32 images `(b, side, side, 3)` in [-1, 1]; int32 labels `(b,)`.
    """

    def at(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        order = _order(step, batch, images.shape[0], seed)
        shown = style_augmentation.handled(_taken(images, order), _at_step(seed, step))
        return shown, tf.gather(labels, order)

    return _steps(steps).map(at, tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def _steps(steps: int) -> tf.data.Dataset:
    return tf.data.Dataset.range(steps)


def _at_step(seed: int, step: tf.Tensor) -> tf.Tensor:
    return tf.stack([tf.constant(seed, tf.int64), step])


def _order(step: tf.Tensor, count: int, total: int, seed: int) -> tf.Tensor:
    """Numbers of the images at a step: a new order every epoch, each image once in it."""
    places = step * count + tf.range(count, dtype=tf.int64)
    epochs = places // total
    seeds = tf.stack([tf.fill([count], tf.cast(seed, tf.int64)), epochs, epochs], axis=1)
    # The raw operation: its Python wrapper pads a table of seeds wrongly (TensorFlow 2.21).
    return tf.raw_ops.RandomIndexShuffle(
        index=places % total,
        seed=tf.cast(seeds, tf.int32),
        max_index=tf.constant(total - 1, tf.int64),
    )


def _taken(images: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
    taken = tf.gather(images, order)
    return tf.cast(taken, tf.float32) / 127.5 - 1.0
