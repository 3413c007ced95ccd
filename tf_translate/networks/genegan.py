"""The networks of GeneGAN: a splitter into background and object, a joiner, and a discriminator."""

import keras

from tf_translate.networks import blocks
from tf_translate.networks.initialization.batch_norm import BatchNorm
from tf_translate.networks.strided_discriminator import to_unit_range

_DIVISOR = 8  # of the sides of an image, for the sides of its codes
_BATCH_NORM = BatchNorm(epsilon=1e-3, momentum=0.99)  # the code: the defaults of tf.layers


def splitter(
    image_shape: tuple[int, int, int],
    *,
    base_filters: int = 128,
    norm: str = "batch",
    batch_norm: BatchNorm = _BATCH_NORM,
    name: str = "splitter",
) -> keras.Model:
    """Splits an image into the codes of its background and of its object.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by 8.
        base_filters: Channels of the first layer; they double with every level.
        norm: "batch" (published), "instance_affine" or "none".
        batch_norm: Constants of the norm "batch".
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to `[background, object]`, with an eighth of the sides, and
        `3 * base_filters` and `base_filters` channels. 2.629 M parameters.

    Raises:
        ValueError: If a side is not divisible, `norm` is unknown, or an instance norm would make
            codes of 1x1 pixel constant.

    Source: Zhou et al. 2017, https://arxiv.org/abs/1705.04932, and github.com/Prinsphield/GeneGAN.
    """
    blocks.check_sides(image_shape, _DIVISOR, "GeneGAN")
    _check_last_map(image_shape, _DIVISOR, norm)
    inputs = keras.Input(image_shape, name="image")
    features = _downsample(to_unit_range(inputs), base_filters, "none", batch_norm, bias=False)
    for depth in (1, 2):
        features = _downsample(features, base_filters * 2**depth, norm, batch_norm)
    background, obj = keras.ops.split(features, [3 * base_filters], axis=-1)
    return keras.Model(inputs, [background, obj], name=name)


def joiner(
    background_shape: tuple[int, int, int],
    object_shape: tuple[int, int, int],
    out_channels: int,
    *,
    norm: str = "batch",
    batch_norm: BatchNorm = _BATCH_NORM,
    name: str = "joiner",
) -> keras.Model:
    """Generates an image from the codes of a background and an object.

    Args:
        background_shape, object_shape: Shapes of the codes without the batch, with equal sides.
        out_channels: Channels of the image.
        norm, batch_norm: As for `splitter`.
        name: Name of the model.

    Returns:
        Model from `[background, object]` to images in [-1, 1] with eight times the sides.
        6.305 M parameters for codes of 384 and 128 channels.

    Source: as `splitter`.
    Departs: the last layer has a bias.
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
        features = blocks.relu(_normalise(features, norm, batch_norm))
    features = blocks.upsample(features, out_channels, 4, bias=True, how="transposed")
    return keras.Model(codes, blocks.to_images(features), name=name)


def object_discriminator(
    image_shape: tuple[int, int, int],
    *,
    base_filters: int = 128,
    norm: str = "batch",
    batch_norm: BatchNorm = _BATCH_NORM,
    name: str = "discriminator",
) -> keras.Model:
    """GeneGAN's discriminator: four strided convolutions and one linear score.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by 16.
        base_filters: Channels of the first layer; they double up to `4 * base_filters`.
        norm: "batch" (published); with a gradient penalty, "instance_affine" or "none".
        batch_norm: As for `splitter`. With weights clipped to 0.01, features before a norm have
            variances of 1e-5 and less, so `epsilon` sets the gain. With 1e-5 in place of 1e-3 the
            gradient of a score is 350 to 780 times as large (untrained, at 64 pixels).
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to unbounded scores `(batch, 1)`. 6.833 M
        parameters at 64 pixels.

    Raises:
        ValueError: As `splitter`.

    Source: as `splitter`.
    """
    blocks.check_sides(image_shape, 2 * _DIVISOR, "GeneGAN's discriminator")
    _check_last_map(image_shape, 2 * _DIVISOR, norm)
    inputs = keras.Input(image_shape, name="image")
    features = _downsample(to_unit_range(inputs), base_filters, "none", batch_norm, bias=False)
    for filters in (2 * base_filters, 4 * base_filters, 4 * base_filters):
        features = _downsample(features, filters, norm, batch_norm)
    flat = keras.layers.Flatten()(features)
    scores = keras.layers.Dense(1, kernel_initializer=blocks.initial_weights())(flat)
    return keras.Model(inputs, scores, name=name)


def _downsample(
    features, filters: int, norm: str, batch_norm: BatchNorm, *, bias: bool | None = None
):
    bias = blocks.has_bias(norm) if bias is None else bias
    features = blocks.convolve(features, filters, 4, stride=2, bias=bias)
    return blocks.leaky(_normalise(features, norm, batch_norm))


def _normalise(features, norm: str, batch_norm: BatchNorm):
    return batch_norm(features) if norm == "batch" else blocks.normalise(features, norm)


def _check_last_map(image_shape, divisor: int, norm: str) -> None:
    if norm.startswith("instance") and tuple(image_shape[:2]) == (divisor, divisor):
        raise ValueError(
            f"`image_shape` must have sides above {divisor} with an instance norm, got "
            f"{tuple(image_shape)}: the norm would make a map of 1x1 constant"
        )
