"""The networks of GeneGAN: a splitter into background and object, a joiner, and a discriminator."""

import keras

from tf_translate.networks import blocks
from tf_translate.networks.strided_discriminator import to_unit

_DIVISOR = 8  # codes have an eighth of the image's sides


def splitter(
    image_shape: tuple[int, int, int],
    *,
    base_filters: int = 128,
    norm: str = "batch",
    name: str = "splitter",
) -> keras.Model:
    """Splits an image into what is behind and the object that it may show.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by 8.
        base_filters: Channels of the first layer; they double with every halving.
        norm: "batch" (published), "instance_affine" or "none".
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to `[background, object]`, each of an eighth of the
        sides, with `3 * base_filters` and `base_filters` channels. 2.629 M parameters.

    Raises:
        ValueError: If a side does not divide, `norm` is unknown, or codes of 1x1 pixel would
            be made constant by an instance norm.

    Source: Zhou et al. 2017, https://arxiv.org/abs/1705.04932, and github.com/Prinsphield/GeneGAN.
    """
    blocks.check_sides(image_shape, _DIVISOR, "GeneGAN")
    _check_last_map(image_shape, _DIVISOR, norm)
    inputs = keras.Input(image_shape, name="image")
    features = _halve(to_unit(inputs), base_filters, "none", bias=False)
    for depth in (1, 2):
        features = _halve(features, base_filters * 2**depth, norm)
    background, shown = keras.ops.split(features, [3 * base_filters], axis=-1)
    return keras.Model(inputs, [background, shown], name=name)


def joiner(
    background_shape: tuple[int, int, int],
    object_shape: tuple[int, int, int],
    out_channels: int,
    *,
    norm: str = "batch",
    name: str = "joiner",
) -> keras.Model:
    """Draws the image that a background and an object make.

    Args:
        background_shape, object_shape: Codes without the batch, of equal sides.
        out_channels: Channels of the image.
        norm: As for `splitter`.
        name: Name of the model.

    Returns:
        Model from `[background, object]` to images in [-1, 1] of eight times the sides.
        6.305 M parameters for codes of 384 and 128 channels.

    Source: as `splitter`.
    """
    codes = [
        keras.Input(background_shape, name="background"),
        keras.Input(object_shape, name="object"),
    ]
    features = keras.layers.Concatenate()(codes)
    channels = features.shape[-1]
    for filters in (channels, channels // 2):
        features = blocks.upsample(
            features, filters, 4, bias=blocks.has_bias(norm), how="transposed"
        )
        features = blocks.relu(blocks.normalise(features, norm))
    features = blocks.upsample(features, out_channels, 4, bias=True, how="transposed")
    return keras.Model(codes, blocks.to_images(features), name=name)


def object_discriminator(
    image_shape: tuple[int, int, int],
    *,
    base_filters: int = 128,
    norm: str = "batch",
    name: str = "discriminator",
) -> keras.Model:
    """GeneGAN's discriminator: four halvings and one linear score.

    Args:
        image_shape: Judged image `(height, width, channels)`, sides divisible by 16.
        base_filters: Channels of the first layer; they double up to `4 * base_filters`.
        norm: "batch" (published), or, under a gradient penalty, "instance_affine" or "none".
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to scores `(batch, 1)`, without bound. 6.833 M
        parameters at 64 pixels.

    Raises:
        ValueError: As `splitter`.

    Source: as `splitter`.
    """
    blocks.check_sides(image_shape, 2 * _DIVISOR, "GeneGAN's discriminator")
    _check_last_map(image_shape, 2 * _DIVISOR, norm)
    inputs = keras.Input(image_shape, name="image")
    features = _halve(to_unit(inputs), base_filters, "none", bias=False)
    for filters in (2 * base_filters, 4 * base_filters, 4 * base_filters):
        features = _halve(features, filters, norm)
    flat = keras.layers.Flatten()(features)
    scores = keras.layers.Dense(1, kernel_initializer=blocks.initial_weights())(flat)
    return keras.Model(inputs, scores, name=name)


def _halve(features, filters: int, norm: str, *, bias: bool | None = None):
    bias = blocks.has_bias(norm) if bias is None else bias
    features = blocks.convolve(features, filters, 4, stride=2, bias=bias)
    return blocks.leaky(blocks.normalise(features, norm))


def _check_last_map(image_shape, divisor: int, norm: str) -> None:
    if norm.startswith("instance") and tuple(image_shape[:2]) == (divisor, divisor):
        raise ValueError(
            f"`image_shape` must have sides above {divisor} under an instance norm, got "
            f"{tuple(image_shape)}: a map of 1x1 becomes a constant"
        )
