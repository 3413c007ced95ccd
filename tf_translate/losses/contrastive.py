"""What teaches a network to know a image again."""

import tensorflow as tf


def nt_xent(first, second, *, temperature: float = 0.1):
    """Asks of each image's one view which of all other views is of the same image.

    The others are those of all devices, so that many devices step as one.

    Args:
        first, second: Embeddings of two views, `(batch, numbers)`; row by row of one image.
            Only their directions count.
        temperature: Divides the cosines.

    Returns:
        Non-negative float32 scalar, the cross-entropy over the batch: log(batch) where all
        embeddings are alike.

    Raises:
        ValueError: If the temperature is not positive.

    Source: Chen et al. 2020 (SimCLR), https://arxiv.org/abs/2002.05709, eq. 1; here a view is
    compared with the views of the other kind only, both ways.
    """
    if temperature <= 0:
        raise ValueError(f"`temperature` must be positive, got {temperature}")
    ones, others = (tf.math.l2_normalize(tf.cast(v, tf.float32), -1) for v in (first, second))
    entropies = [
        _found(anchors, _of_all_devices(among), temperature)
        for anchors, among in ((ones, others), (others, ones))
    ]
    return 0.5 * tf.add_n(entropies)


def _found(anchors, among, temperature: float):
    """Cross-entropy of finding each anchor's own row."""
    cosines = tf.matmul(anchors, among, transpose_b=True) / temperature
    count = tf.shape(anchors)[0]
    own = _own_place() * count + tf.range(count)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(own, cosines)
    return tf.reduce_mean(losses)


def _of_all_devices(values):
    """Rows of all devices in order, each in its place of a sum; `(batch, n)` to `(all, n)`."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    before, count = _own_place(), context.num_replicas_in_sync
    rows = tf.shape(values)[0]
    around = [[before * rows, (count - 1 - before) * rows], [0, 0]]
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.pad(values, around))


def _own_place():
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    return tf.cast(context.replica_id_in_sync_group, tf.int32)
