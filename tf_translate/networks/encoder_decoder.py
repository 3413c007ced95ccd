"""The encoder-decoders of DiscoGAN: without skip connections, so shapes may change a lot."""

import keras

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.networks import blocks
from tf_translate.networks.initialization.weights import Initialization, TorchInitialization
from tf_translate.networks.strided_discriminator import downsamples_to_4x4, to_unit_range

_KERNEL = 4


def encoder_decoder(
    image_shape: tuple[int, int, int],
    out_channels: int,
    *,
    base_filters: int = 64,
    bottleneck: int = 0,
    inference_statistics: str = "moving",
    initialization: Initialization = "torch",
    name: str = "encoder_decoder",
) -> keras.Model:
    """Downsamples an image to 4x4 pixels, or on to one vector, and upsamples it again.

    Taps (`taps.with_taps`), each the activation after a block: `encoder_0` (outermost) to
    `encoder_{n - 1}` of n downsampling blocks, then `decoder_0` (innermost) to `decoder_{n - 2}`.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of at least 8 pixels.
        out_channels: Channels of the output image.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.
        bottleneck: Size of the vector in the middle; 0 for none (the short network).
        inference_statistics: "moving" or "image", see `BatchNormalization`.
        initialization: See `TorchInitialization`.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to `(batch, height, width, out_channels)` in [-1, 1].
        Inside, images are in [0, 1] as in the published code. 5.51 M parameters at 64 pixels,
        7.15 M with a bottleneck of 100.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Kim et al. 2017, https://arxiv.org/abs/1703.05192, section 3, and its code.
    Departs: larger and smaller images add and drop levels (the code has 64 pixels only).
    """
    num_downsamples = downsamples_to_4x4(image_shape)
    initial = TorchInitialization(initialization)

    def normalise(features, statistics=inference_statistics):
        return BatchNormalization(statistics, **initial.batch_norm())(features)

    inputs = keras.Input(image_shape, name="image")
    features = to_unit_range(inputs)
    for depth in range(num_downsamples):
        filters = base_filters * min(2**depth, 8)
        features = _convolve(features, filters, stride=2, pad="same")
        features = normalise(features) if depth else features
        features = blocks.leaky(features, name=f"encoder_{depth}")
    if bottleneck:
        features = _convolve(features, bottleneck, stride=1, pad="valid")
        # Statistics of one image would make it constant.
        features = blocks.leaky(normalise(features, "moving"))
        filters = base_filters * min(2 ** (num_downsamples - 1), 8)
        features = _transpose(features, filters, initial, stride=1, pad="valid")
        features = blocks.relu(normalise(features))
    for depth in range(num_downsamples - 1, 0, -1):
        filters = base_filters * min(2 ** (depth - 1), 8)
        features = _transpose(features, filters, initial, stride=2, pad="same")
        features = blocks.relu(normalise(features), name=f"decoder_{num_downsamples - 1 - depth}")
    features = _transpose(features, out_channels, initial, stride=2, pad="same")
    # 2 sigmoid(x) - 1: the published sigmoid in the range [-1, 1].
    unit = keras.layers.Activation("sigmoid", dtype="float32")(features)
    images = keras.layers.Rescaling(2.0, offset=-1.0, dtype="float32", name="images")(unit)
    return keras.Model(inputs, images, name=name)


def _convolve(features, filters: int, *, stride: int, pad: str):
    start = blocks.torch_weights(_KERNEL, features.shape[-1])
    return blocks.convolve(
        features, filters, _KERNEL, stride=stride, bias=False, pad=pad, start=start
    )


def _transpose(features, filters: int, initial: TorchInitialization, *, stride: int, pad: str):
    return keras.layers.Conv2DTranspose(
        filters,
        _KERNEL,
        strides=stride,
        padding=pad,
        use_bias=False,
        **initial.transposed(_KERNEL, features.shape[-1], filters),
    )(features)
