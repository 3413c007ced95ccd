"""Which devices train."""

import tensorflow as tf

from tf_translate.errors import ConfigError


def make_strategy(devices: str) -> tf.distribute.Strategy:
    """Gives the strategy for some devices of this machine.

    Call it before TensorFlow looks at its devices: "cpu:N" divides the processor.

    Args:
        devices: "one" is TensorFlow's own choice; "all" mirrors over the GPUs or, without any,
            over the logical CPUs; "gpu:N" mirrors over the first N GPUs, "cpu:N" over N logical
            CPUs, which share the processor's cores.

    Raises:
        ConfigError: If there are fewer devices than that.
    """
    if devices == "one":
        return tf.distribute.get_strategy()
    kind, _, number = devices.upper().partition(":")
    if kind == "CPU":
        return _mirrored_cpus(int(number))
    gpus = [gpu.name for gpu in tf.config.list_logical_devices("GPU")]
    if devices == "all":
        return tf.distribute.MirroredStrategy(gpus) if gpus else _mirrored_cpus()
    check_gpus(devices, len(gpus))
    return tf.distribute.MirroredStrategy(gpus[: int(number)])


def check_gpus(devices: str, present: int) -> None:
    """Raises ConfigError if "gpu:N" asks for more GPUs than are present."""
    if int(devices.removeprefix("gpu:")) > present:
        raise ConfigError(
            f"training.devices must not ask for more GPUs than TensorFlow finds here, {present}, "
            f"got {devices!r}; take one, all or cpu:N"
        )


def batch_line(strategy: tf.distribute.Strategy, batch_size: int) -> str:
    """What a batch is on these devices, for the user.

    Raises:
        ConfigError: If the batch does not divide by the devices.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ConfigError(
            f"training.batch_size must divide by the {replicas} devices, got {batch_size}; "
            f"the next that does is {batch_size + -batch_size % replicas}"
        )
    if replicas == 1:
        return f"one device; images of each domain a turn: {batch_size}"
    return (
        f"{replicas} devices; images of each domain a turn: {batch_size} in all, "
        f"{batch_size // replicas} on each device"
    )


def _mirrored_cpus(count: int | None = None) -> tf.distribute.Strategy:
    """Mirrors over so many logical CPUs, or over those there are."""
    if count is not None:
        _divide_processor(count)
    cpus = [cpu.name for cpu in tf.config.list_logical_devices("CPU")]
    # The default collectives crash on logical CPUs.
    return tf.distribute.MirroredStrategy(
        cpus[:count], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


def _divide_processor(count: int) -> None:
    processor = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * count
        )
    except RuntimeError as error:  # its devices are in use already
        there = len(tf.config.list_logical_devices("CPU"))
        if there < count:
            raise ConfigError(
                f"training.devices = 'cpu:{count}' needs {count} logical CPUs, but TensorFlow has "
                f"started with {there}; ask for them first thing in the process"
            ) from error
