"""The networks of introspective adversarial networks: one trunk, two heads on it, a decoder."""

import keras

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.minibatch_discrimination import MinibatchDiscrimination
from tf_translate.layers.portable_relu import PortableReLU
from tf_translate.networks import blocks
from tf_translate.networks.strided_discriminator import levels_to_four

_KERNEL = 5
_WIDEST = 8  # times the channels of the first layer


def trunk(
    image_shape: tuple[int, int, int], *, base_filters: int = 128, name: str = "trunk"
) -> keras.Model:
    """Halves an image to 4x4 and gives the activations of every layer.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.
        name: Name of the model.

    Returns:
        Model from images in [-1, 1] to a list of activations, the 4x4 ones last: `8 * base_filters`
        channels at 64 pixels, four layers and 17.217 M parameters there.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, and IAN_simple of its code.
    Departs: larger and smaller images add and drop halvings; odd kernels are padded as TensorFlow
    does (one before, two after), a shift of at most a pixel a layer.
    """
    image = features = keras.Input(image_shape, name="image")
    taps = []
    for depth in range(levels_to_four(image_shape)):
        filters = base_filters * min(2**depth, _WIDEST)
        features = blocks.convolve(features, filters, _KERNEL, stride=2, bias=depth == 0)
        if depth:
            features = BatchNormalization()(features)
        features = blocks.leaky(features)
        taps.append(features)
    return keras.Model(image, taps, name=name)


def latent_head(
    features_shape: tuple[int, int, int],
    latent: int,
    *,
    width: int = 1000,
    name: str = "encoder_head",
) -> keras.Model:
    """Reads a normal distribution of the latent from the trunk's last activations.

    Args:
        features_shape: `(4, 4, channels)`.
        latent: Numbers of the latent.
        width: Of the dense layer between.
        name: Name of the model.

    Returns:
        Model from activations to `[mean, log_sigma]`, each float32 `(batch, latent)` without
        bound; 16.586 M parameters on 1,024 channels with 100 numbers.

    Source: IAN_simple of github.com/ajbrock/Neural-Photo-Editor.
    """
    features = keras.Input(features_shape, name="features")
    hidden = keras.layers.Flatten()(features)
    hidden = keras.layers.Dense(width, use_bias=False, kernel_initializer=blocks.initial_weights())(
        hidden
    )
    hidden = keras.layers.ELU()(BatchNormalization()(hidden))
    read = [
        BatchNormalization(name=part, dtype="float32")(
            keras.layers.Dense(latent, use_bias=False)(hidden)
        )
        for part in ("mean", "log_sigma")
    ]
    return keras.Model(features, read, name=name)


def verdict_head(
    features_shape: tuple[int, int, int],
    *,
    logits: int,
    kernels: int = 500,
    name: str = "discriminator_head",
) -> keras.Model:
    """Judges the trunk's last activations, an image beside the others of its batch.

    Args:
        features_shape: `(4, 4, channels)`.
        logits: 1 for real or not, 3 for real, reconstructed or sampled.
        kernels: Of minibatch discrimination.
        name: Name of the model.

    Returns:
        Model from activations to float32 logits `(batch, logits)`; on 1,024 channels 2.565 M
        parameters with one logit.

    Source: IAN_simple of github.com/ajbrock/Neural-Photo-Editor.
    """
    features = keras.Input(features_shape, name="features")
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(features)
    compared = MinibatchDiscrimination(kernels)(pooled)
    scores = keras.layers.Dense(
        logits, use_bias=False, kernel_initializer=blocks.initial_weights(), dtype="float32"
    )(compared)
    return keras.Model(features, scores, name=name)


def latent_decoder(
    image_shape: tuple[int, int, int],
    latent: int,
    *,
    base_filters: int = 128,
    name: str = "decoder",
) -> keras.Model:
    """Draws an image from a latent: a dense layer to 4x4, then doublings.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        latent: Numbers of the latent.
        base_filters: Channels ahead of the last layer; up to `8 * base_filters` at 4x4.
        name: Name of the model.

    Returns:
        Model from `(batch, latent)` to images in [-1, 1]; 18.886 M parameters at 64 pixels with
        100 numbers. Steps on its input can be deployed.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: IAN_simple of github.com/ajbrock/Neural-Photo-Editor.
    Departs: larger and smaller images add and drop doublings; transposed kernels are cut as those
    of `trunk` are padded.
    """
    num_downsamples = levels_to_four(image_shape)
    widths = [base_filters * min(2**depth, _WIDEST) for depth in reversed(range(num_downsamples))]
    numbers = keras.Input((latent,), name="latent")
    features = keras.layers.Dense(
        4 * 4 * widths[0], use_bias=False, kernel_initializer=blocks.initial_weights()
    )(numbers)
    features = PortableReLU()(BatchNormalization()(features))
    features = keras.layers.Reshape((4, 4, widths[0]))(features)
    for filters in widths[1:]:
        features = _double(features, filters)
        features = PortableReLU()(BatchNormalization()(features))
    return keras.Model(numbers, blocks.to_images(_double(features, image_shape[2])), name=name)


def _double(features, filters: int):
    return blocks.upsample(features, filters, _KERNEL, bias=False, how="transposed", odd="same")


def check_together(
    trunk: keras.Model,
    encoder_head: keras.Model,
    discriminator_head: keras.Model,
    decoder: keras.Model,
) -> None:
    """Raises ValueError unless the heads take what the trunk gives, and the decoder closes."""
    seen = tuple(trunk.outputs[-1].shape[1:])
    heads = [tuple(head.input_shape[1:]) for head in (encoder_head, discriminator_head)]
    if heads != [seen, seen]:
        raise ValueError(
            f"both heads must take the trunk's last activations {seen}, but `encoder_head` takes "
            f"{heads[0]} and `discriminator_head` {heads[1]}"
        )
    read, drawn = [part[-1] for part in encoder_head.output_shape], decoder.input_shape[-1]
    if read != [drawn, drawn]:
        raise ValueError(
            f"`encoder_head` must read mean and log_sigma of the {drawn} numbers the decoder "
            f"takes, it reads {read}"
        )
    if decoder.output_shape != trunk.input_shape:
        raise ValueError(
            f"`decoder` must draw what the trunk takes, {trunk.input_shape[1:]}, it draws "
            f"{decoder.output_shape[1:]}"
        )
