"""The contrastive loss of embeddings."""

import tensorflow as tf


def nt_xent(first: tf.Tensor, second: tf.Tensor, *, temperature: float = 0.1) -> tf.Tensor:
    """Cross-entropy of finding the other view of the same image among those of all images.

    The images are those of all devices, so several devices train as one.

    Args:
        first, second: Embeddings of two views, `(batch, size)`; equal rows show one image. Only
            their directions count.
        temperature: Divisor of the cosines.

    Returns:
        Non-negative float32 scalar; log(batch) if all embeddings are equal.

    Raises:
        ValueError: If the temperature is not positive.

    Source: Chen et al. 2020 (SimCLR), https://arxiv.org/abs/2002.05709, eq. 1.
    Departs: a first view is compared with second views alone, and a second one with first views.
    """
    if temperature <= 0:
        raise ValueError(f"`temperature` must be positive, got {temperature}")
    ones, others = (tf.math.l2_normalize(tf.cast(v, tf.float32), -1) for v in (first, second))
    entropies = [
        _retrieval(anchors, _of_all_devices(candidates), temperature)
        for anchors, candidates in ((ones, others), (others, ones))
    ]
    return 0.5 * tf.add_n(entropies)


def _retrieval(anchors, candidates, temperature: float):
    """Cross-entropy of choosing each anchor's own row among the candidates."""
    cosines = tf.matmul(anchors, candidates, transpose_b=True) / temperature
    count = tf.shape(anchors)[0]
    labels = _replica_index() * count + tf.range(count)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, cosines)
    return tf.reduce_mean(losses)


def _of_all_devices(values):
    """Rows of all devices in order, `(batch, n)` to `(all, n)`, by a sum that passes gradients."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    index, count = _replica_index(), context.num_replicas_in_sync
    rows = tf.shape(values)[0]
    around = [[index * rows, (count - 1 - index) * rows], [0, 0]]
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.pad(values, around))


def _replica_index():
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    return tf.cast(context.replica_id_in_sync_group, tf.int32)
