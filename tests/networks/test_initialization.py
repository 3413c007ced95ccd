"""Initial weights of 2017, against the rules of PyTorch 0.x and Torch7 written out by hand."""

import keras
import numpy as np
import pytest

from tf_translate.networks.conditional_gan import image_encoder
from tf_translate.networks.encoder_decoder import encoder_decoder
from tf_translate.networks.fader import fader_decoder, fader_encoder, latent_discriminator
from tf_translate.networks.initialization.weights import TorchInitialization
from tf_translate.networks.strided_discriminator import feature_discriminator

OF_2017 = {"initialization": "torch_2017"}
NETWORKS = {
    "fader's encoder": lambda: fader_encoder(
        (16, 16, 3), num_downsamples=2, base_filters=32, **OF_2017
    ),
    "fader's decoder": lambda: fader_decoder(
        (4, 4, 64), 3, [True], num_downsamples=2, base_filters=32, **OF_2017
    ),
    "fader's discriminator": lambda: latent_discriminator(
        (4, 4, 32), 20, max_filters=64, **OF_2017
    ),
    "icgan's encoder": lambda: image_encoder((16, 16, 3), 20, width=64, base_filters=32, **OF_2017),
    "discogan's generator": lambda: encoder_decoder(
        (16, 16, 3), 3, base_filters=32, bottleneck=40, **OF_2017
    ),
    "discogan's discriminator": lambda: feature_discriminator(
        (16, 16, 3), base_filters=32, **OF_2017
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_of_2017_are_uniform_within_the_bounds_of_input_channels(name):
    keras.utils.set_random_seed(0)
    kinds = set()
    for layer in NETWORKS[name]().layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            scales = np.asarray(layer.gamma)
            assert 0 <= scales.min() < 0.3 < 0.7 < scales.max() <= 1
            assert not np.any(layer.beta)
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            side = layer.kernel_size[0]
            _assert_uniform(layer, 1 / np.sqrt(side * side * layer.input.shape[-1]))
        elif isinstance(layer, keras.layers.Dense):
            _assert_uniform(layer, 1 / np.sqrt(layer.input.shape[-1]))
        kinds.add(type(layer).__name__)
    assert {"BatchNormalization"} < kinds


def _assert_uniform(layer, bound):
    kernel = np.asarray(layer.kernel) / bound
    assert 0.9 < np.abs(kernel).max() <= 1.0001, layer.name
    assert kernel.std() == pytest.approx(1 / np.sqrt(3), rel=0.1), layer.name
    if layer.use_bias:
        bias = np.asarray(layer.bias) / bound
        assert 0.5 < np.abs(bias).max() <= 1.0001, layer.name


@pytest.mark.parametrize(
    ("kind", "bound", "mean_squared_scale"), [("torch", 3, 1.0), ("torch_2017", 34, 1 / 3)]
)
def test_images_of_an_untrained_fader_have_the_spread_computed_by_hand(
    kind, bound, mean_squared_scale
):
    # Half of each channel passes the ReLU. A pixel sums 2 x 2 taps of 32 such channels and of the
    # one attribute map that is 1, times weights of variance 1 / (3 * 16 * bound).
    keras.utils.set_random_seed(0)
    decoder = fader_decoder(
        (8, 8, 64), 3, [True], num_downsamples=2, base_filters=32, initialization=kind
    )
    latents = np.random.default_rng(0).normal(size=(8, 8, 8, 64)).astype(np.float32)
    images = np.asarray(decoder([latents, np.ones((8, 1), np.float32)], training=True))
    variance = 4 * (32 * mean_squared_scale / 2 + 1) / (3 * 16 * bound)
    normal = np.random.default_rng(0).normal(size=100_000)
    expected = np.tanh(np.sqrt(variance) * normal).std()  # 0.53 and 0.12
    # The mean of a colour is fixed by its 34 * 16 weights, so only its square is expected.
    assert np.sqrt((images**2).mean()) == pytest.approx(expected, rel=0.2)


def test_an_unknown_initialization_is_refused():
    with pytest.raises(ValueError, match="`initialization` must be 'torch' or 'torch_2017', got"):
        TorchInitialization("torch_2016")
