"""Building blocks of several networks."""

import keras

from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.cpu import Conv2D, Conv2DTranspose, CropFirst
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.layers.nearest_upsampling import NearestUpsampling2D
from tf_translate.layers.pixel_shuffle import DepthToSpace
from tf_translate.layers.straight_through_clip import ChangeOfImage

NORMS = ("batch", "instance", "instance_affine", "none")
UPSAMPLING = ("transposed", "resize")
_LEAK = 0.2  # gradient below 0 of every leaky ReLU in the GAN papers (pix2pix, appendix 6.1)


def initial_weights() -> keras.initializers.Initializer:
    """N(0, 0.02), as in pix2pix (appendix 6.2) and CycleGAN (appendix)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def torch_weights(kernel: int, channels: int) -> keras.initializers.Initializer:
    """Uniform within 1 / sqrt(kernel * kernel * channels), PyTorch's default for convolutions.

    Args:
        kernel: Side of the kernel.
        channels: Input channels of a convolution, output channels of a transposed one.
    """
    limit = (kernel * kernel * channels) ** -0.5
    return keras.initializers.RandomUniform(-limit, limit)


def has_bias(norm: str) -> bool:
    """Whether a convolution before `norm` has a bias: not if the norm has an offset."""
    return norm in ("instance", "none")


def normalise(
    images: keras.KerasTensor, norm: str, *, statistics: str = "moving", epsilon: float = 1e-5
) -> keras.KerasTensor:
    """Applies a norm by name; "none" returns the input.

    Args:
        images: Symbolic `(batch, height, width, channels)`.
        norm: One of `NORMS`; "instance_affine" learns a scale and an offset, "instance" does not.
        statistics: Statistics of the norm "batch" at inference: "moving" or "image".
        epsilon: Added to the variance of an instance norm.

    Raises:
        ValueError: If `norm` is unknown.
    """
    if norm == "none":
        return images
    if norm == "batch":
        scale = keras.initializers.RandomNormal(1.0, 0.02)
        return BatchNormalization(statistics, gamma_initializer=scale)(images)
    if norm in ("instance", "instance_affine"):
        return InstanceNormalization(epsilon, affine=norm == "instance_affine")(images)
    raise ValueError(f"`norm` must be one of {NORMS}, got {norm!r}")


def leaky(images: keras.KerasTensor, *, name: str | None = None) -> keras.KerasTensor:
    """Leaky ReLU with gradient 0.2 below 0, as a layer."""
    return keras.layers.LeakyReLU(negative_slope=_LEAK, name=name)(images)


def relu(images: keras.KerasTensor, *, name: str | None = None) -> keras.KerasTensor:
    """ReLU as a layer."""
    return keras.layers.ReLU(name=name)(images)


def convolve(
    images: keras.KerasTensor,
    filters: int,
    kernel: int,
    *,
    stride: int = 1,
    bias: bool,
    pad: str = "same",
    start: keras.initializers.Initializer | str | None = None,
) -> keras.KerasTensor:
    """Convolution with weights from N(0, 0.02), or from the initializer `start`."""
    return Conv2D(
        filters,
        kernel,
        strides=stride,
        padding=pad,
        use_bias=bias,
        kernel_initializer=start or initial_weights(),
    )(images)


def upsample(
    images: keras.KerasTensor,
    filters: int,
    kernel: int,
    *,
    bias: bool,
    how: str,
    odd: str = "torch",
    start: keras.initializers.Initializer | str | None = None,
) -> keras.KerasTensor:
    """Doubles height and width and changes the channels.

    Args:
        images: Symbolic `(batch, height, width, channels)`.
        filters: Output channels.
        kernel: Side of the transposed kernel; the convolution after a resize uses 3.
        bias: Whether to add a bias.
        how: "transposed" (the papers) or "resize" (nearest, then a 3x3 convolution: no
            checkerboard).
        odd: Which row and column an odd transposed kernel drops: "torch" is the transpose of a
            convolution that pads 1 on every side, "same" of one with padding "same".
        start: Initializer in place of N(0, 0.02).

    Raises:
        ValueError: If `how` is unknown.
    """
    if how == "resize":
        return convolve(NearestUpsampling2D()(images), filters, 3, bias=bias, start=start)
    if how != "transposed":
        raise ValueError(f"`upsampling` must be one of {UPSAMPLING}, got {how!r}")
    same = kernel % 2 == 0 or odd == "same"
    doubled = Conv2DTranspose(
        filters,
        kernel,
        strides=2,
        padding="same" if same else "valid",
        use_bias=bias,
        kernel_initializer=start or initial_weights(),
    )(images)
    # An odd kernel leaves one row and column too many. PyTorch (padding 1, output padding 1)
    # drops the first ones, the transpose of padding 1 on every side; "same" drops the last.
    return doubled if same else CropFirst()(doubled)


def to_images(features: keras.KerasTensor) -> keras.KerasTensor:
    """The output of a generator: tanh to [-1, 1], in float32 whatever the compute dtype."""
    return keras.layers.Activation("tanh", dtype="float32", name="images")(features)


def check_input_skip(image_shape: tuple[int | None, ...], out_channels: int) -> None:
    """Raises ValueError unless a network with `input_skip` has as many channels out as in."""
    if image_shape[-1] != out_channels:
        raise ValueError(
            "`input_skip` needs as many output channels as input channels, "
            f"got {image_shape[-1]} and {out_channels}"
        )


def change_images(
    images: keras.KerasTensor,
    features: keras.KerasTensor,
    kernel: int,
    *,
    pad: str = "same",
    block: int = 1,
) -> keras.KerasTensor:
    """The output of a generator with `input_skip`: its input plus a residual, clipped to [-1, 1].

    The residual is zero at first, so that an untrained generator is the identity.

    Args:
        images: Symbolic `(batch, height, width, channels)`.
        features: Symbolic `(batch, height / block, width / block, n)`.
        kernel: Side of the kernel of the last convolution.
        pad: Its padding.
        block: Side of the square of pixels that each position of `features` makes.
    """
    filters = images.shape[-1] * block**2
    change = Conv2D(filters, kernel, padding=pad, kernel_initializer="zeros", name="change")(
        features
    )
    if block > 1:
        change = DepthToSpace(block)(change)
    return ChangeOfImage(name="images")([images, change])


def check_sides(image_shape: tuple[int | None, ...], divisor: int, network: str) -> None:
    """Raises ValueError unless both sides of `(height, width, channels)` are divisible."""
    if len(image_shape) != 3 or image_shape[2] is None:
        raise ValueError(
            f"`image_shape` must be (height, width, channels) with known channels, "
            f"got {image_shape}"
        )
    if any(side is not None and (side % divisor or side < divisor) for side in image_shape[:2]):
        raise ValueError(
            f"`image_shape` of {network} must have sides divisible by {divisor}, got {image_shape}"
        )
