"""Models of runs, as they are loaded to evaluate and export them."""

import keras
import numpy as np
import pytest

from tf_translate.experiment.configure import read_config, resolve
from tf_translate.experiment.load_run import load_model_file
from tf_translate.methods import registry
from tf_translate.methods.genegan import GeneGAN, GeneGANSettings
from tf_translate.training.run_dir import RunDir

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


def test_a_run_that_lacks_a_setting_has_its_earlier_value(tmp_path):
    config = resolve("genegan", ["model.batch_norm_momentum=0.5"]).model_dump(mode="json")
    for name in ("batch_norm_epsilon", "batch_norm_scale_stddev"):
        del config["model"][name]
    RunDir.create(tmp_path / "run", config)
    model = read_config(tmp_path / "run").model
    found = [model[f"batch_norm_{name}"] for name in ("epsilon", "momentum", "scale_stddev")]
    assert found == [1e-5, 0.5, 0.02]
    assert resolve("genegan").model["batch_norm_epsilon"] == 1e-3


@pytest.mark.parametrize(
    ("method", "setting", "earlier"),
    [
        ("icgan", "bn_recalibration_batch_size", 1),
        ("dualgan", "gradient_penalty_reduction", "mean"),
        ("ian", "orthogonal_form", "filters"),
    ],
)
def test_a_file_that_lacks_a_setting_is_trained_on_with_its_earlier_value(method, setting, earlier):
    settings = registry.find(method).settings
    saved = settings().model_dump(mode="json")
    assert saved.pop(setting) != earlier
    of_keras = {"adam": ("epsilon", 1e-7), "rmsprop": ("initial_mean_square", 0.0)}
    constant, value = of_keras[saved["optimizer"]["kind"]]
    assert saved["optimizer"].pop(constant) != value
    found = settings.model_validate(settings.with_earlier(saved))
    assert getattr(found, setting) == earlier
    assert getattr(found.optimizer, constant) == value


def test_a_translator_is_restored_with_the_earlier_values_of_settings_it_lacks():
    trained = GeneGAN.from_settings(
        GeneGANSettings(base_filters=4, discriminator_filters=4), SHAPE, SHAPE
    )
    saved = trained.get_config()
    saved["settings"] = {k: v for k, v in saved["settings"].items() if "epsilon" not in k}
    assert GeneGAN.from_config(saved).settings.batch_norm_epsilon == 1e-5
