"""Multiply-adds of a training step and parameters of its networks, from the shapes of layers.

Independent of any framework: widths and kernels are those of the papers' networks. Only
convolutions count. A transposed convolution counts the products of each input pixel; a padded one
counts the padding too. The backward pass through a layer costs one forward pass for the gradient
of its weights and one for the gradient of its input, where these are needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Convolution:
    """A layer on square images.

    Attributes:
        kernel: Side of the kernel.
        channels_in, channels_out: Channels of input and output.
        positions: Pixels of the output; for a transposed convolution, pixels of the input.
        other_parameters: Parameters beside the kernel: a bias, or scale and offset of the norm
            after the layer.
    """

    kernel: int
    channels_in: int
    channels_out: int
    positions: int
    other_parameters: int

    @property
    def multiply_adds(self) -> int:
        """Of one image in the forward pass."""
        return self.kernel**2 * self.channels_in * self.channels_out * self.positions

    @property
    def parameters(self) -> int:
        """Of the layer and the norm after it."""
        return self.kernel**2 * self.channels_in * self.channels_out + self.other_parameters


Network = Sequence[Convolution]


def resnet(side: int, base_filters: int, blocks: int) -> Network:
    """CycleGAN's generator, with biases and with instance norms without parameters."""
    wide = 4 * base_filters
    inner = [Convolution(3, wide, wide, (side // 4) ** 2, wide)] * (2 * blocks)
    return [
        Convolution(7, 3, base_filters, side**2, base_filters),
        Convolution(3, base_filters, 2 * base_filters, (side // 2) ** 2, 2 * base_filters),
        Convolution(3, 2 * base_filters, wide, (side // 4) ** 2, wide),
        *inner,
        Convolution(3, wide, 2 * base_filters, (side // 4) ** 2, 2 * base_filters),
        Convolution(3, 2 * base_filters, base_filters, (side // 2) ** 2, base_filters),
        Convolution(7, base_filters, 3, side**2, 3),
    ]


def unet(side: int, base_filters: int) -> Network:
    """pix2pix's generator: downsamples to one pixel; only the last layer has a bias."""
    num_downsamples = side.bit_length() - 1
    widths = [base_filters * min(2**depth, 8) for depth in range(num_downsamples)]
    layers = []
    for depth, (channels_in, channels_out) in enumerate(zip([3, *widths], widths, strict=False)):
        positions = (side // 2 ** (depth + 1)) ** 2
        has_norm = 0 < depth < num_downsamples - 1
        norm = 2 * channels_out * has_norm
        layers.append(Convolution(4, channels_in, channels_out, positions, norm))
    for depth in range(num_downsamples - 1, -1, -1):
        positions = (side // 2 ** (depth + 1)) ** 2
        channels_in = widths[depth] * (1 if depth == num_downsamples - 1 else 2)
        channels_out, other = (widths[depth - 1], 2 * widths[depth - 1]) if depth else (3, 3)
        layers.append(Convolution(4, channels_in, channels_out, positions, other))
    return layers


def patchgan_discriminator(
    side: int, base_filters: int, channels: int, *, batch_norm: bool
) -> Network:
    """The 70x70 PatchGAN; batch norms have scale and offset instead of biases."""
    layers = [Convolution(4, channels, base_filters, (side // 2) ** 2, base_filters)]
    output_sides = (side // 4, side // 8, side // 8 - 1)
    for depth, output_side in enumerate(output_sides, start=1):
        channels = base_filters * 2**depth
        other = 2 * channels if batch_norm else channels
        layers.append(Convolution(4, channels // 2, channels, output_side**2, other))
    return [*layers, Convolution(4, 8 * base_filters, 1, (side // 8 - 2) ** 2, 1)]


def parameters(network: Network) -> int:
    """All trainable parameters."""
    return sum(layer.parameters for layer in network)


def multiply_adds(network: Network, *, weights: bool, image: bool) -> int:
    """One forward and backward pass.

    Args:
        network: Its layers in order.
        weights: Whether the gradient of the weights is computed.
        image: Whether the gradient of the input image is computed, which needs the first layer.
    """
    forward = sum(layer.multiply_adds for layer in network)
    through_layers = forward if image else forward - network[0].multiply_adds
    return forward + through_layers + weights * forward


def cyclegan_step(side: int, base_filters: int, blocks: int) -> int:
    """Six passes of generators; two of discriminators for the generators, four for themselves."""
    generator = resnet(side, base_filters, blocks)
    discriminator = patchgan_discriminator(side, base_filters, 3, batch_norm=False)
    return (
        4 * multiply_adds(generator, weights=True, image=False)  # translations and identity
        + 2 * multiply_adds(generator, weights=True, image=True)  # the second halves of the cycles
        + 2 * multiply_adds(discriminator, weights=False, image=True)
        + 4 * multiply_adds(discriminator, weights=True, image=False)
    )


def pix2pix_step(side: int, base_filters: int) -> int:
    """One pass of the generator; one of the discriminator for the generator, two for itself."""
    discriminator = patchgan_discriminator(side, base_filters, 6, batch_norm=True)
    return (
        multiply_adds(unet(side, base_filters), weights=True, image=False)
        + multiply_adds(discriminator, weights=False, image=True)
        + 2 * multiply_adds(discriminator, weights=True, image=False)
    )
