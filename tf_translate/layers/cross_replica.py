"""What all devices hold of a batch, seen from one of them."""

import tensorflow as tf


def own_place():
    """Devices in all, and the place of this one among them: `(int, int32 scalar)`."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 1, 0
    return context.num_replicas_in_sync, tf.cast(context.replica_id_in_sync_group, tf.int32)


def of_all_devices(values):
    """The values of all devices one after the other, and the place of this one's first.

    Args:
        values: `(batch, ...)`, this device's share of the batch; every device's is as long.
    """
    devices, place = own_place()
    if devices == 1:
        return values, 0
    everyone = tf.distribute.get_replica_context().all_gather(values, 0)
    return everyone, place * tf.shape(values)[0]
