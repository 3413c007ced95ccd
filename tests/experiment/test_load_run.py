"""Models of runs, as they are loaded to evaluate and export them."""

import keras
import numpy as np
import pytest

from tf_translate.experiment.configure import resolve
from tf_translate.experiment.load_run import load_model_file
from tf_translate.methods.genegan import GeneGAN, GeneGANSettings

SHAPE = (16, 16, 3)


@pytest.fixture(autouse=True)
def _float32_afterwards():
    yield
    keras.mixed_precision.set_global_policy("float32")


def test_a_bfloat16_run_of_an_earlier_version_keeps_its_networks_in_float32(tmp_path):
    """Its configuration has no constants of batch norm, so it would get those of today."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    earlier = {"batch_norm_epsilon": 1e-5, "batch_norm_momentum": 0.9}
    settings = GeneGANSettings(base_filters=4, discriminator_filters=4, **earlier)
    trained = GeneGAN.from_settings(settings, SHAPE, SHAPE)
    trained.compile()
    trained.steps_taken.assign(7)
    trained.save(tmp_path / "model.keras")
    config = resolve("genegan", ["training.precision=mixed_bfloat16"])
    loaded = load_model_file(tmp_path / "model.keras", config)
    assert int(loaded.steps_taken.numpy()) == 7
    for name in trained.network_names:
        network = getattr(loaded, name)
        for layer in network.layers:
            assert layer.compute_dtype == "float32"
            if isinstance(layer, keras.layers.BatchNormalization):
                assert (layer.epsilon, layer.momentum) == (1e-5, 0.9)
        weights = zip(network.weights, getattr(trained, name).weights, strict=True)
        assert all(np.array_equal(one, other) for one, other in weights)
