"""Distribution strategies for the devices of one host."""

import re

import tensorflow as tf

from tf_translate.config.schema import DEVICES
from tf_translate.errors import ConfigError


def make_strategy(devices: str) -> tf.distribute.Strategy:
    """Makes the distribution strategy for some devices of this host.

    Call it before TensorFlow initializes its devices: "cpu:N" divides the processor into logical
    CPUs.

    Args:
        devices: "one" is TensorFlow's default device. "all" mirrors over all GPUs or, without
            GPUs, over the logical CPUs. "gpu:N" mirrors over the first N GPUs, "cpu:N" over N
            logical CPUs, which share the processor's cores.

    Returns:
        The strategy: build and compile the model in its `scope`, then call `fit` as usual.

    Raises:
        ConfigError: If it is none of these, or the host has fewer devices.

    Example:
        ```python
        with make_strategy("all").scope():
            model = from_preset("cyclegan_small")
        ```
    """
    if not re.fullmatch(DEVICES, str(devices)):
        raise ConfigError(f"`devices` must be one, all, cpu:N or gpu:N, got {devices!r}")
    if devices == "one":
        return tf.distribute.get_strategy()
    kind, _, count = devices.upper().partition(":")
    if kind == "CPU":
        return _mirrored_cpus(int(count))
    gpus = [gpu.name for gpu in tf.config.list_logical_devices("GPU")]
    if devices == "all":
        return tf.distribute.MirroredStrategy(gpus) if gpus else _mirrored_cpus()
    check_gpus(devices, len(gpus))
    return tf.distribute.MirroredStrategy(gpus[: int(count)])


def check_gpus(devices: str, available: int) -> None:
    """Raises ConfigError if "gpu:N" names more GPUs than are available."""
    if int(devices.removeprefix("gpu:")) > available:
        raise ConfigError(
            f"training.devices must not name more GPUs than TensorFlow finds here, {available}, "
            f"got {devices!r}; use one, all or cpu:N"
        )


def batch_summary(strategy: tf.distribute.Strategy, batch_size: int) -> str:
    """Describes for the user how the devices divide a batch.

    Raises:
        ConfigError: If the batch size is not divisible by the number of devices.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ConfigError(
            f"training.batch_size must be divisible by the {replicas} devices, got {batch_size}; "
            f"the next possible value is {batch_size + -batch_size % replicas}"
        )
    if replicas == 1:
        return f"one device; batch size {batch_size} for each domain"
    return (
        f"{replicas} devices; batch size {batch_size} for each domain, "
        f"{batch_size // replicas} on each device"
    )


def _mirrored_cpus(count: int | None = None) -> tf.distribute.Strategy:
    """Mirrors over `count` logical CPUs, or over all that exist."""
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
    except RuntimeError as error:  # the devices are initialized already
        existing = len(tf.config.list_logical_devices("CPU"))
        if existing < count:
            raise ConfigError(
                f"training.devices = 'cpu:{count}' needs {count} logical CPUs, but TensorFlow was "
                f"initialized with {existing}; make the strategy before anything else uses "
                "TensorFlow"
            ) from error
