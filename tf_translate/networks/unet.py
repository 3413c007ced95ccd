"""U-Net: an encoder-decoder with skip connections between levels of equal size."""

import functools

import keras

from tf_translate.layers.dropout import Dropout
from tf_translate.networks import blocks

_DROPOUT_LEVELS = 3  # the innermost decoder levels (pix2pix, appendix 6.1.1)


def unet_generator(
    image_shape: tuple[int, int, int],
    out_channels: int,
    *,
    num_downsamples: int = 8,
    base_filters: int = 64,
    kernel: int = 4,
    outer_kernel: int = 4,
    norm: str = "batch",
    norm_epsilon: float = 1e-5,
    bias: bool | None = None,
    start: keras.initializers.Initializer | None = None,
    dropout: float = 0.5,
    upsampling: str = "transposed",
    input_skip: bool = False,
    inference_dropout: str = "off",
    inference_statistics: str = "moving",
    name: str = "unet_generator",
) -> keras.Model:
    """The U-Net of pix2pix, of any depth.

    Every level halves the image with a 4x4 convolution of stride 2. Channels double from
    `base_filters` up to `8 * base_filters`. The innermost map has no norm: on a 1x1 map with batch
    1, a norm would make the bottleneck a constant. A skip connection carries a level's output
    before its activation; the ReLU after the concatenation acts on both halves.

    Taps (`taps.with_taps`), each the activation after a block: `encoder_0` (outermost) to the
    bottleneck, whose index is `num_downsamples - 1`, then `decoder_0` (innermost) and on, which
    include the skip connection.

    Args:
        image_shape: Input `(height, width, channels)`; sides divisible by `2 ** num_downsamples`.
        out_channels: Channels of the output image.
        num_downsamples: Number of levels; 8 for 256 pixels (the paper), 7 for 128.
        base_filters: Channels of the first level.
        kernel: Side of the kernels; 4 in pix2pix, 3 in DualGAN.
        outer_kernel: Side of the first and the last kernel; 4 in pix2pix, 5 in DualGAN.
        norm: "batch" (the paper), "instance", "instance_affine" or "none".
        norm_epsilon: Of an instance norm.
        bias: Whether convolutions before a norm have a bias; None: if the norm has no offset.
        start: Initializer of the encoder in place of N(0, 0.02).
        dropout: Rate on the three innermost decoder levels. Networks of 5, 4, and 3 or fewer
            levels have it on 2, 1 and none of them.
        upsampling: "transposed" (the paper) or "resize" (no checkerboard).
        input_skip: Whether the network generates a residual that is added to the input image. The
            sum is clipped to [-1, 1]. Untrained, the network is the identity; it needs as many
            output channels as input channels.
        inference_dropout: "off" or "fixed", see `Dropout`.
        inference_statistics: "moving" or "image", see `BatchNormalization`.
        name: Name of the model.

    Returns:
        Model from `(batch, height, width, channels)` in [-1, 1] to
        `(batch, height, width, out_channels)` in [-1, 1]. 54,413,955 trainable parameters
        at 256 pixels, 3 to 3 channels, the paper's settings.

    Raises:
        ValueError: If a side is not divisible, `num_downsamples` is below 2, or channels differ
            with `input_skip`.

    Source: Isola et al. 2017, https://arxiv.org/abs/1611.07004, appendix 6.1.1; no norm on
    the bottleneck after the released code (the paper's erratum).
    Departs: "resize" and `input_skip` are ours, and so is less dropout with fewer than 6 levels.
    """
    if input_skip:
        blocks.check_input_skip(image_shape, out_channels)
    if num_downsamples < 2:
        raise ValueError(f"`num_downsamples` must be at least 2, got {num_downsamples}")
    blocks.check_sides(image_shape, 2**num_downsamples, f"a U-Net of {num_downsamples} levels")
    inputs = keras.Input(image_shape, name="image")
    normalise = functools.partial(
        blocks.normalise, norm=norm, statistics=inference_statistics, epsilon=norm_epsilon
    )
    double = functools.partial(blocks.upsample, how=upsampling, odd="same")
    bias = blocks.has_bias(norm) if bias is None else bias
    kernels = [outer_kernel] + [kernel] * (num_downsamples - 1)
    convolve = functools.partial(blocks.convolve, stride=2, bias=bias, start=start)
    skips = _encode(inputs, kernels, base_filters, convolve, normalise)
    features = blocks.relu(skips.pop(), name=f"encoder_{num_downsamples - 1}")
    for depth in range(num_downsamples - 1, 0, -1):
        channels = base_filters * min(2 ** (depth - 1), 8)
        features = normalise(double(features, channels, kernel, bias=bias))
        index = num_downsamples - 1 - depth
        # Shallow networks keep dropout off the outermost levels, which generate the details.
        if dropout and index < min(_DROPOUT_LEVELS, num_downsamples - 3):
            features = Dropout(dropout, seed=depth, inference=inference_dropout)(features)
        features = keras.layers.Concatenate()([features, skips.pop()])
        features = blocks.relu(features, name=f"decoder_{index}")
    if not input_skip:
        features = double(features, out_channels, outer_kernel, bias=True)
        return keras.Model(inputs, blocks.to_images(features), name=name)
    features = double(features, base_filters // 2, outer_kernel, bias=True)
    features = keras.layers.Concatenate()([blocks.leaky(features), inputs])
    return keras.Model(inputs, blocks.change_images(inputs, features, 3), name=name)


def _encode(inputs, kernels, base_filters, convolve, normalise):
    """Outputs of every level before its activation, outermost first."""
    outputs = []
    features = inputs
    for depth, kernel in enumerate(kernels):
        outermost, innermost = depth == 0, depth == len(kernels) - 1
        if not outermost:
            features = blocks.leaky(features, name=f"encoder_{depth - 1}")
        # The released code sets all biases to zero; the offset of a norm replaces them.
        features = convolve(features, base_filters * min(2**depth, 8), kernel)
        if not outermost and not innermost:
            features = normalise(features)
        outputs.append(features)
    return outputs
