"""Losses of classifiers of attributes, and other attributes than the true ones."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tf_translate.losses.regularization import r1_penalty
from tf_translate.losses.scalar_sum import scalar_sum


def attribute_cross_entropy(
    logits: tf.Tensor, categories: tf.Tensor, sizes: Sequence[int]
) -> tf.Tensor:
    """Cross-entropy of attributes, summed over attributes.

    Args:
        logits: `(batch, categories)`, the categories of an attribute side by side.
        categories: True ones, `(batch, categories)`, exactly one 1 for each attribute.
        sizes: Number of categories of each attribute.

    Returns:
        Non-negative float32 scalar; log(n) for each attribute of n categories if all its
        logits are equal.

    Source: Fader Networks, https://arxiv.org/abs/1706.00409, eq. 2.
    """
    logits = tf.split(tf.cast(logits, tf.float32), list(sizes), -1)
    truth = tf.split(tf.cast(categories, tf.float32), list(sizes), -1)
    losses = [
        tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels, scores))
        for labels, scores in zip(truth, logits, strict=True)
    ]
    return scalar_sum(losses)


def classifier_losses(
    classifier: Callable,
    images: tf.Tensor,
    categories: tf.Tensor,
    sizes: Sequence[int],
    *,
    uses: Callable[[str], bool],
) -> dict:
    """Losses of a classifier of attributes on real images, by loss term.

    Args:
        classifier: From images to logits as in `attribute_cross_entropy`; takes `training`.
        images: `(batch, height, width, channels)`, real ones.
        categories, sizes: As in `attribute_cross_entropy`.
        uses: Whether a loss term is active; called with "classifier_r1".

    Returns:
        Float32 scalars: "classifier", its cross-entropy, and "classifier_r1" if active. That is
        the R1 penalty of the mean of true logits and of negative other logits.
    """
    signs, losses = 2.0 * tf.cast(categories, tf.float32) - 1.0, {}

    def signed_logits(images):
        return signs * tf.cast(classifier(images, training=True), tf.float32)

    if uses("classifier_r1"):
        scores, losses["classifier_r1"] = r1_penalty(signed_logits, images)
    else:
        scores = signed_logits(images)
    losses["classifier"] = attribute_cross_entropy(signs * scores, categories, sizes)
    return losses


def other_categories(categories: tf.Tensor, sizes: Sequence[int], uniform: Sequence) -> tf.Tensor:
    """Another category for every attribute; the opposite for a binary one.

    Args:
        categories: `(batch, categories)`, exactly one 1 for each attribute.
        sizes: Number of categories of each attribute.
        uniform: For each attribute, random values in [0, 1) of shape `(batch, 1)` or
            `(batch, 1, 1, 1)`. They choose one of the other categories, each equally likely.

    Returns:
        Float32, as `categories`.

    Source: Fader Networks, https://arxiv.org/abs/1706.00409, eq. 3: 1 - y for binary attributes;
    another category in its code.
    """
    others = []
    split = tf.split(tf.cast(categories, tf.float32), list(sizes), -1)
    for truth, size, values in zip(split, sizes, uniform, strict=True):
        step = 1 + tf.cast(tf.reshape(values, [-1]) * (size - 1), tf.int32)
        index = tf.argmax(truth, -1, tf.int32)
        others.append(tf.one_hot((index + tf.minimum(step, size - 1)) % size, size))
    return tf.concat(others, -1)
