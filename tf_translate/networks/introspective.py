"""The networks of introspective adversarial networks: a trunk with two heads, and decoders."""

import keras

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.introspective.beta_mean import BetaMean
from tf_translate.layers.introspective.inverse_autoregressive_flow import InverseAutoregressiveFlow
from tf_translate.layers.introspective.multiscale_dilated_convolution import MultiscaleDilatedConv2D
from tf_translate.layers.minibatch_discrimination import MinibatchDiscrimination
from tf_translate.layers.portable_relu import PortableReLU
from tf_translate.networks import blocks
from tf_translate.networks.strided_discriminator import downsamples_to_4x4

_KERNEL = 5
_MAX_MULTIPLE = 8  # of the channels of the first layer
_EPSILON = 1e-4  # of batch norm, added to the variance: Lasagne's default
# Scales of the multiscale dilated convolutions (IAN.py).
_SCALES_AT_8_PIXELS = (0, 2)
_SCALES = (0, 2, 3)
_SCALES_OF_COLOURS = (2, 3, 4)


def trunk(
    image_shape: tuple[int, int, int], *, base_filters: int = 128, name: str = "trunk"
) -> keras.Model:
    """Downsamples an image to 4x4 pixels and returns the activations of every layer.

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
    Departs: larger and smaller images add and drop levels; odd kernels are padded as in TensorFlow
    (one before, two after), a shift of at most one pixel for each layer.
    """
    image = features = keras.Input(image_shape, name="image")
    taps = []
    for depth in range(downsamples_to_4x4(image_shape)):
        filters = base_filters * min(2**depth, _MAX_MULTIPLE)
        features = blocks.convolve(features, filters, _KERNEL, stride=2, bias=depth == 0)
        if depth:
            features = _normalise(features)
        features = blocks.leaky(features)
        taps.append(features)
    return keras.Model(image, taps, name=name)


def latent_head(
    features_shape: tuple[int, int, int],
    latent: int,
    *,
    width: int = 1000,
    activation: str = "elu",
    name: str = "encoder_head",
) -> keras.Model:
    """An encoder head: the trunk's last activations to a normal distribution of the latent.

    Args:
        features_shape: `(4, 4, channels)`.
        latent: Size of the latent.
        width: Size of the dense layer before it.
        activation: Of that layer: "elu" (IAN_simple.py) or "relu" (IAN.py).
        name: Name of the model.

    Returns:
        Model from activations to `[mean, log_sigma]`, each unbounded float32 `(batch, latent)`;
        16.586 M parameters for 1,024 channels and a latent of 100.

    Source: IAN_simple and IAN of github.com/ajbrock/Neural-Photo-Editor.
    """
    features = keras.Input(features_shape, name="features")
    hidden = keras.layers.Flatten()(features)
    hidden = keras.layers.Dense(width, use_bias=False, kernel_initializer=blocks.initial_weights())(
        hidden
    )
    hidden = keras.layers.Activation(activation)(_normalise(hidden))
    outputs = [
        BatchNormalization(epsilon=_EPSILON, name=part, dtype="float32")(
            keras.layers.Dense(latent, use_bias=False)(hidden)
        )
        for part in ("mean", "log_sigma")
    ]
    return keras.Model(features, outputs, name=name)


def discriminator_head(
    features_shape: tuple[int, int, int],
    *,
    num_logits: int,
    kernels: int = 500,
    standard_deviation: float = 0.01,
    name: str = "discriminator_head",
) -> keras.Model:
    """A discriminator head, which compares the images of a batch (minibatch discrimination).

    Args:
        features_shape: `(4, 4, channels)`.
        num_logits: 1 for real or fake, 3 for real, reconstructed or sampled.
        kernels: Number of kernels of minibatch discrimination.
        standard_deviation: Of the initial weights of the last layer: 0.01 (IAN_simple.py) or 0.02
            (IAN.py).
        name: Name of the model.

    Returns:
        Model from activations to float32 logits `(batch, num_logits)`; 2.565 M parameters for
        1,024 channels and one logit.

    Source: IAN_simple and IAN of github.com/ajbrock/Neural-Photo-Editor.
    """
    features = keras.Input(features_shape, name="features")
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(features)
    compared = MinibatchDiscrimination(kernels)(pooled)
    start = keras.initializers.RandomNormal(0.0, standard_deviation)
    scores = keras.layers.Dense(
        num_logits, use_bias=False, kernel_initializer=start, dtype="float32"
    )(compared)
    return keras.Model(features, scores, name=name)


def latent_decoder(
    image_shape: tuple[int, int, int],
    latent: int,
    *,
    base_filters: int = 128,
    name: str = "decoder",
) -> keras.Model:
    """A decoder of latents: a dense layer to 4x4 pixels, then transposed convolutions.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        latent: Size of the latent.
        base_filters: Channels before the last layer; up to `8 * base_filters` at 4x4.
        name: Name of the model.

    Returns:
        Model from `(batch, latent)` to images in [-1, 1]; 18.886 M parameters at 64 pixels with
        a latent of 100. Gradients of its input can be deployed.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: IAN_simple of github.com/ajbrock/Neural-Photo-Editor.
    Departs: larger and smaller images add and drop levels; transposed kernels are cropped as the
    kernels of `trunk` are padded.
    """
    num_downsamples = downsamples_to_4x4(image_shape)
    widths = [
        base_filters * min(2**depth, _MAX_MULTIPLE) for depth in reversed(range(num_downsamples))
    ]
    latents = keras.Input((latent,), name="latent")
    features = keras.layers.Dense(
        4 * 4 * widths[0], use_bias=False, kernel_initializer=blocks.initial_weights()
    )(latents)
    features = PortableReLU()(_normalise(features))
    features = keras.layers.Reshape((4, 4, widths[0]))(features)
    for filters in widths[1:]:
        features = _upsample(features, filters)
        features = PortableReLU()(_normalise(features))
    return keras.Model(latents, blocks.to_images(_upsample(features, image_shape[2])), name=name)


def multiscale_decoder(
    image_shape: tuple[int, int, int],
    latent: int,
    *,
    base_filters: int = 128,
    name: str = "decoder",
) -> keras.Model:
    """The decoder of the full IAN: multiscale dilated convolutions and the RGB-Beta output.

    After each transposed convolution but the last, a residual block of two multiscale dilated
    convolutions. The colours are means of beta distributions, one channel after the other: each
    depends on the parameters of those before it.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        latent: Size of the latent, behind the flow (see `latent_flow`).
        base_filters: Channels of the last two transposed convolutions; up to `4 * base_filters`
            before them.
        name: Name of the model.

    Returns:
        Model from `(batch, latent)` to images in [-1, 1]; 18.100 M parameters at 64 pixels with a
        latent of 100.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: Brock et al. 2017, https://arxiv.org/abs/1609.07093, and IAN.py of
    github.com/ajbrock/Neural-Photo-Editor.
    Departs: larger and smaller images add and drop levels; transposed kernels are cropped as the
    kernels of `trunk` are padded.
    """
    num_downsamples = downsamples_to_4x4(image_shape)
    widths = [base_filters * min(2 ** max(d - 1, 0), 4) for d in reversed(range(num_downsamples))]
    latents = keras.Input((latent,), name="latent")
    features = keras.layers.Dense(4 * 4 * widths[0], kernel_initializer=blocks.initial_weights())(
        latents
    )
    features = keras.layers.Reshape((4, 4, widths[0]))(blocks.leaky(features))
    for filters in widths[:-1]:
        features = _normalise(_upsample(features, filters))
        scales = _SCALES_AT_8_PIXELS if features.shape[1] == 8 else _SCALES
        features = _multiscale_block(features, scales)
    features = blocks.leaky(_normalise(_upsample(features, widths[-1])))
    return keras.Model(latents, _colours(features, image_shape[2]), name=name)


def _multiscale_block(features, scales):
    """Adds two normalised multiscale dilated convolutions to the features, and normalises."""
    change = features
    for _ in range(2):
        change = blocks.leaky(_normalise(change))
        change = MultiscaleDilatedConv2D(features.shape[-1], scales)(change)
    return blocks.leaky(_normalise(keras.layers.Add()([features, change])))


def _colours(features, channels: int):
    """The RGB-Beta output: images in [-1, 1], in float32."""
    parameters: list = []  # alpha and beta of each channel
    for _ in range(channels):
        logits = MultiscaleDilatedConv2D(2, _SCALES_OF_COLOURS)(features)
        if parameters:
            known = keras.layers.Concatenate()(parameters) if parameters[1:] else parameters[0]
            from_known = MultiscaleDilatedConv2D(2, _SCALES_OF_COLOURS)(known)
            logits = keras.layers.Add()([logits, from_known])
        parameters.append(keras.layers.Activation("sigmoid", dtype="float32")(logits))
    colours = [BetaMean()(each) for each in parameters]
    if channels == 1:
        return colours[0]
    return keras.layers.Concatenate(dtype="float32", name="images")(colours)


def latent_flow(latent: int, *, gain: float = 0.1, name: str = "latent_flow") -> keras.Model:
    """The flow between encoder and decoder of the full IAN, fixed at random (see its layer).

    Args:
        latent: Size of the latent.
        gain: Factor of its weights; the code's is the square root of 2 (see the layer's Departs).
        name: Name of the model.

    Returns:
        Model from z0, `(batch, latent)`, which is N(0, I) for samples, to the decoder's input z.
        Six kernels of `latent * latent` weights, none of them trainable.

    Source: IAN.py of github.com/ajbrock/Neural-Photo-Editor.
    """
    latents = keras.Input((latent,), name="latent")
    return keras.Model(latents, InverseAutoregressiveFlow(gain)(latents), name=name)


def _normalise(features):
    return BatchNormalization(epsilon=_EPSILON)(features)


def _upsample(features, filters: int):
    return blocks.upsample(features, filters, _KERNEL, bias=False, how="transposed", odd="same")


def check_compatible(
    trunk: keras.Model,
    encoder_head: keras.Model,
    discriminator_head: keras.Model,
    decoder: keras.Model,
    latent_flow: keras.Model | None = None,
) -> None:
    """Raises ValueError unless inputs and outputs of the networks fit each other."""
    features = tuple(trunk.outputs[-1].shape[1:])
    heads = [tuple(head.input_shape[1:]) for head in (encoder_head, discriminator_head)]
    if heads != [features, features]:
        raise ValueError(
            f"both heads must take the trunk's last activations {features}, but `encoder_head` "
            f"takes {heads[0]} and `discriminator_head` {heads[1]}"
        )
    sizes, latent = [part[-1] for part in encoder_head.output_shape], decoder.input_shape[-1]
    if sizes != [latent, latent]:
        raise ValueError(
            f"`encoder_head` must return mean and log_sigma of a latent of {latent}, which the "
            f"decoder takes, got sizes {sizes}"
        )
    flow = latent_flow and (latent_flow.input_shape[-1], latent_flow.output_shape[-1])
    if flow and flow != (latent, latent):
        raise ValueError(
            f"`latent_flow` must map a latent of {latent}, which the decoder takes, to another, "
            f"got sizes {list(flow)}"
        )
    if decoder.output_shape != trunk.input_shape:
        raise ValueError(
            f"`decoder` must return the images that the trunk takes, {trunk.input_shape[1:]}, got "
            f"{decoder.output_shape[1:]}"
        )
