"""Exported networks consist of operations that XNNPACK and the GPU delegate run."""

import keras
import numpy as np
import pytest

import exporters
from exporters.tflite_graph.summary import read_graph
from tests.marks import slow_but
from tf_translate.core.signature import image_signature
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.unet import unet_generator

SHAPE = (16, 16, 3)
# Each of these would split XNNPACK's graph, or is wrong in int16x8.
SPLITTING = {"MIRROR_PAD", "RESIZE_NEAREST_NEIGHBOR", "SQUARED_DIFFERENCE", "TILE", "SHAPE"}

NETWORKS = {
    "resnet": lambda: resnet_generator(SHAPE, 3, residual_blocks=1, base_filters=4),
    "resnet, resized": lambda: resnet_generator(
        SHAPE, 3, residual_blocks=1, base_filters=4, upsampling="resize"
    ),
    "unet of the paper": lambda: unet_generator(
        (32, 32, 3), 3, num_downsamples=5, base_filters=4,
        inference_dropout="fixed", inference_statistics="image",
    ),
    "unet, resized": lambda: unet_generator(
        SHAPE, 3, num_downsamples=3, base_filters=4, norm="instance_affine", upsampling="resize",
        input_skip=True,
    ),
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("name", slow_but(NETWORKS, "resnet", "unet of the paper"))
def test_a_generator_becomes_static_built_in_operations_that_delegate_whole(name, tmp_path):
    network = NETWORKS[name]()
    signature = image_signature("a_to_b", network, {})
    bundle = exporters.export({"a_to_b": signature}, tmp_path / "b")
    graph = read_graph((bundle / "float32.tflite").read_bytes())
    assert not graph.custom
    assert not graph.dynamic
    assert not SPLITTING & set(graph.operations)
    runner = exporters.Runner(exporters.open_bundle(bundle))
    image = np.random.default_rng(0).uniform(-1, 1, (1, *network.input_shape[1:]))
    image = image.astype(np.float32)
    result = runner.run("a_to_b", {"image": image})["image"]
    assert np.abs(result - np.asarray(network(image, training=False))).max() < 1e-4


def test_instance_norm_of_a_drawing_on_a_flat_background_is_exact_on_the_device(tmp_path):
    # A long sum of equal values rounds in one direction; XNNPACK's was off by 1e-4 here.
    image = np.full((1, 64, 64, 3), (0.731, -0.413, 0.977), np.float32)
    image[:, 24:36, 30:44] = np.random.default_rng(0).uniform(-1, 1, (12, 14, 3))
    inputs = keras.Input((64, 64, 3))
    network = keras.Model(inputs, InstanceNormalization()(inputs))
    ranges = {"input_range": (-1.0, 1.0), "output_range": (-10.0, 10.0)}
    signature = image_signature("norm", network, {}, **ranges)
    bundle = exporters.export({"norm": signature}, tmp_path / "b")
    runner = exporters.Runner(exporters.open_bundle(bundle))
    exact = image.astype(np.float64)
    mean, variance = (f(exact, (1, 2), keepdims=True) for f in (np.mean, np.var))
    expected = (exact - mean) / np.sqrt(variance + 1e-5)
    for found in (network(image), runner.run("norm", {"image": image})["image"]):
        np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.thorough
def test_fixed_dropout_is_the_same_on_the_device(tmp_path):
    # The paper's noise at test time, as one mask: switching it off must change the image.
    arguments = {"num_downsamples": 5, "base_filters": 4, "norm": "none"}
    noisy = unet_generator((32, 32, 3), 3, inference_dropout="fixed", **arguments)
    quiet = unet_generator((32, 32, 3), 3, inference_dropout="off", **arguments)
    for weight, other in zip(quiet.weights, noisy.weights, strict=True):
        other.assign(weight * 10 if "kernel" in weight.path else weight)
        weight.assign(other)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
    expected = np.asarray(noisy(image, training=False))
    assert np.abs(expected - np.asarray(quiet(image, training=False))).max() > 1e-3
    bundle = exporters.export({"a_to_b": image_signature("a_to_b", noisy, {})}, tmp_path / "b")
    runner = exporters.Runner(exporters.open_bundle(bundle))
    assert np.abs(runner.run("a_to_b", {"image": image})["image"] - expected).max() < 1e-4
