"""Networks that draw images from noise and attributes, judge the two together, and read them."""

import keras

from tf_translate.layers.attribute_map import AttributeMaps
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.cpu import Conv2DTranspose
from tf_translate.networks import blocks
from tf_translate.networks.strided_discriminator import levels_to_four

_KERNEL, _ENCODER_KERNEL = 4, 5


def conditional_generator(
    image_shape: tuple[int, int, int],
    latent: int,
    columns: int,
    *,
    base_filters: int = 64,
    name: str = "generator",
) -> keras.Model:
    """Draws an image from noise and attributes, which stand side by side at its input.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        latent: Numbers of noise.
        columns: Numbers that say attributes.
        base_filters: Channels ahead of the last layer; up to `8 * base_filters` at 4x4.
        name: Name of the model.

    Returns:
        Model from `[latent, attributes]` to images in [-1, 1]; 3.725 M parameters at 64 pixels
        with 100 + 18 numbers.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Perarnau et al. 2016, https://arxiv.org/abs/1611.06355, section 3, and its code.
    Departs: larger and smaller images add and drop doublings (the code knows 64 pixels only).
    """
    num_downsamples = levels_to_four(image_shape)
    noise = keras.Input((latent,), name="latent")
    attributes = keras.Input((columns,), name="attributes")
    features = keras.layers.Concatenate()([noise, attributes])
    features = keras.layers.Reshape((1, 1, latent + columns))(features)
    widths = [base_filters * min(2**depth, 8) for depth in reversed(range(num_downsamples))]
    features = Conv2DTranspose(
        widths[0], _KERNEL, padding="valid", kernel_initializer=blocks.initial_weights()
    )(features)  # (B, 1, 1, c) -> (B, 4, 4, c')
    for filters in [*widths[1:], image_shape[2]]:
        features = blocks.relu(blocks.normalise(features, "batch"))
        features = blocks.upsample(features, filters, _KERNEL, bias=True, how="transposed")
    return keras.Model([noise, attributes], blocks.to_images(features), name=name)


def conditional_discriminator(
    image_shape: tuple[int, int, int],
    columns: int,
    *,
    base_filters: int = 64,
    name: str = "discriminator",
) -> keras.Model:
    """Judges an image together with attributes, which it is told after its first layer.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        columns: Numbers that say attributes.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.
        name: Name of the model.

    Returns:
        Model from `[image, attributes]` to logits `(batch, 1, 1, 1)`; 2.803 M parameters at 64
        pixels with 18 numbers.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Perarnau et al. 2016, https://arxiv.org/abs/1611.06355, section 3, and its code.
    Departs: larger and smaller images add and drop halvings; logits, the sigmoid is in the loss.
    """
    num_downsamples = levels_to_four(image_shape)
    image = keras.Input(image_shape, name="image")
    attributes = keras.Input((columns,), name="attributes")
    features = blocks.leaky(blocks.convolve(image, base_filters, _KERNEL, stride=2, bias=True))
    features = AttributeMaps()([features, attributes])
    for depth in range(1, num_downsamples):
        features = blocks.convolve(
            features, base_filters * min(2**depth, 8), _KERNEL, stride=2, bias=True
        )
        features = blocks.leaky(blocks.normalise(features, "batch"))
    scores = blocks.convolve(features, 1, _KERNEL, bias=True, pad="valid")
    return keras.Model([image, attributes], scores, name=name)


def image_encoder(
    image_shape: tuple[int, int, int],
    outputs: int,
    *,
    width: int,
    base_filters: int = 32,
    name: str = "encoder",
) -> keras.Model:
    """Reads numbers from an image: halvings to 4x4, then two dense layers.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        outputs: Numbers to read.
        width: Numbers between the two dense layers.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.
        name: Name of the model.

    Returns:
        Model from images to `(batch, outputs)` without bound, float32; at 64 pixels 18.278 M
        parameters to 100 numbers by a width of 4,096, 3.187 M to 18 by 512.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Perarnau et al. 2016, https://arxiv.org/abs/1611.06355, section 3, and its code.
    Departs: larger and smaller images add and drop halvings; odd rows are padded as TensorFlow
    does (one before, two after), a shift of at most a pixel a layer.
    """
    image = features = keras.Input(image_shape, name="image")
    for depth in range(levels_to_four(image_shape)):
        start = blocks.torch_weights(_ENCODER_KERNEL, features.shape[-1])
        features = blocks.convolve(
            features,
            base_filters * min(2**depth, 8),
            _ENCODER_KERNEL,
            stride=2,
            bias=True,
            start=start,
        )
        features = blocks.relu(BatchNormalization()(features))
    features = keras.layers.Flatten()(features)
    start = blocks.torch_weights(1, features.shape[-1])
    features = keras.layers.Dense(width, kernel_initializer=start)(features)
    features = blocks.relu(BatchNormalization()(features))
    read = keras.layers.Dense(
        outputs, kernel_initializer=blocks.torch_weights(1, width), dtype="float32"
    )(features)
    return keras.Model(image, read, name=name)
