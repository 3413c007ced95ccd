"""Set-up of every test: quiet TensorFlow, fixed seeds, two logical CPUs, float32."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
import tensorflow as tf

pytest_plugins = ("tests.disk", "tests.data.odd_folders")

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def _pass_over_living_objects():
    """Garbage collections skip what is alive now, a million objects of TensorFlow alone.

    This saved a sixth of the processor time of 520 tests, mostly of methods and exports.
    """
    gc.collect()
    gc.freeze()


def pytest_collection_finish():
    _pass_over_living_objects()


@pytest.hookimpl(trylast=True)  # after fixtures of the file are gone
def pytest_runtest_teardown(item, nextitem):
    if nextitem is not None and nextitem.path != item.path:
        _pass_over_living_objects()


@pytest.fixture(autouse=True)
def _seeded():
    keras.mixed_precision.set_global_policy("float32")
    keras.utils.set_random_seed(1)
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture
def zero_weights(monkeypatch):
    """Networks get weights of 0, which is five times as fast where only shapes matter."""
    for kind in ("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"):
        monkeypatch.setattr(
            getattr(keras.initializers, kind),
            "__call__",
            lambda _, shape, dtype=None, **__: keras.ops.zeros(shape, dtype),
        )


@pytest.fixture
def two_replicas():
    """A MirroredStrategy over two logical CPUs."""
    return tf.distribute.MirroredStrategy(
        ["/cpu:0", "/cpu:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
