"""Freezing the norms of a translator, compared with NumPy's least squares layer by layer."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from tf_translate.core.signature import image_signature
from tf_translate.errors import ConfigError
from tf_translate.experiment.export import frozen_norm
from tf_translate.experiment.export.frozen_norm import freeze_norms
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.networks.inference_behavior import describe_inference


def _network(norm=InstanceNormalization):
    images = keras.Input((8, 8, 3))
    first = norm(name="first")(keras.layers.Conv2D(4, 3, padding="same", name="in")(images))
    hidden = keras.layers.Conv2D(4, 3, padding="same", name="between")(keras.layers.ReLU()(first))
    second = norm(name="second")(hidden)
    return keras.Model(images, keras.layers.Conv2D(3, 1, activation="tanh", name="out")(second))


def _translator(network):
    discriminator = keras.Sequential([keras.Input((8, 8, 3)), InstanceNormalization()])

    def signatures():
        return {"a_to_b": image_signature("a_to_b", network, describe_inference(network))}

    return SimpleNamespace(
        generator=network,
        discriminator=discriminator,
        network_names=("generator", "discriminator"),
        signatures=signatures,
    )


def _images(count, seed):
    random = np.random.default_rng(seed)
    levels = random.uniform(-0.7, 0.7, (count, 1, 1, 3))
    return np.clip(levels + 0.3 * random.normal(size=(count, 8, 8, 3)), -1, 1).astype(np.float32)


@pytest.fixture
def network():
    keras.utils.set_random_seed(1)
    return _network()


def _fit(values, epsilon=1e-5):
    """Fits instance norm by one scale and offset per channel, with least squares."""
    mean, variance = (f(values, (1, 2), keepdims=True) for f in (np.mean, np.var))
    targets = (values - mean) / np.sqrt(variance + epsilon)
    fitted = np.empty_like(values)
    for channel in range(values.shape[-1]):
        columns = np.stack([values[..., channel].ravel(), np.ones(values[..., 0].size)], -1)
        (line, *_) = np.linalg.lstsq(columns, targets[..., channel].ravel(), rcond=None)
        fitted[..., channel] = (columns @ line).reshape(fitted.shape[:3])
    return fitted


def test_outputs_of_calibration_images_equal_those_of_a_numpy_fit(network):
    images = _images(6, 0)
    convolve = {name: network.get_layer(name) for name in ("in", "between", "out")}
    features = np.maximum(_fit(np.asarray(convolve["in"](images))), 0)
    expected = convolve["out"](_fit(np.asarray(convolve["between"](features))))
    freeze_norms(_translator(network), {"a_to_b": {"image": images}}, {})
    np.testing.assert_allclose(network(images), expected, atol=1e-4)


@pytest.mark.thorough
def test_the_cost_equals_psnr_of_scikit_image_and_discriminators_do_not_change(network):
    translator, held_out = _translator(network), _images(3, 1)
    before = np.asarray(network(held_out))
    logits = np.asarray(translator.discriminator(held_out))
    found = freeze_norms(
        translator, {"a_to_b": {"image": _images(6, 0)}}, {"a_to_b": {"image": held_out}}
    )
    pairs = zip(before, np.asarray(network(held_out)), strict=True)
    each = [peak_signal_noise_ratio(live, frozen, data_range=2.0) for live, frozen in pairs]
    cost = found["psnr"]["a_to_b"]["image"]
    assert cost["images"] == 3
    assert cost["mean"] == pytest.approx(np.mean(each), abs=0.006)
    assert cost["min"] == pytest.approx(min(each), abs=0.006)
    assert (found["norms"], found["images"]) == (2, {"a_to_b": 6})
    np.testing.assert_array_equal(translator.discriminator(held_out), logits)


def test_inference_behavior_names_the_statistics_of_norms(network):
    assert describe_inference(network)["normalization"] == "statistics of each image"
    translator = _translator(network)
    freeze_norms(translator, {"a_to_b": {"image": _images(4, 0)}}, {})
    inference_behavior = translator.signatures()["a_to_b"].inference_behavior
    assert inference_behavior["normalization"] == "statistics of a calibration set"


def test_with_frozen_norms_a_pixel_does_not_depend_on_distant_pixels(network):
    images = _images(2, 0)
    changed = images.copy()
    changed[:, 6:] = 1.0  # more than the 2 pixels away that two 3x3 convolutions see
    assert np.abs(network(images)[:, 0] - network(changed)[:, 0]).max() > 0.01
    freeze_norms(_translator(network), {"a_to_b": {"image": images}}, {})
    np.testing.assert_array_equal(network(images)[:, 0], network(changed)[:, 0])


def test_norms_of_large_images_are_calibrated_on_fewer_images(network, monkeypatch):
    monkeypatch.setattr(frozen_norm, "MAX_PIXELS", 5 * 64)
    images = _images(9, 0)
    found = freeze_norms(_translator(network), {"a_to_b": {"image": images}}, {})
    assert found["images"] == {"a_to_b": 5}
    frozen = network.get_layer("first").image_statistics.frozen
    other = _network()
    other.set_weights(network.get_weights())
    freeze_norms(_translator(other), {"a_to_b": {"image": images[:5]}}, {})
    np.testing.assert_allclose(other.get_layer("first").image_statistics.frozen, frozen, rtol=1e-6)


def test_a_translator_without_instance_norms_is_refused():
    translator = _translator(_network(keras.layers.BatchNormalization))
    with pytest.raises(ConfigError, match=r"no signature of a_to_b runs one; remove the option"):
        freeze_norms(translator, {"a_to_b": {"image": _images(2, 0)}}, {})
