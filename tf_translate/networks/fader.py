"""The networks of Fader Networks: encoder, decoder, and two classifiers of attributes."""

from collections.abc import Sequence

import keras

from tf_translate.layers.attribute_map import AttributeMaps, ExpandAttributes
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.dropout import Dropout
from tf_translate.networks import blocks

_KERNEL = 4


def fader_encoder(
    image_shape: tuple[int, int, int],
    *,
    num_downsamples: int = 6,
    base_filters: int = 32,
    max_filters: int = 512,
    name: str = "encoder",
) -> keras.Model:
    """An encoder that halves the sides of an image `num_downsamples` times.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by `2 ** num_downsamples`.
        num_downsamples: Number of strided convolutions.
        base_filters: Channels of the first layer; they double up to `max_filters`.
        max_filters: Largest number of channels.
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
    inputs = features = keras.Input(image_shape, name="image")
    for depth in range(num_downsamples):
        features = _downsample(features, min(base_filters * 2**depth, max_filters))
        if depth:
            features = BatchNormalization()(features)
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
    name: str = "decoder",
) -> keras.Model:
    """A decoder of latents, with attributes as maps at the input of every layer.

    Args:
        latent_shape: `(height, width, channels)`, as the encoder gives it.
        out_channels: Channels of the image.
        binary: Whether each column of attributes is binary.
        num_downsamples, base_filters, max_filters: As for the encoder.
        name: Name of the model.

    Returns:
        Model from `[latent, attributes]` to images in [-1, 1]; 7.01 M parameters at 256
        pixels with one binary attribute.

    Source: Lample et al. 2017, https://arxiv.org/abs/1706.00409, section 4, and its code.
    """
    latent = features = keras.Input(latent_shape, name="latent")
    attributes = keras.Input((len(binary),), name="attributes")
    categories = ExpandAttributes(binary)(attributes)
    for depth in range(num_downsamples - 2, -2, -1):
        features = AttributeMaps()([features, categories])
        filters = min(base_filters * 2**depth, max_filters) if depth >= 0 else out_channels
        features = keras.layers.Conv2DTranspose(
            filters, _KERNEL, strides=2, padding="same", use_bias=False,
            kernel_initializer=blocks.torch_weights(_KERNEL, filters),
        )(features)  # fmt: skip
        if depth >= 0:
            features = blocks.relu(BatchNormalization()(features))
    return keras.Model([latent, attributes], blocks.to_images(features), name=name)


def latent_discriminator(
    latent_shape: tuple[int, int, int],
    categories: int,
    *,
    dropout: float = 0.3,
    name: str = "latent_discriminator",
) -> keras.Model:
    """A classifier of latents: strided convolutions to one pixel, then two dense layers.

    Args:
        latent_shape: `(height, width, channels)`; square, a power of two.
        categories: Number of logits, for the categories of all attributes.
        dropout: Fraction of features that is dropped after every strided convolution.
        name: Name of the model.

    Returns:
        Model from latents to logits `(batch, categories)`; 8.66 M parameters from 4x4x512 to
        two logits.

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
    inputs = features = keras.Input(latent_shape, name="latent")
    for depth in range(side.bit_length() - 1):
        features = blocks.leaky(BatchNormalization()(_downsample(features, channels)))
        features = Dropout(dropout, seed=depth)(features)
    features = keras.layers.Flatten()(features)
    start = blocks.torch_weights(1, channels)
    features = blocks.leaky(keras.layers.Dense(channels, kernel_initializer=start)(features))
    logits = keras.layers.Dense(categories, kernel_initializer=start, dtype="float32")(features)
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
    Departs: neither batch norm nor dropout, and no more strided convolutions than the encoder. A
    classifier with batch norm, in inference mode as a loss, rewards invisible patterns. A decoder
    removed 66 % of beards according to an independent classifier; after 200 steps of fine-tuning
    with batch norm 14 %, without it 91 %.
    """
    blocks.check_sides(
        image_shape, 2**num_downsamples, f"a classifier of {num_downsamples} downsamples"
    )
    inputs = features = keras.Input(image_shape, name="image")
    for depth in range(num_downsamples):
        features = blocks.leaky(_downsample(features, min(base_filters * 2**depth, max_filters)))
    width = features.shape[-1]
    features = keras.layers.Flatten()(features)
    features = blocks.leaky(keras.layers.Dense(width)(features))
    logits = keras.layers.Dense(categories, dtype="float32")(features)
    return keras.Model(inputs, logits, name=name)


def _downsample(features, filters):
    start = blocks.torch_weights(_KERNEL, features.shape[-1])
    return blocks.convolve(features, filters, _KERNEL, stride=2, bias=True, start=start)
