"""Values of all replicas in a replica, whose devices train on one batch together."""

import tensorflow as tf


def count_and_index() -> tuple[int, tf.Tensor | int]:
    """The number of replicas and the index of this one, a scalar; 0 if there is one replica."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 1, 0
    return context.num_replicas_in_sync, tf.cast(context.replica_id_in_sync_group, tf.int32)


def gather_replicas(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | int]:
    """The values of all replicas in order, and the index of the first value of this one.

    Args:
        values: `(batch, ...)`, this replica's part of the batch; all parts are equally long.
    """
    count, index = count_and_index()
    if count == 1:
        return values, 0
    gathered = tf.distribute.get_replica_context().all_gather(values, 0)
    return gathered, index * tf.shape(values)[0]
