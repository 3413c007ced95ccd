import pytest
import tensorflow as tf

from tf_translate.errors import ConfigError
from tf_translate.training.strategy import batch_summary, check_gpus, make_strategy


def test_one_device_uses_the_default_strategy():
    assert make_strategy("one") is tf.distribute.get_strategy()


@pytest.mark.parametrize("devices", ["cpu:2", "all"])  # tests have two logical processors
def test_several_devices_use_a_mirrored_strategy(devices):
    strategy = make_strategy(devices)
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    specs = [tf.DeviceSpec.from_string(name) for name in strategy.extended.worker_devices]
    assert [(spec.device_type, spec.device_index) for spec in specs] == [("CPU", 0), ("CPU", 1)]


def test_fewer_devices_than_available_can_be_used():
    assert make_strategy("cpu:1").num_replicas_in_sync == 1


def test_more_gpus_than_available_are_rejected():
    check_gpus("gpu:4", 4)
    with pytest.raises(ConfigError, match=r"finds here, 2, got 'gpu:4'; use one, all or cpu:N"):
        check_gpus("gpu:4", 2)


def test_an_initialized_processor_cannot_be_divided_further():
    tf.config.list_logical_devices("CPU")
    with pytest.raises(ConfigError, match=r"needs 3 logical CPUs, but .* initialized with 2"):
        make_strategy("cpu:3")


def test_the_batch_summary_names_the_batch_size_of_each_device(two_replicas):
    assert batch_summary(two_replicas, 6) == (
        "2 devices; batch size 6 for each domain, 3 on each device"
    )
    one = tf.distribute.get_strategy()
    assert batch_summary(one, 5) == "one device; batch size 5 for each domain"
    with pytest.raises(ConfigError, match="by the 2 devices, got 5; the next possible value is 6"):
        batch_summary(two_replicas, 5)
