"""The residual generator of CycleGAN."""

import functools

import keras

from tf_translate.layers.reflection_padding import ReflectionPadding2D
from tf_translate.networks import blocks


def resnet_generator(
    image_shape: tuple[int | None, int | None, int],
    out_channels: int,
    *,
    residual_blocks: int = 9,
    base_filters: int = 64,
    norm: str = "instance",
    upsampling: str = "transposed",
    input_skip: bool = False,
    inference_statistics: str = "moving",
    name: str = "resnet_generator",
) -> keras.Model:
    """Two downsampling blocks, residual blocks at a quarter of the size, two upsampling blocks.

    Taps (`taps.with_taps`), each a block's output: `encoder_0` after the first convolution,
    `encoder_1` and `encoder_2` after the downsampling blocks, `residual_0` and on, `decoder_0` and
    `decoder_1` after the upsampling blocks.

    Args:
        image_shape: `(height, width, channels)`; sides divisible by 4, or None for any.
        out_channels: Channels of the output image.
        residual_blocks: 9 for 256 pixels and more, 6 for 128 (the paper).
        base_filters: Channels of the first layer.
        norm: "instance" (the published code), "instance_affine", "batch" or "none".
        upsampling: "transposed" (the paper) or "resize" (no checkerboard).
        input_skip: Whether the network generates a residual that is added to the input image. The
            sum is clipped to [-1, 1]. Untrained, the network is the identity; it needs as many
            output channels as input channels.
        inference_statistics: With batch norm, "moving" or "image", see `BatchNormalization`.
        name: Name of the model.

    Returns:
        Model from `(batch, height, width, channels)` in [-1, 1] to
        `(batch, height, width, out_channels)` in [-1, 1]. 11.378 M parameters with 9 blocks,
        7.838 M with 6, from and to 3 channels.

    Raises:
        ValueError: If a side is not divisible by 4, `residual_blocks` is below 1, or channels
            differ with `input_skip`.

    Source: Zhu et al. 2017, https://arxiv.org/abs/1703.10593, appendix (network
    architectures), after Johnson et al. 2016, https://arxiv.org/abs/1603.08155.
    Departs: "resize" and `input_skip` are ours.
    """
    if residual_blocks < 1:
        raise ValueError(f"`residual_blocks` must be at least 1, got {residual_blocks}")
    blocks.check_sides(image_shape, 4, "a ResNet generator")
    if input_skip:
        blocks.check_input_skip(image_shape, out_channels)
    bias = blocks.has_bias(norm)
    normalise = functools.partial(blocks.normalise, norm=norm, statistics=inference_statistics)
    inputs = keras.Input(image_shape, name="image")
    features = ReflectionPadding2D(3)(inputs)
    features = blocks.convolve(features, base_filters, 7, bias=bias, pad="valid")
    features = blocks.relu(normalise(features), name="encoder_0")
    for level in (1, 2):
        features = _downsample(features, base_filters * 2**level, bias)
        features = blocks.relu(normalise(features), name=f"encoder_{level}")
    for index in range(residual_blocks):
        features = _residual(features, 4 * base_filters, normalise, bias, name=f"residual_{index}")
    for index, multiple in enumerate((2, 1)):
        features = blocks.upsample(features, base_filters * multiple, 3, bias=bias, how=upsampling)
        features = blocks.relu(normalise(features), name=f"decoder_{index}")
    features = ReflectionPadding2D(3)(features)
    if input_skip:
        return keras.Model(
            inputs, blocks.change_images(inputs, features, 7, pad="valid"), name=name
        )
    features = blocks.convolve(features, out_channels, 7, bias=True, pad="valid")
    return keras.Model(inputs, blocks.to_images(features), name=name)


def _downsample(features, filters, bias):
    # Padding 1 on every side, as in PyTorch; "same" would pad 0 before and 1 after.
    padded = keras.layers.ZeroPadding2D(1)(features)
    return blocks.convolve(padded, filters, 3, stride=2, bias=bias, pad="valid")


def _residual(features, filters, normalise, bias, *, name: str):
    inner = ReflectionPadding2D(1)(features)
    inner = blocks.convolve(inner, filters, 3, bias=bias, pad="valid")
    inner = blocks.relu(normalise(inner))
    inner = ReflectionPadding2D(1)(inner)
    inner = blocks.convolve(inner, filters, 3, bias=bias, pad="valid")
    # No activation after the sum, as in the published code; the paper's figure does not say.
    return keras.layers.Add(name=name)([features, normalise(inner)])
