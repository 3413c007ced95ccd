"""The networks of DTN: an encoder f, a decoder g from its codes, and a discriminator."""

import keras

from tf_translate.networks import blocks
from tf_translate.networks.initialization.batch_norm import BatchNorm
from tf_translate.networks.strided_discriminator import downsamples_to_4x4

_BATCH_NORM = BatchNorm(epsilon=1e-3, momentum=0.95)  # yunjey's code


def code_encoder(
    image_shape: tuple[int, int, int],
    *,
    base_filters: int = 64,
    code: int = 128,
    batch_norm: BatchNorm = _BATCH_NORM,
    name: str = "feature_extractor",
) -> keras.Model:
    """The encoder f: an image to a code, a short vector.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of at least 8 pixels.
        base_filters: Channels of the first layer; they double with every level.
        code: Size of the code.
        batch_norm: Batch normalization with its constants.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to codes `(batch, 1, 1, code)` in [-1, 1]; 0.896 M
        parameters at 32 pixels and three channels, without the head.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Taigman et al. 2017, https://arxiv.org/abs/1611.02200, section 5.1 (widths);
    strides, kernels, batch norm and the tanh as in github.com/yunjey/domain-transfer-network.
    Departs: the paper's has max pooling and ReLU after each convolution.
    """
    inputs = features = keras.Input(image_shape, name="image")
    for depth in range(downsamples_to_4x4(image_shape)):
        features = _convolve(features, base_filters * 2**depth, 3, stride=2)
        features = blocks.relu(batch_norm(features))
    features = batch_norm(_convolve(features, code, 4, pad="valid"))
    codes = keras.layers.Activation("tanh", dtype="float32", name="code")(features)
    return keras.Model(inputs, codes, name=name)


def class_head(code_shape: tuple[int, ...], classes: int, *, name: str = "head") -> keras.Model:
    """A classifier of codes, which trains the encoder: logits `(batch, classes)`."""
    inputs = keras.Input(code_shape, name="code")
    logits = keras.layers.Dense(classes, dtype="float32")(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, logits, name=name)


def code_decoder(
    code_shape: tuple[int, ...],
    image_shape: tuple[int, int, int],
    *,
    base_filters: int = 128,
    pointwise: bool = False,
    batch_norm: BatchNorm = _BATCH_NORM,
    name: str = "decoder",
) -> keras.Model:
    """The decoder g: a code to an image.

    Args:
        code_shape: Shape of a code without the batch, any rank.
        image_shape: `(height, width, channels)` of the image; square, a power of two.
        base_filters: Channels before the last layer; they double with every level inwards.
        pointwise: Whether a 1x1 convolution follows every transposed one but the last (faces: 9
            layers at 64 pixels).
        batch_norm: As for the encoder.
        name: Name of the model.

    Returns:
        Model from codes to images in [-1, 1]; 2.53 M parameters from codes of 128 to 32
        pixels of one channel, without `pointwise`.

    Source: Taigman et al. 2017, https://arxiv.org/abs/1611.02200, sections 5.1 and 5.2; widths
    as in github.com/yunjey/domain-transfer-network.
    """

    def finish_block(features):
        features = blocks.relu(batch_norm(features))
        if not pointwise:
            return features
        return blocks.relu(batch_norm(_convolve(features, features.shape[-1], 1)))

    num_downsamples = downsamples_to_4x4(image_shape)
    size = 1
    for side in code_shape:
        size *= side
    inputs = keras.Input(code_shape, name="code")
    features = keras.layers.Reshape((1, 1, size))(inputs)
    features = keras.layers.Conv2DTranspose(
        base_filters * 2 ** (num_downsamples - 1),
        4,
        use_bias=False,
        kernel_initializer="glorot_uniform",
    )(features)
    features = finish_block(features)
    for depth in range(num_downsamples - 2, -1, -1):
        features = finish_block(_double(features, base_filters * 2**depth))
    features = _double(features, image_shape[-1], bias=True)
    return keras.Model(inputs, blocks.to_images(features), name=name)


def class_discriminator(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    base_filters: int = 128,
    batch_norm: BatchNorm = _BATCH_NORM,
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator with classes, such as translated source, translated target and real.

    It is that of digits: three strided convolutions at 32 pixels, then the logits.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two.
        classes: Number of logits; 3 in the paper.
        base_filters: Channels of the first layer; they double with every level.
        batch_norm: As for the encoder.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to logits `(batch, 1, 1, classes)`; 1.50 M parameters
        at 32 pixels of one channel with three classes, 1.49 M with one.

    Source: Taigman et al. 2017, https://arxiv.org/abs/1611.02200, section 4; widths as in
    github.com/yunjey/domain-transfer-network.
    """
    inputs = keras.Input(image_shape, name="image")
    # A ReLU comes before the first norm, so the first bias matters.
    features = blocks.relu(_convolve(inputs, base_filters, 3, stride=2, bias=True))
    features = blocks.relu(batch_norm(features))
    for depth in range(1, downsamples_to_4x4(image_shape)):
        features = _convolve(features, base_filters * 2**depth, 3, stride=2)
        features = blocks.relu(batch_norm(features))
    logits = _convolve(features, classes, 4, pad="valid", bias=True)
    return keras.Model(inputs, logits, name=name)


def face_discriminator(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    base_filters: int = 128,
    batch_norm: BatchNorm = _BATCH_NORM,
    name: str = "discriminator",
) -> keras.Model:
    """The discriminator of faces: strided convolutions to 2x2 pixels, then the logits.

    Every strided convolution is followed by batch norm and a leaky ReLU with gradient 0.2.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        classes: Number of logits; 3 in the paper.
        base_filters: Channels of the first and of the last block; they double up to the middle
            (128, 256, 512, 256, 128 at 64 pixels).
        batch_norm: As for the encoder.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to logits `(batch, 1, 1, classes)`; 2.96 M parameters at 64
        pixels of three channels with three classes.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Taigman et al. 2017, https://arxiv.org/abs/1611.02200, section 5.2; number of blocks,
    kernels and widths as in github.com/davrempe/domain-transfer-net, faces_model.py.
    Departs: that code takes 96 pixels, where its five blocks end at 3x3; kernels of the blocks are
    padded as in TensorFlow; weights start as in the other networks of DTN.
    """
    blocks_to_2x2 = downsamples_to_4x4(image_shape) + 1
    inputs = features = keras.Input(image_shape, name="image")
    for depth in range(blocks_to_2x2):
        filters = base_filters * 2 ** min(depth, blocks_to_2x2 - 1 - depth)
        features = blocks.leaky(batch_norm(_convolve(features, filters, 3, stride=2)))
    logits = _convolve(features, classes, 2, pad="valid", bias=True)
    return keras.Model(inputs, logits, name=name)


def _convolve(features, filters, kernel, *, stride=1, pad="same", bias=False):
    return blocks.convolve(
        features, filters, kernel, stride=stride, bias=bias, pad=pad, start="glorot_uniform"
    )


def _double(features, filters, *, bias=False):
    return blocks.upsample(
        features, filters, 3, bias=bias, how="transposed", odd="same", start="glorot_uniform"
    )
