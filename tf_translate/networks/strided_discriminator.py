"""Discriminators of strided convolutions that end in one score or a few."""

import keras

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.networks import blocks
from tf_translate.networks.initialization.weights import Initialization, TorchInitialization


def strided_discriminator(
    image_shape: tuple[int, int, int],
    *,
    num_downsamples: int = 5,
    base_filters: int = 64,
    norm: str = "instance_affine",
    head: str = "patch",
    name: str = "discriminator",
) -> keras.Model:
    """DualGAN's discriminator: strided convolutions and unbounded scores.

    The first kernel is 5x5, the others are 3x3.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by `2 ** num_downsamples`.
        num_downsamples: Number of strided convolutions.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.
        norm: See `blocks.normalise`.
        head: "patch", one more strided convolution to a map of scores, or "global", one score.
        name: Name of the model.

    Returns:
        Model from images to `(batch, h, w, 1)` scores ("patch") or `(batch, 1)` ("global").
        3.92 M and 3.95 M parameters at 256 pixels.

    Raises:
        ValueError: If a side is not divisible, the last map is 1x1 with a norm, or `head` is
            unknown.

    Source: Yi et al. 2017, https://arxiv.org/abs/1704.02510, section 3.3, and its code.
    """
    blocks.check_sides(
        image_shape, 2**num_downsamples, f"a discriminator of {num_downsamples} downsamples"
    )
    if norm != "none" and min(image_shape[:2]) == 2**num_downsamples:
        raise ValueError(
            f"a discriminator of {num_downsamples} downsamples needs sides above "
            f"{2**num_downsamples}, got {image_shape}: a norm on a 1x1 map makes it constant; use "
            "fewer `num_downsamples`"
        )
    if head not in ("patch", "global"):
        raise ValueError(f"`head` must be 'patch' or 'global', got {head!r}")
    inputs = keras.Input(image_shape, name="image")
    features = blocks.leaky(
        blocks.convolve(inputs, base_filters, 5, stride=2, bias=True, start=truncated_normal())
    )
    for depth in range(1, num_downsamples):
        filters = base_filters * min(2**depth, 8)
        features = blocks.convolve(
            features, filters, 3, stride=2, bias=True, start=truncated_normal()
        )
        features = blocks.leaky(blocks.normalise(features, norm, epsilon=1e-6))
    if head == "patch":
        scores = blocks.convolve(features, 1, 3, stride=2, bias=True, start=truncated_normal())
    else:
        scores = keras.layers.Dense(1, kernel_initializer=truncated_normal())(
            keras.layers.Flatten()(features)
        )
    return keras.Model(inputs, scores, name=name)


def truncated_normal() -> keras.initializers.Initializer:
    """N(0, 0.02) truncated at two standard deviations, as in DualGAN's code."""
    return keras.initializers.TruncatedNormal(0.0, 0.02)


def feature_discriminator(
    image_shape: tuple[int, int, int],
    *,
    base_filters: int = 64,
    initialization: Initialization = "torch",
    name: str = "discriminator",
) -> keras.Model:
    """DiscoGAN's discriminator: one score for the whole image, and its features.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of at least 16 pixels.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.
        initialization: See `TorchInitialization`.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to `[scores, *features]`: logits `(batch, 1, 1, 1)` and the
        activations of every layer but the first. 2.766 M parameters at 64 pixels.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Kim et al. 2017, https://arxiv.org/abs/1703.05192, section 3, and its code.
    Departs: larger and smaller images add and drop levels (the code has 64 pixels only).
    """
    num_downsamples = downsamples_to_4x4(image_shape)
    if num_downsamples < 2:
        raise ValueError(
            f"DiscoGAN's discriminator needs sides of at least 16, got {tuple(image_shape)}: the "
            "features of its first layer are not matched"
        )
    initial = TorchInitialization(initialization)
    inputs = keras.Input(image_shape, name="image")
    features, taps = to_unit_range(inputs), []
    for depth in range(num_downsamples):
        channels = features.shape[-1]
        features = blocks.convolve(
            features, base_filters * min(2**depth, 8), 4, stride=2, bias=False,
            start=blocks.torch_weights(4, channels),
        )  # fmt: skip
        if depth:
            features = BatchNormalization(**initial.batch_norm())(features)
        features = blocks.leaky(features)
        if depth:
            taps.append(features)
    start = blocks.torch_weights(4, features.shape[-1])
    scores = blocks.convolve(features, 1, 4, bias=False, pad="valid", start=start)
    return keras.Model(inputs, [scores, *taps], name=name)


def to_unit_range(images: keras.KerasTensor) -> keras.KerasTensor:
    """Images in [-1, 1] to [0, 1], for networks that were published for that range."""
    return keras.layers.Rescaling(0.5, offset=0.5, name="to_unit")(images)


def downsamples_to_4x4(image_shape: tuple[int, int, int]) -> int:
    """Number of times that the sides of a square image are halved to reach 4x4 pixels.

    Raises:
        ValueError: If the image is not square or its side not a power of two of 8 or more.
    """
    height, width = image_shape[:2]
    num_downsamples = int(height).bit_length() - 3
    if height != width or height != 4 * 2**num_downsamples or num_downsamples < 1:
        raise ValueError(
            "`image_shape` must be square with a side of 8, 16, 32, 64 or another power of two, "
            f"got {tuple(image_shape)}"
        )
    return num_downsamples
