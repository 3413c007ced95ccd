"""Small generators: sizes, ends, and whether XNNPACK runs them whole."""

import keras
import numpy as np
import pytest

import exporters
from tests.exporters.fakes import of_model
from tf_translate.layers.pixel_shuffle import DepthToSpace, SpaceToDepth
from tf_translate.networks.mobile import mobile_resnet, mobile_unet
from tf_translate.networks.taps import tap_names, with_taps

NETWORKS = {"resnet": mobile_resnet, "unet": mobile_unet}
SMALL = {"resnet": {"residual_blocks": 1}, "unet": {"num_downsamples": 3}}


def _small(name, **settings):
    return NETWORKS[name]((32, 32, 3), 3, base_filters=4, **SMALL[name], **settings)


def _images(count=2, side=32):
    return np.random.default_rng(0).uniform(-1, 1, (count, side, side, 3)).astype(np.float32)


def test_pixels_move_between_space_and_channels_and_back():
    images = np.arange(2 * 4 * 6 * 3, dtype=np.float32).reshape(2, 4, 6, 3)
    folded = SpaceToDepth()(images)
    squares = images.reshape(2, 2, 2, 3, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 3, 12)
    np.testing.assert_array_equal(folded, squares)
    np.testing.assert_array_equal(DepthToSpace()(folded), images)
    for layer in (SpaceToDepth, DepthToSpace):
        with pytest.raises(ValueError, match="`block` must be at least 2, got 1"):
            layer(1)


@pytest.mark.parametrize(
    ("network", "stem", "head", "norm"),
    [
        ("resnet", "strided", "depth_to_space", "batch"),
        ("resnet", "space_to_depth", "resize", "instance"),
        ("unet", "space_to_depth", "depth_to_space", "batch"),
        ("unet", "strided", "resize", "instance_affine"),
    ],
)
def test_xnnpack_runs_every_operation_and_the_file_does_what_the_network_does(
    network, stem, head, norm, tmp_path
):
    model = _small(network, stem=stem, head=head, norm=norm)
    bundle = exporters.export({"a_to_b": of_model("a_to_b", model)}, tmp_path / "bundle")
    assert exporters.verify(bundle, isolated=False).passed
    shares = [
        each for each in exporters.lint(bundle, isolated=False).coverage if each.target == "xnnpack"
    ]
    assert {each.fast_fraction for each in shares} == {1.0}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("head", ["depth_to_space", "resize"])
def test_with_input_skip_the_untrained_network_is_the_identity(network, head):
    images = _images()
    outputs = _small(network, head=head, input_skip=True)(images)
    np.testing.assert_allclose(outputs, images, atol=1e-6)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_an_untrained_output_neither_vanishes_nor_saturates(network, norm):
    outputs = np.asarray(_small(network, norm=norm)(_images(), training=True))
    assert outputs.shape == (2, 32, 32, 3)
    assert 0.01 < outputs.std() < 0.7


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_has_taps_and_takes_images_of_any_size_that_fits(network, tmp_path):
    model = NETWORKS[network]((None, None, 3), 1, base_filters=4, **SMALL[network])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    images = _images(1, 64)
    np.testing.assert_array_equal(again(images), model(images))
    names = tap_names(model)
    assert names[0] == "encoder_0"
    half = with_taps(model, ["encoder_0"])(images)
    assert np.shape(half[0] if isinstance(half, list) else half)[1:3] == (32, 32)


@pytest.mark.parametrize(
    ("network", "settings", "message"),
    [
        (mobile_resnet, {"base_filters": 0}, "`base_filters` must be at least 1, got 0"),
        (mobile_resnet, {"residual_blocks": 0}, "`residual_blocks` must be at least 1, got 0"),
        (mobile_unet, {"num_downsamples": 1}, "`num_downsamples` must be at least 2, got 1"),
        (mobile_unet, {"num_downsamples": 6}, "divisible by 64"),
        (mobile_resnet, {"stem": "seven"}, "`stem` must be one of"),
        (mobile_unet, {"head": "seven"}, "`head` must be one of"),
        (mobile_resnet, {"norm": "group"}, "`norm` must be one of"),
    ],
)
def test_a_mistake_names_argument_rule_and_value(network, settings, message):
    with pytest.raises(ValueError, match=message):
        network((32, 32, 3), 3, **settings)
