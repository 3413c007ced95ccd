"""PatchGAN: a discriminator of overlapping patches."""

import keras

from tf_translate.networks import blocks


def patchgan_discriminator(
    image_shape: tuple[int | None, int | None, int],
    *,
    condition_channels: int = 0,
    layers: int = 3,
    base_filters: int = 64,
    norm: str = "instance",
    name: str = "patchgan_discriminator",
) -> keras.Model:
    """A convolutional discriminator with one score for each patch of its input.

    Receptive field by `layers`: 0 -> 1 pixel (three 1x1 convolutions, "PixelGAN"),
    1 -> 16, 2 -> 34, 3 -> 70, 4 -> 142, 5 -> 286, 6 -> 574. Channels double with every layer up
    to `8 * base_filters`.

    Args:
        image_shape: `(height, width, channels)`; sides may be None.
        condition_channels: Channels of a second input, the source image, which is concatenated
            before the image; 0 for an unconditional discriminator.
        layers: Convolutions of stride 2.
        base_filters: Channels of the first layer.
        norm: "instance" (CycleGAN), "batch" (pix2pix), "instance_affine" or "none".
        name: Name of the model.

    Returns:
        Model from images (or `[condition, images]`) to unbounded scores
        `(batch, h, w, 1)`; 30x30 scores for 256 pixels with 3 layers. 2.765 M parameters
        for 3 channels with "instance", 2.769 M for 3 + 3 with "batch".

    Raises:
        ValueError: If `layers` is negative or the image is too small for them.

    Source: Isola et al. 2017, https://arxiv.org/abs/1611.07004, appendix 6.1.2; CycleGAN,
    https://arxiv.org/abs/1703.10593, section 4.
    Departs: padding 1 as in the PyTorch code (the Lua CycleGAN pads 2: 35x35).
    """
    if layers < 0:
        raise ValueError(f"`layers` must be 0 or more, got {layers}")
    blocks.check_sides(image_shape, 1, "a discriminator")
    _check_size(image_shape, layers)
    inputs = images = keras.Input(image_shape, name="image")
    if condition_channels:
        condition = keras.Input((*image_shape[:2], condition_channels), name="condition")
        inputs = [condition, images]
        images = keras.layers.Concatenate()(inputs)
    score = _score_pixels if layers == 0 else _score_patches
    return keras.Model(inputs, score(images, layers, base_filters, norm), name=name)


def _score_patches(images, layers, base_filters, norm):
    features = blocks.leaky(_pad_convolve(images, base_filters, stride=2, bias=True))
    for depth in range(1, layers + 1):
        stride = 2 if depth < layers else 1
        filters = base_filters * min(2**depth, 8)
        features = _pad_convolve(features, filters, stride=stride, bias=blocks.has_bias(norm))
        features = blocks.leaky(blocks.normalise(features, norm))
    return _pad_convolve(features, 1, stride=1, bias=True)


def _score_pixels(images, _layers, base_filters, norm):
    features = blocks.leaky(blocks.convolve(images, base_filters, 1, bias=True))
    features = blocks.convolve(features, 2 * base_filters, 1, bias=blocks.has_bias(norm))
    features = blocks.leaky(blocks.normalise(features, norm))
    return blocks.convolve(features, 1, 1, bias=True)


def _pad_convolve(features, filters, *, stride, bias):
    # "same" would add 1 before and 2 after where the stride is 1.
    padded = keras.layers.ZeroPadding2D(1)(features)
    return blocks.convolve(padded, filters, 4, stride=stride, bias=bias, pad="valid")


def _check_size(image_shape, layers):
    for side in image_shape[:2]:
        if side is None:
            continue
        remaining = side // 2**layers
        if layers and remaining < 3:  # two more 4x4 convolutions of stride 1 take 2 pixels
            raise ValueError(
                f"a discriminator of {layers} layers needs sides of at least {3 * 2**layers}, "
                f"got {image_shape}; use fewer `layers`"
            )
