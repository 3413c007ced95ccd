import pytest
import tensorflow as tf

from tf_translate.errors import ConfigError
from tf_translate.training.strategy import batch_line, check_gpus, make_strategy


def test_one_device_is_no_mirror():
    assert make_strategy("one") is tf.distribute.get_strategy()


@pytest.mark.parametrize("devices", ["cpu:2", "all"])  # tests have two logical processors
def test_many_devices_are_mirrors_of_each_other(devices):
    strategy = make_strategy(devices)
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    places = [tf.DeviceSpec.from_string(place) for place in strategy.extended.worker_devices]
    assert [(place.device_type, place.device_index) for place in places] == [("CPU", 0), ("CPU", 1)]


def test_the_first_so_many_devices_are_taken():
    assert make_strategy("cpu:1").num_replicas_in_sync == 1


def test_more_gpus_than_there_are():
    check_gpus("gpu:4", 4)
    with pytest.raises(ConfigError, match=r"finds here, 2, got 'gpu:4'; take one, all or cpu:N"):
        check_gpus("gpu:4", 2)


def test_a_processor_that_is_in_use_is_divided_no_more():
    tf.config.list_logical_devices("CPU")
    with pytest.raises(ConfigError, match=r"needs 3 logical CPUs, but .* started with 2"):
        make_strategy("cpu:3")


def test_what_a_batch_is_is_said(two_replicas):
    assert batch_line(two_replicas, 6) == (
        "2 devices; images of each domain a turn: 6 in all, 3 on each device"
    )
    one = tf.distribute.get_strategy()
    assert batch_line(one, 5) == "one device; images of each domain a turn: 5"
    with pytest.raises(ConfigError, match="by the 2 devices, got 5; the next that does is 6"):
        batch_line(two_replicas, 5)
