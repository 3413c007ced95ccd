"""Which devices train."""

import tensorflow as tf


def make_strategy(devices: str) -> tf.distribute.Strategy:
    """Gives the strategy for "one" device or for "all" that this machine has.

    "all" mirrors over the GPUs, or over logical CPUs where there are several of those
    (which need the plain reduction: the default collectives crash on them).
    """
    if devices == "one":
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    cpus = [cpu.name for cpu in tf.config.list_logical_devices("CPU")]
    return tf.distribute.MirroredStrategy(
        cpus, cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
