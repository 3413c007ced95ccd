"""Small generators for phones: separable convolutions, and cheap ends at full resolution."""

import functools

import keras

from tf_translate.layers.nearest_upsampling import NearestUpsampling2D
from tf_translate.layers.pixel_shuffle import DepthToSpace, SpaceToDepth
from tf_translate.networks import blocks

STEMS = ("strided", "space_to_depth")
HEADS = ("depth_to_space", "resize")
_DEPTHWISE_DEVIATION = (2 / 9) ** 0.5  # He et al. 2015: each value has nine inputs
_MAX_MULTIPLE = 8  # channels of a U-Net's level are at most this multiple of the first, as pix2pix


def mobile_resnet(
    image_shape: tuple[int | None, int | None, int],
    out_channels: int,
    *,
    base_filters: int = 16,
    residual_blocks: int = 6,
    stem: str = "strided",
    head: str = "depth_to_space",
    norm: str = "batch",
    input_skip: bool = False,
    inference_statistics: str = "moving",
    name: str = "mobile_resnet",
) -> keras.Model:
    """The residual generator with separable convolutions, whose widest layers are at a quarter.

    The stem halves the image at once, so no convolution but the last one runs at full resolution.

    Taps (`taps.with_taps`): `encoder_0` at half the size, `encoder_1` at a quarter, `residual_0`
    and on, `decoder_0` at half the size.

    Args:
        image_shape: `(height, width, channels)`; sides divisible by 4, or None for any.
        out_channels: Channels of the output image.
        base_filters: As in `resnet_generator`: there are twice as many channels at half the size,
            and four times as many at a quarter.
        residual_blocks: Number of residual blocks.
        stem: "strided" (3x3 convolution of stride 2) or "space_to_depth" (then a 3x3 convolution).
        head: "depth_to_space" (3x3 convolution at half the size, then its channels become pixels)
            or "resize" (nearest, then a 3x3 convolution at full size).
        norm: "batch" (folds into the convolutions), "instance", "instance_affine" or "none".
        input_skip: Whether the network generates a residual that is added to the input image,
            see `resnet_generator`.
        inference_statistics: With batch norm, "moving" or "image", see `BatchNormalization`.
        name: Name of the model.

    Returns:
        Model from `(batch, height, width, channels)` in [-1, 1] to
        `(batch, height, width, out_channels)` in [-1, 1].

    Raises:
        ValueError: If a side is not divisible by 4, a number is below 1, a name is unknown, or
            channels differ with `input_skip`.

    Source: separable residual blocks: Li et al. 2020, https://arxiv.org/abs/2003.08936.
    Departs: stem, head and batch norm are ours; theirs are 7x7 layers and instance norm.

    Example:
        ```python
        student = mobile_resnet((256, 256, 3), 3, base_filters=16, residual_blocks=6)
        ```
    """
    _check(image_shape, out_channels, 4, "a mobile ResNet", base_filters, head, input_skip)
    if residual_blocks < 1:
        raise ValueError(f"`residual_blocks` must be at least 1, got {residual_blocks}")
    separable = _separable_with(norm, inference_statistics)
    inputs = keras.Input(image_shape, name="image")
    features = _stem(inputs, 2 * base_filters, stem, norm, inference_statistics)
    features = blocks.relu(separable(features, 4 * base_filters, stride=2), name="encoder_1")
    for index in range(residual_blocks):
        inner = blocks.relu(separable(features, 4 * base_filters))
        inner = separable(inner, 4 * base_filters)
        features = keras.layers.Add(name=f"residual_{index}")([features, inner])
    features = NearestUpsampling2D()(features)
    features = blocks.relu(separable(features, 2 * base_filters), name="decoder_0")
    return keras.Model(inputs, _head(inputs, features, out_channels, head, input_skip), name=name)


def mobile_unet(
    image_shape: tuple[int | None, int | None, int],
    out_channels: int,
    *,
    base_filters: int = 16,
    num_downsamples: int = 5,
    stem: str = "strided",
    head: str = "depth_to_space",
    norm: str = "batch",
    input_skip: bool = False,
    inference_statistics: str = "moving",
    name: str = "mobile_unet",
) -> keras.Model:
    """The U-Net with separable convolutions and without a level at full resolution.

    Channels double from `base_filters` up to `8 * base_filters`. Taps (`taps.with_taps`):
    `encoder_0` at half the size to the bottleneck `encoder_{num_downsamples - 1}`, then
    `decoder_0` and on, which include the skip connection.

    Args:
        image_shape: `(height, width, channels)`; sides divisible by `2 ** num_downsamples`, or
            None for any.
        out_channels: Channels of the output image.
        base_filters: Channels of the first level.
        num_downsamples: Number of levels, at least 2.
        stem, head, norm, input_skip, inference_statistics, name: See `mobile_resnet`.

    Returns:
        Model from `(batch, height, width, channels)` in [-1, 1] to
        `(batch, height, width, out_channels)` in [-1, 1].

    Raises:
        ValueError: If a side is not divisible, a number is too small, a name is unknown, or
            channels differ with `input_skip`.

    Source: Isola et al. 2017, https://arxiv.org/abs/1611.07004, for the form of the network.
    Departs: separable convolutions, ReLU in the encoder too, no dropout, stem and head are ours.

    Example:
        ```python
        student = mobile_unet((256, 256, 3), 3, base_filters=16, num_downsamples=5)
        ```
    """
    if num_downsamples < 2:
        raise ValueError(f"`num_downsamples` must be at least 2, got {num_downsamples}")
    divisor = 2**num_downsamples
    _check(image_shape, out_channels, divisor, "a mobile U-Net", base_filters, head, input_skip)
    separable = _separable_with(norm, inference_statistics)
    inputs = keras.Input(image_shape, name="image")
    widths = [base_filters * min(2**depth, _MAX_MULTIPLE) for depth in range(num_downsamples)]
    features = _stem(inputs, widths[0], stem, norm, inference_statistics)
    levels = [features]
    for depth in range(1, num_downsamples):
        features = separable(features, widths[depth], stride=2)
        features = blocks.relu(features, name=f"encoder_{depth}")
        levels.append(features)
    levels.pop()  # the bottleneck has no skip connection
    for index, width in enumerate(reversed(widths[:-1])):
        features = blocks.relu(separable(NearestUpsampling2D()(features), width))
        skip = levels.pop()
        features = keras.layers.Concatenate(name=f"decoder_{index}")([features, skip])
    return keras.Model(inputs, _head(inputs, features, out_channels, head, input_skip), name=name)


def _check(image_shape, out_channels, divisor, network, base_filters, head, input_skip) -> None:
    if base_filters < 1:
        raise ValueError(f"`base_filters` must be at least 1, got {base_filters}")
    if head not in HEADS:
        raise ValueError(f"`head` must be one of {HEADS}, got {head!r}")
    if input_skip:
        blocks.check_input_skip(image_shape, out_channels)
    blocks.check_sides(image_shape, divisor, network)


def _separable_with(norm: str, statistics: str):
    """A depthwise 3x3 convolution and a 1x1 convolution, each with its norm."""
    normalise = functools.partial(blocks.normalise, norm=norm, statistics=statistics)

    def separable(features, filters, *, stride=1):
        features = keras.layers.DepthwiseConv2D(
            3,
            strides=stride,
            padding="same",
            use_bias=blocks.has_bias(norm),
            depthwise_initializer=keras.initializers.RandomNormal(0.0, _DEPTHWISE_DEVIATION),
        )(features)
        features = normalise(features)
        return normalise(_convolve(features, filters, 1, norm))

    return separable


def _convolve(features, filters: int, kernel: int, norm: str, *, stride: int = 1):
    """A convolution before a norm; without norms, weights keep the scale of the features."""
    start = "he_normal" if norm == "none" else None
    bias = blocks.has_bias(norm)
    return blocks.convolve(features, filters, kernel, stride=stride, bias=bias, start=start)


def _stem(images, filters: int, stem: str, norm: str, statistics: str):
    """From the image to `encoder_0`, at half its size."""
    if stem not in STEMS:
        raise ValueError(f"`stem` must be one of {STEMS}, got {stem!r}")
    folded = SpaceToDepth()(images) if stem == "space_to_depth" else images
    stride = 1 if stem == "space_to_depth" else 2
    features = _convolve(folded, filters, 3, norm, stride=stride)
    features = blocks.normalise(features, norm, statistics=statistics)
    return blocks.relu(features, name="encoder_0")


def _head(images, features, out_channels: int, head: str, input_skip: bool):
    """From features at half the size to the image."""
    block = 2 if head == "depth_to_space" else 1
    if block == 1:
        features = NearestUpsampling2D()(features)
    if input_skip:
        return blocks.change_images(images, features, 3, block=block)
    features = blocks.convolve(features, out_channels * block**2, 3, bias=True)
    return blocks.to_images(DepthToSpace()(features) if block == 2 else features)
