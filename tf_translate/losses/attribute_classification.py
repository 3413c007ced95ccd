"""What is asked of attributes: to be told from something, or to be told wrongly."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tf_translate.losses.regularization import r1_penalty


def attribute_cross_entropy(logits, categories, sizes: Sequence[int]):
    """How badly logits tell the attributes: cross-entropy, summed over attributes.

    Args:
        logits: `(batch, categories)`, each attribute's next to each other.
        categories: The truth, `(batch, categories)`, exactly one 1 for each attribute.
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
    return tf.add_n(losses)


def classifier_losses(
    classifier: Callable, images, categories, sizes: Sequence[int], *, uses: Callable[[str], bool]
) -> dict:
    """How badly a classifier tells the attributes of real images, and how steeply it tells them.

    Args:
        classifier: From images to logits as in `attribute_cross_entropy`; takes `training`.
        images: `(batch, height, width, channels)`, real ones.
        categories, sizes: As in `attribute_cross_entropy`.
        uses: Whether the term "classifier_r1" counts.

    Returns:
        Float32 scalars: "classifier", and "classifier_r1" if it counts, R1 of the mean of
        what speaks for the truth: the true logits and the others' negatives.
    """
    signs, losses = 2.0 * tf.cast(categories, tf.float32) - 1.0, {}

    def right(seen):
        return signs * tf.cast(classifier(seen, training=True), tf.float32)

    if uses("classifier_r1"):
        scores, losses["classifier_r1"] = r1_penalty(right, images)
    else:
        scores = right(images)
    losses["classifier"] = attribute_cross_entropy(signs * scores, categories, sizes)
    return losses


def other_categories(categories, sizes: Sequence[int], shares: Sequence):
    """Another category for every attribute; for a binary one the opposite.

    Args:
        categories: `(batch, categories)`, exactly one 1 for each attribute.
        sizes: Number of categories of each attribute.
        shares: For each attribute `(batch, 1)` or `(batch, 1, 1, 1)` in [0, 1), which choose
            among the others, each equally likely.

    Returns:
        Float32, as `categories`.

    Source: Fader Networks, https://arxiv.org/abs/1706.00409, eq. 3: 1 - y for binary ones; a
    different category in its code.
    """
    others = []
    split = tf.split(tf.cast(categories, tf.float32), list(sizes), -1)
    for truth, size, share in zip(split, sizes, shares, strict=True):
        step = 1 + tf.cast(tf.reshape(share, [-1]) * (size - 1), tf.int32)
        place = tf.argmax(truth, -1, tf.int32)
        others.append(tf.one_hot((place + tf.minimum(step, size - 1)) % size, size))
    return tf.concat(others, -1)
