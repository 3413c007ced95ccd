"""Norm statistics as inputs, compared with a network of two norms computed in NumPy."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import exporters
from tf_translate.core.signature import Signature, image_signature, image_spec
from tf_translate.errors import ConfigError
from tf_translate.experiment.export import tiled_norm
from tf_translate.experiment.export.tiled_norm import norm_input_signatures, with_tiles
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.instance_norm import InstanceNormalization

EPSILONS = {"first": 1e-5, "second": 1e-3}  # by norm
LAYERS = ("in", "between", "out")


def _network():
    keras.utils.set_random_seed(4)
    images = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same", name="in")(images)
    hidden = InstanceNormalization(EPSILONS["first"], name="first")(hidden)
    hidden = keras.layers.Conv2D(5, 3, padding="same", name="between")(keras.layers.ReLU()(hidden))
    hidden = BatchNormalization("image", epsilon=EPSILONS["second"], name="second")(hidden)
    return keras.Model(images, keras.layers.Conv2D(3, 1, activation="tanh", name="out")(hidden))


def _translator(*signatures, network):
    named = {signature.name: signature for signature in signatures}
    return SimpleNamespace(net=network, network_names=("net",), signatures=named.copy)


@pytest.fixture(scope="module")
def network():
    return _network()


@pytest.fixture(scope="module")
def plain(network):
    return image_signature("a_to_b", network, {"normalization": "statistics of each image"})


@pytest.fixture(scope="module")
def tiled(network, plain):
    return norm_input_signatures(_translator(plain, network=network))


def _images(count, seed=0):
    random = np.random.default_rng(seed)
    levels = random.uniform(-0.7, 0.7, (count, 1, 1, 3))
    return np.clip(levels + 0.3 * random.normal(size=(count, 8, 8, 3)), -1, 1).astype(np.float32)


def _by_hand(network, images):
    """Output and statistics of a batch of tiles as one image; only convolutions use Keras.

    Gamma is 1 and beta 0 in the batch norm, their initial values.
    """
    values, means, scales = images, [], []
    for layer, epsilon in zip(LAYERS, [*EPSILONS.values(), None], strict=True):
        values = np.asarray(network.get_layer(layer)(values), np.float64)
        if epsilon is not None:
            means.append(values.mean((0, 1, 2)))
            scales.append((values.var((0, 1, 2)) + epsilon) ** -0.5)
            values = (values - means[-1]) * scales[-1]
        if layer == "in":
            values = np.maximum(values, 0)
    return values, np.concatenate(means)[None], np.concatenate(scales)[None]


def test_statistics_and_outputs_of_tiles_equal_those_in_numpy(network, tiled):
    tiles = _images(6)
    expected, means, scales = _by_hand(network, tiles)
    found = tiled["a_to_b_statistics"].function(tiles=tf.constant(tiles))
    np.testing.assert_allclose(found["means"], means, atol=1e-5)
    np.testing.assert_allclose(found["scales"], scales, rtol=1e-4)
    for at in range(6):
        one = tiled["a_to_b_tile"].function(
            image=tiles[[at]], means=tf.constant(means, "float32"), scales=np.float32(scales)
        )["image"]
        np.testing.assert_allclose(one, expected[[at]], atol=1e-5)
        assert np.abs(one - network(tiles[[at]])).max() > 0.01


@pytest.mark.slow
def test_a_bundle_translates_an_image_equally_with_its_own_statistics_as_inputs(
    plain, tiled, network, tmp_path
):
    signatures = {"a_to_b": plain, **tiled}
    examples = with_tiles(signatures, {"a_to_b": {"image": _images(3)}})
    assert set(examples) == {"a_to_b", "a_to_b_tile"}
    path = exporters.export(
        signatures, tmp_path / "bundle", recipes=("float32", "float16"), golden_images=examples
    )
    bundle = exporters.open_bundle(path)
    runner = exporters.Runner(bundle)
    tile = _images(1, seed=9)
    (tiles,) = runner.signatures["a_to_b_statistics"].inputs
    assert tiles.shape == (tiled_norm.MAX_TILES, 8, 8, 3)
    statistics = runner.run("a_to_b_statistics", {"tiles": np.repeat(tile, tiles.shape[0], 0)})
    output = runner.run("a_to_b_tile", {"image": tile, **statistics})["image"]
    expected, means, _ = _by_hand(network, tile)
    np.testing.assert_allclose(output, expected, atol=1e-4)
    np.testing.assert_allclose(output, runner.run("a_to_b", {"image": tile})["image"], atol=1e-4)
    np.testing.assert_allclose(statistics["means"], means, atol=1e-4)
    inference_behavior = bundle.manifest.signatures["a_to_b_tile_uint8"].inference_behavior
    assert inference_behavior["normalization"] == "statistics from inputs"
    checks = exporters.verify(path, isolated=False)
    assert checks.passed, checks.failures
    assert {check.signature for check in checks.outputs} >= {"a_to_b_tile", "a_to_b_statistics"}


def test_examples_have_the_statistics_of_each_image(network, plain, tiled):
    images = _images(3)
    found = with_tiles({"a_to_b": plain, **tiled}, {"a_to_b": {"image": images}})["a_to_b_tile"]
    for at in range(3):
        _, means, scales = _by_hand(network, images[[at]])
        np.testing.assert_allclose(found["means"][[at]], means, atol=1e-5)
        np.testing.assert_allclose(found["scales"][[at]], scales, rtol=1e-4)


def test_statistics_of_large_tiles_use_fewer_tiles_per_batch(network, plain, monkeypatch):
    monkeypatch.setattr(tiled_norm, "MAX_PIXELS", 5 * 64)
    tiled = norm_input_signatures(_translator(plain, network=network))
    assert tiled["a_to_b_statistics"].inputs[0].shape == (5, 8, 8, 3)


def test_signatures_without_tiling_support_get_no_tile_signatures_or_are_refused(network, plain):
    def swap(image, exemplar):
        return {"image": network(image) + network(exemplar)}

    image, exemplar = image_spec((8, 8, 3)), image_spec((8, 8, 3), "exemplar")
    two = Signature("swap", swap, (image, exemplar), (image,))
    normless = Signature("negative", lambda image: {"image": -image}, (image,), (image,))
    smaller = Signature("small", lambda image: network(image), (image,), (image_spec((4, 4, 3)),))
    tiled = norm_input_signatures(_translator(two, normless, smaller, plain, network=network))
    assert list(tiled) == ["a_to_b_statistics", "a_to_b_tile"]
    with pytest.raises(ConfigError, match=r"no signature of swap, negative, small maps"):
        norm_input_signatures(_translator(two, normless, smaller, network=network))
