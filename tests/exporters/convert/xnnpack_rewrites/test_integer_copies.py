"""Mirrored borders and repeated values in files of integers: the outputs are those of before."""

import keras
import numpy as np
import pytest

import exporters
from exporters.tflite_graph.operators import read_signatures
from tests.exporters.convert.xnnpack_rewrites.conftest import Converted
from tests.exporters.fakes import noise

pytestmark = pytest.mark.slow
RECIPES = ("dynamic_int8", "int8", "int8_float_norm", "int16x8")
REPLACED = {"MIRROR_PAD", "TILE", "BROADCAST_TO"}
layers = keras.layers


@pytest.fixture(scope="module")
def network():
    """Mirrored borders of 1 and 3 pixels, doubled by both interpolations; odd sides."""
    keras.utils.set_random_seed(0)
    image = keras.Input((7, 9, 3))
    hidden = image
    for border, interpolation in ((3, "nearest"), (1, "bilinear")):
        sides = ((0, 0), (border, border), (border, border), (0, 0))
        hidden = layers.Conv2D(8, 2 * border + 1)(keras.ops.pad(hidden, sides, "reflect"))
        hidden = layers.UpSampling2D(interpolation=interpolation)(layers.ReLU()(hidden))
    return keras.Model(image, layers.Conv2D(3, 3, padding="same", activation="tanh")(hidden))


@pytest.fixture(scope="module")
def contents(network, tmp_path_factory):
    """For each way to export, the files of all integer recipes."""
    signature = exporters.signature_of(network, ranges=(-1, 1))
    found = {}
    for optimize in (True, False):
        bundle = exporters.export(
            {"a_to_b": signature},
            tmp_path_factory.mktemp("copies") / "bundle",
            recipes=RECIPES,
            calibration=exporters.Calibration({"a_to_b": {"image": noise(8, 7, 9, 3)}}),
            optimize=optimize,
            keep_saved_model=False,
        )
        if optimize:
            assert exporters.verify(bundle, isolated=False).passed
        found[optimize] = {name: (bundle / f"{name}.tflite").read_bytes() for name in RECIPES}
    return found


@pytest.mark.parametrize("recipe", RECIPES)
def test_outputs_are_equal_with_and_without_the_rewrites(network, contents, recipe):
    after, before = (Converted(contents[optimize][recipe]) for optimize in (True, False))
    assert REPLACED & set(before.operations("a_to_b"))
    assert not REPLACED & set(after.operations("a_to_b"))
    image = noise(1, 7, 9, 3, seed=9)
    found = after.run(image=image, signature="a_to_b")
    np.testing.assert_allclose(found, before.run(image=image, signature="a_to_b"), atol=1e-6)
    error = np.mean((found - network(image).numpy()) ** 2)
    assert 10 * np.log10(4 / error) > 28


def test_borders_and_copies_of_int8_are_integers(contents):
    nodes = read_signatures(contents[True]["int8"])["a_to_b"].nodes
    copies = [node for node in nodes if node.operation in ("SLICE", "CONCATENATION")]
    assert {tensor.dtype for node in copies for tensor in node.outputs} == {"int8"}
