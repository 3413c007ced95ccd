import keras
import numpy as np
import pytest

from tf_translate.networks.resnet import resnet_generator
from tf_translate.networks.taps import tap_names, with_taps
from tf_translate.networks.unet import unet_generator

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)


def _resnet(**options):
    return resnet_generator((16, 16, 3), 3, residual_blocks=2, base_filters=4, **options)


def _unet(**options):
    return unet_generator((16, 16, 3), 3, num_downsamples=3, base_filters=4, **options)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize("input_skip", [False, True])
@pytest.mark.parametrize(
    ("build", "shapes"),
    [
        (
            _resnet,
            {
                "encoder_0": (16, 4),
                "encoder_1": (8, 8),
                "encoder_2": (4, 16),
                "residual_0": (4, 16),
                "residual_1": (4, 16),
                "decoder_0": (8, 8),
                "decoder_1": (16, 4),
            },
        ),
        (
            _unet,
            {
                "encoder_0": (8, 4),
                "encoder_1": (4, 8),
                "encoder_2": (2, 16),
                "decoder_0": (4, 16),  # 8 channels of the block and 8 of the skip connection
                "decoder_1": (8, 8),
            },
        ),
    ],
)
def test_taps_are_the_outputs_of_all_blocks_in_order(build, shapes, norm, upsampling, input_skip):
    network = build(norm=norm, upsampling=upsampling, input_skip=input_skip)
    assert tap_names(network) == list(shapes)
    features = with_taps(network, list(shapes))(IMAGES)
    assert [each.shape for each in features] == [(2, side, side, c) for side, c in shapes.values()]


def test_residual_taps_are_the_sums_of_their_blocks():
    network = _resnet()
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    for convolution in convolutions[3:7]:  # the four of the two residual blocks
        convolution.kernel.assign(np.zeros(convolution.kernel.shape))
    first, *others = with_taps(network, ["encoder_2", "residual_0", "residual_1"])(IMAGES)
    for other in others:  # blocks that add nothing are the identity
        np.testing.assert_array_equal(first, other)


def test_outputs_follow_the_requested_order_and_share_the_weights():
    network = _unet()
    taps = with_taps(network, ["decoder_1", "encoder_0"])
    before = [np.array(each) for each in taps(IMAGES)]
    assert [each.shape[1:] for each in before] == [(8, 8, 8), (8, 8, 4)]
    kernel = network.trainable_variables[0]
    kernel.assign(2.0 * kernel)
    after = taps(IMAGES)
    np.testing.assert_allclose(after[1], 2.0 * before[1], rtol=1e-5)  # no norm, and zero bias


def test_an_unknown_tap_is_refused_with_the_known_ones():
    known = (
        r"^`names` must be some of the taps \['encoder_0', .*'decoder_1'\] of unet_generator, got "
    )
    with pytest.raises(ValueError, match=known + "'relu_7'$"):
        with_taps(_unet(), ["encoder_0", "relu_7"])
    with pytest.raises(ValueError, match=known + "'none'$"):
        with_taps(_unet(), [])
