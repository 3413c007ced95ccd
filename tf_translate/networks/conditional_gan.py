"""Networks of conditional GANs: generator, discriminator and encoder."""

import keras

from tf_translate.layers.attribute_map import AttributeMaps
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.cpu import Conv2D, Conv2DTranspose
from tf_translate.networks import blocks
from tf_translate.networks.initialization.weights import Initialization, TorchInitialization
from tf_translate.networks.strided_discriminator import downsamples_to_4x4

_KERNEL, _ENCODER_KERNEL = 4, 5


def conditional_generator(
    image_shape: tuple[int, int, int],
    latent: int,
    columns: int,
    *,
    base_filters: int = 64,
    upsampling: str = "transposed",
    name: str = "generator",
) -> keras.Model:
    """A generator of images from noise and attributes, which are concatenated at its input.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        latent: Size of the noise vector.
        columns: Size of the attribute vector.
        base_filters: Channels before the last layer; they double with every level inwards.
        upsampling: "transposed" (the code), or "resize": nearest, then a 3x3 convolution, which
            leaves no checkerboard.
        name: Name of the model.

    Returns:
        Model from `[latent, attributes]` to images in [-1, 1]; 3.725 M parameters at 64 pixels
        with 100 + 18 inputs.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Perarnau et al. 2016, https://arxiv.org/abs/1611.06355, section 3, and its code,
    trainGAN.lua, which takes 8 to 1024 pixels.
    """
    num_downsamples = downsamples_to_4x4(image_shape)
    noise = keras.Input((latent,), name="latent")
    attributes = keras.Input((columns,), name="attributes")
    features = keras.layers.Concatenate()([noise, attributes])
    features = keras.layers.Reshape((1, 1, latent + columns))(features)
    widths = [base_filters * 2**depth for depth in reversed(range(num_downsamples))]
    features = Conv2DTranspose(
        widths[0], _KERNEL, padding="valid", kernel_initializer=blocks.initial_weights()
    )(features)  # (B, 1, 1, c) -> (B, 4, 4, c')
    for filters in [*widths[1:], image_shape[2]]:
        features = blocks.relu(blocks.normalise(features, "batch"))
        features = blocks.upsample(features, filters, _KERNEL, bias=True, how=upsampling)
    return keras.Model([noise, attributes], blocks.to_images(features), name=name)


def conditional_discriminator(
    image_shape: tuple[int, int, int],
    columns: int,
    *,
    base_filters: int = 64,
    name: str = "discriminator",
) -> keras.Model:
    """A discriminator of images with attributes, which join the features after its first layer.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        columns: Size of the attribute vector.
        base_filters: Channels of the first layer; they double with every level.
        name: Name of the model.

    Returns:
        Model from `[image, attributes]` to logits `(batch, 1, 1, 1)`; 2.803 M parameters at 64
        pixels with 18 attributes.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: as `conditional_generator`.
    Departs: it returns logits, as the sigmoid is part of the loss.
    """
    num_downsamples = downsamples_to_4x4(image_shape)
    image = keras.Input(image_shape, name="image")
    attributes = keras.Input((columns,), name="attributes")
    features = blocks.leaky(blocks.convolve(image, base_filters, _KERNEL, stride=2, bias=True))
    features = AttributeMaps()([features, attributes])
    for depth in range(1, num_downsamples):
        features = blocks.convolve(features, base_filters * 2**depth, _KERNEL, stride=2, bias=True)
        features = blocks.leaky(blocks.normalise(features, "batch"))
    scores = blocks.convolve(features, 1, _KERNEL, bias=True, pad="valid")
    return keras.Model([image, attributes], scores, name=name)


def image_encoder(
    image_shape: tuple[int, int, int],
    outputs: int,
    *,
    width: int,
    base_filters: int = 32,
    initialization: Initialization = "torch",
    name: str = "encoder",
) -> keras.Model:
    """An encoder of images: strided convolutions to 4x4 pixels, then two dense layers.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        outputs: Size of the output.
        width: Size of the first dense layer.
        base_filters: Channels of the first layer; they double with every level.
        initialization: See `TorchInitialization`.
        name: Name of the model.

    Returns:
        Model from images to unbounded `(batch, outputs)`, float32. At 64 pixels it has 18.278 M
        parameters for 100 outputs with a width of 4,096, and 3.187 M for 18 with 512.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Perarnau et al. 2016, https://arxiv.org/abs/1611.06355, section 3, and its code,
    trainEncoder.lua.
    Departs: larger and smaller images add and drop levels (the code: 4 levels, unless it is told
    otherwise); odd rows are padded as in TensorFlow (one before, two after), a shift of at most
    one pixel for each layer.
    """
    initial = TorchInitialization(initialization)
    image = features = keras.Input(image_shape, name="image")
    for depth in range(downsamples_to_4x4(image_shape)):
        features = Conv2D(
            base_filters * 2**depth, _ENCODER_KERNEL, strides=2, padding="same",
            **initial.convolution(_ENCODER_KERNEL, features.shape[-1]),
        )(features)  # fmt: skip
        features = blocks.relu(BatchNormalization(**initial.batch_norm())(features))
    features = keras.layers.Flatten()(features)
    features = keras.layers.Dense(width, **initial.dense(features.shape[-1]))(features)
    features = blocks.relu(BatchNormalization(**initial.batch_norm())(features))
    encoded = keras.layers.Dense(outputs, dtype="float32", **initial.dense(width))(features)
    return keras.Model(image, encoded, name=name)
