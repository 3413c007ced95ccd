"""U-Net: an encoder-decoder whose levels are joined by skips."""

import keras

from tf_translate.layers.dropout import Dropout
from tf_translate.networks import blocks

_DROPOUT_LEVELS = 3  # the three innermost decoder levels (pix2pix, appendix 6.1.1)


def unet_generator(
    image_shape: tuple[int, int, int],
    out_channels: int,
    *,
    levels: int = 8,
    base: int = 64,
    norm: str = "batch",
    dropout: float = 0.5,
    upsampling: str = "transposed",
    input_skip: bool = False,
    inference_dropout: str = "off",
    inference_statistics: str = "moving",
    name: str = "unet_generator",
) -> keras.Model:
    """The U-Net of pix2pix, of any depth.

    Every level halves the image with a 4x4 convolution of stride 2; channels double from
    `base` up to `8 * base`. The innermost map has no norm: on a 1x1 map with batch 1 it
    would make the bottleneck a constant. A skip carries a level's output before its
    activation; the ReLU after the concatenation acts on both halves.

    Args:
        image_shape: Input `(height, width, channels)`; sides divisible by `2 ** levels`.
        out_channels: Channels of the output image.
        levels: Halvings; 8 for 256 pixels (the paper), 7 for 128.
        base: Channels of the first level.
        norm: "batch" (the paper), "instance", "instance_affine" or "none".
        dropout: Rate on the three innermost decoder levels; a net of 5, 4, 3 or fewer levels
            has it on 2, 1, none of them.
        upsampling: "transposed" (the paper) or "resize" (no checkerboard).
        input_skip: Whether the network draws a change that is added to the input image, so
            that it starts from the identity; needs as many channels out as in.
        inference_dropout: "off" or "fixed", see `Dropout`.
        inference_statistics: "moving" or "image", see `BatchNormalization`.
        name: Name of the model.

    Returns:
        Model from `(batch, height, width, channels)` in [-1, 1] to
        `(batch, height, width, out_channels)` in [-1, 1]. 54,413,955 trainable parameters
        at 256 pixels, 3 to 3 channels, the paper's settings.

    Raises:
        ValueError: If a side does not divide, `levels` is below 2, or channels differ though
            `input_skip` is on.

    Source: Isola et al. 2017, https://arxiv.org/abs/1611.07004, appendix 6.1.1; no norm on
    the bottleneck after the released code (the paper's erratum).
    Departs: "resize" and `input_skip` are ours.
    """
    if input_skip:
        blocks.check_input_skip(image_shape, out_channels)
    if levels < 2:
        raise ValueError(f"`levels` must be at least 2, got {levels}")
    blocks.check_sides(image_shape, 2**levels, f"a U-Net of {levels} levels")
    inputs = keras.Input(image_shape, name="image")
    skips = _encode(inputs, levels, base, norm, inference_statistics)
    features = skips.pop()
    for depth in range(levels - 1, 0, -1):
        channels = base * min(2 ** (depth - 1), 8)
        features = blocks.relu(features)
        features = blocks.upsample(
            features, channels, 4, bias=blocks.has_bias(norm), how=upsampling
        )
        features = blocks.normalise(features, norm, statistics=inference_statistics)
        innermost = levels - 1 - depth
        # Shallow nets keep dropout off the outermost levels, which draw the details.
        if dropout and innermost < min(_DROPOUT_LEVELS, levels - 3):
            features = Dropout(dropout, seed=depth, inference=inference_dropout)(features)
        features = keras.layers.Concatenate()([features, skips.pop()])
    features = blocks.relu(features)
    if not input_skip:
        features = blocks.upsample(features, out_channels, 4, bias=True, how=upsampling)
        return keras.Model(inputs, blocks.to_images(features), name=name)
    features = blocks.upsample(features, base // 2, 4, bias=True, how=upsampling)
    features = keras.layers.Concatenate()([blocks.leaky(features), inputs])
    return keras.Model(inputs, blocks.change_images(inputs, features, 3), name=name)


def _encode(inputs, levels, base, norm, statistics):
    """Outputs of every level before activation, outermost first."""
    outputs = []
    features = inputs
    for depth in range(levels):
        outermost, innermost = depth == 0, depth == levels - 1
        level_norm = "none" if outermost or innermost else norm
        if not outermost:
            features = blocks.leaky(features)
        # The released code zeroes all biases; a norm's offset does their work.
        features = blocks.convolve(
            features, base * min(2**depth, 8), 4, stride=2, bias=blocks.has_bias(norm)
        )
        features = blocks.normalise(features, level_norm, statistics=statistics)
        outputs.append(features)
    return outputs
