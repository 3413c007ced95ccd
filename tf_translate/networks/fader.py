"""The networks of Fader Networks: encoder, decoder, and two classifiers of attributes."""

from collections.abc import Sequence

import keras

from tf_translate.layers.attribute_map import AttributeMaps, ExpandAttributes
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.cpu import Conv2D
from tf_translate.layers.dropout import Dropout
from tf_translate.networks import blocks
from tf_translate.networks.initialization.weights import Initialization, TorchInitialization

_KERNEL = 4


def fader_encoder(
    image_shape: tuple[int, int, int],
    *,
    num_downsamples: int = 6,
    base_filters: int = 32,
    max_filters: int = 512,
    initialization: Initialization = "torch",
    name: str = "encoder",
) -> keras.Model:
    """An encoder that halves the sides of an image `num_downsamples` times.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by `2 ** num_downsamples`.
        num_downsamples: Number of strided convolutions.
        base_filters: Channels of the first layer; they double up to `max_filters`.
        max_filters: Largest number of channels.
        initialization: See `TorchInitialization`.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to latents `(batch, h, w, channels)`; 6.99 M parameters
        at 256 pixels.

    Raises:
        ValueError: If a side is not divisible.

    Source: Lample et al. 2017, https://arxiv.org/abs/1706.00409, section 4, and its code.
    """
    blocks.check_sides(
        image_shape, 2**num_downsamples, f"an encoder of {num_downsamples} downsamples"
    )
    initial = TorchInitialization(initialization)
    inputs = features = keras.Input(image_shape, name="image")
    for depth in range(num_downsamples):
        features = _downsample(features, min(base_filters * 2**depth, max_filters), initial)
        if depth:
            features = BatchNormalization(**initial.batch_norm())(features)
        features = blocks.leaky(features)
    return keras.Model(inputs, features, name=name)


def fader_decoder(
    latent_shape: tuple[int, int, int],
    out_channels: int,
    binary: Sequence[bool],
    *,
    num_downsamples: int = 6,
    base_filters: int = 32,
    max_filters: int = 512,
    initialization: Initialization = "torch",
    name: str = "decoder",
) -> keras.Model:
    """A decoder of latents, with attributes as maps at the input of every layer.

    Args:
        latent_shape: `(height, width, channels)`, as the encoder gives it.
        out_channels: Channels of the image.
        binary: Whether each column of attributes is binary.
        num_downsamples, base_filters, max_filters, initialization: As for the encoder.
        name: Name of the model.

    Returns:
        Model from `[latent, attributes]` to images in [-1, 1]; 7.01 M parameters at 256
        pixels with one binary attribute.

    Source: Lample et al. 2017, https://arxiv.org/abs/1706.00409, section 4, and its code.
    """
    initial = TorchInitialization(initialization)
    latent = features = keras.Input(latent_shape, name="latent")
    attributes = keras.Input((len(binary),), name="attributes")
    categories = ExpandAttributes(binary)(attributes)
    for depth in range(num_downsamples - 2, -2, -1):
        features = AttributeMaps()([features, categories])
        filters = min(base_filters * 2**depth, max_filters) if depth >= 0 else out_channels
        features = keras.layers.Conv2DTranspose(
            filters, _KERNEL, strides=2, padding="same", use_bias=False,
            **initial.transposed(_KERNEL, features.shape[-1], filters),
        )(features)  # fmt: skip
        if depth >= 0:
            features = blocks.relu(BatchNormalization(**initial.batch_norm())(features))
    return keras.Model([latent, attributes], blocks.to_images(features), name=name)


def latent_discriminator(
    latent_shape: tuple[int, int, int],
    categories: int,
    *,
    max_filters: int = 512,
    dropout: float = 0.3,
    initialization: Initialization = "torch",
    name: str = "latent_discriminator",
) -> keras.Model:
    """A classifier of latents: strided convolutions to one pixel, then two dense layers.

    The convolutions continue the encoder: their channels double up to `max_filters`.

    Args:
        latent_shape: `(height, width, channels)`; square, a power of two.
        categories: Number of logits, for the categories of all attributes.
        max_filters: Largest number of channels, and units of the first dense layer (512 in the
            code).
        dropout: Fraction of features that is dropped after every strided convolution.
        initialization: See `TorchInitialization`.
        name: Name of the model.

    Returns:
        Model from latents to logits `(batch, categories)`; 8.66 M parameters from 4x4x512 to
        two logits, 6.56 M from 4x4x256.

    Raises:
        ValueError: If the latent is not square or not a power of two.

    Source: Lample et al. 2017, https://arxiv.org/abs/1706.00409, section 4, and its code.
    """
    side, channels = latent_shape[0], latent_shape[2]
    if latent_shape[0] != latent_shape[1] or side & (side - 1) or side < 2:
        raise ValueError(
            f"a latent must be square with a side of 2, 4, 8 ..., got {latent_shape}: use square "
            "images with a power of two as side, and fewer `num_downsamples` for small images"
        )
    initial = TorchInitialization(initialization)
    inputs = features = keras.Input(latent_shape, name="latent")
    for depth in range(side.bit_length() - 1):
        channels = min(2 * channels, max_filters)
        features = _downsample(features, channels, initial)
        features = blocks.leaky(BatchNormalization(**initial.batch_norm())(features))
        features = Dropout(dropout, seed=depth)(features)
    features = keras.layers.Flatten()(features)
    features = keras.layers.Dense(max_filters, **initial.dense(channels))(features)
    logits = keras.layers.Dense(categories, dtype="float32", **initial.dense(max_filters))(
        blocks.leaky(features)
    )
    return keras.Model(inputs, logits, name=name)


def image_classifier(
    image_shape: tuple[int, int, int],
    categories: int,
    *,
    num_downsamples: int = 6,
    base_filters: int = 32,
    max_filters: int = 512,
    name: str = "classifier",
) -> keras.Model:
    """A classifier of images: `num_downsamples` strided convolutions, then two dense layers.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by `2 ** num_downsamples`.
        categories: Number of logits, for the categories of all attributes.
        num_downsamples, base_filters, max_filters: As for the encoder.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to logits `(batch, categories)`, float32.

    Raises:
        ValueError: If a side does not divide.

    Source: github.com/facebookresearch/FaderNetworks, its classifier.
    Departs: no batch norm (the code has it; neither has dropout), no more strided convolutions than
    the encoder (the code: down to one pixel), and a first dense layer as wide as the last
    convolution (the code: 512). A classifier with batch norm, in inference mode as a loss, rewards
    invisible patterns. A decoder removed 66 % of beards according to an independent classifier;
    after 200 steps of fine-tuning with batch norm 14 %, without it 91 %.
    """
    blocks.check_sides(
        image_shape, 2**num_downsamples, f"a classifier of {num_downsamples} downsamples"
    )
    initial = TorchInitialization()
    inputs = features = keras.Input(image_shape, name="image")
    for depth in range(num_downsamples):
        filters = min(base_filters * 2**depth, max_filters)
        features = blocks.leaky(_downsample(features, filters, initial))
    width = features.shape[-1]
    features = keras.layers.Flatten()(features)
    features = blocks.leaky(keras.layers.Dense(width)(features))
    logits = keras.layers.Dense(categories, dtype="float32")(features)
    return keras.Model(inputs, logits, name=name)


def _downsample(features, filters: int, initial: TorchInitialization):
    return Conv2D(
        filters, _KERNEL, strides=2, padding="same",
        **initial.convolution(_KERNEL, features.shape[-1]),
    )(features)  # fmt: skip
