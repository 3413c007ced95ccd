"""Multiply-adds of a training step and parameters of its networks, from the shapes of layers.

Knows no framework: the widths and kernels are those of the papers' networks. Only convolutions
count. A transposed convolution counts what each of its inputs is multiplied with, a padded one its
padding too. Going back through a layer costs as much as going forward once for its weights and
once more for its input, where they are wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Convolution:
    """A layer on square images.

    Attributes:
        kernel: Side of the kernel.
        given, made: Channels in and out.
        places: Positions at which the kernel is put down: pixels of the output, or of the input
            of a transposed convolution.
        learnt: Parameters beside the kernel: a bias, or scale and offset of the norm behind.
    """

    kernel: int
    given: int
    made: int
    places: int
    learnt: int

    @property
    def multiply_adds(self) -> int:
        """Of one image, forward."""
        return self.kernel**2 * self.given * self.made * self.places

    @property
    def parameters(self) -> int:
        """Of the layer and the norm behind it."""
        return self.kernel**2 * self.given * self.made + self.learnt


Network = Sequence[Convolution]


def resnet(side: int, base_filters: int, blocks: int) -> Network:
    """CycleGAN's generator, with biases and with instance norms that learn nothing."""
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
    """pix2pix's generator: halves down to one pixel; a bias in the last layer alone."""
    num_downsamples = side.bit_length() - 1
    widths = [base_filters * min(2**depth, 8) for depth in range(num_downsamples)]
    layers = []
    for depth, (given, made) in enumerate(zip([3, *widths], widths, strict=False)):
        normed = 0 < depth < num_downsamples - 1
        layers.append(
            Convolution(4, given, made, (side // 2 ** (depth + 1)) ** 2, 2 * made * normed)
        )
    for depth in range(num_downsamples - 1, -1, -1):
        given = widths[depth] * (1 if depth == num_downsamples - 1 else 2)
        made, learnt = (widths[depth - 1], 2 * widths[depth - 1]) if depth else (3, 3)
        layers.append(Convolution(4, given, made, (side // 2 ** (depth + 1)) ** 2, learnt))
    return layers


def patchgan_discriminator(
    side: int, base_filters: int, channels: int, *, batch_norm: bool
) -> Network:
    """The 70x70 PatchGAN; batch norms learn scale and offset in place of biases."""
    layers = [Convolution(4, channels, base_filters, (side // 2) ** 2, base_filters)]
    sides = (side // 4, side // 8, side // 8 - 1)
    for depth, own in enumerate(sides, start=1):
        made = base_filters * 2**depth
        learnt = 2 * made if batch_norm else made
        layers.append(Convolution(4, made // 2, made, own**2, learnt))
    return [*layers, Convolution(4, 8 * base_filters, 1, (side // 8 - 2) ** 2, 1)]


def parameters(network: Network) -> int:
    """All that is learnt."""
    return sum(layer.parameters for layer in network)


def multiply_adds(network: Network, *, weights: bool, image: bool) -> int:
    """One pass forward and back.

    Args:
        network: Its layers in order.
        weights: Whether weights get a gradient.
        image: Whether the image that is given gets one, so that the first layer is gone through.
    """
    forward = sum(layer.multiply_adds for layer in network)
    through = forward if image else forward - network[0].multiply_adds
    return forward + through + weights * forward


def cyclegan_step(side: int, base_filters: int, blocks: int) -> int:
    """Six passes of generators, two of discriminators for them, four of discriminators for themselves."""
    generator = resnet(side, base_filters, blocks)
    discriminator = patchgan_discriminator(side, base_filters, 3, batch_norm=False)
    return (
        4 * multiply_adds(generator, weights=True, image=False)  # translations and identity
        + 2 * multiply_adds(generator, weights=True, image=True)  # the way back of the cycles
        + 2 * multiply_adds(discriminator, weights=False, image=True)
        + 4 * multiply_adds(discriminator, weights=True, image=False)
    )


def pix2pix_step(side: int, base_filters: int) -> int:
    """One pass of the generator, one of the discriminator for it, two of the discriminator for itself."""
    discriminator = patchgan_discriminator(side, base_filters, 6, batch_norm=True)
    return (
        multiply_adds(unet(side, base_filters), weights=True, image=False)
        + multiply_adds(discriminator, weights=False, image=True)
        + 2 * multiply_adds(discriminator, weights=True, image=False)
    )
