"""The networks of CycleGAN and pix2pix in PyTorch, for comparison; images are channels first."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional

DROPOUT_LEVELS = 3  # the innermost of the decoder; fewer in U-Nets of less than 6 levels


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
        )  # fmt: skip

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.body(features)


class ToImages(nn.Module):
    """Ends a generator: tanh in float32, whatever the dtype of its input."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.tanh(features.float())


class Dropout(nn.Module):
    """Generates its own mask, or uses the one in `mask` for the next pass."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.mask: torch.Tensor | None = None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        if self.mask is None:
            return functional.dropout(features, self.rate, self.training)
        mask, self.mask = self.mask, None
        return features * mask.to(features.dtype)


def resnet(blocks: int = 9, base_filters: int = 64) -> nn.Sequential:
    """CycleGAN's generator, from and to images (batch, 3, height, width) in [-1, 1]."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, base_filters, 7)]
    layers += [nn.InstanceNorm2d(base_filters), nn.ReLU(inplace=True)]
    for channels in (base_filters, 2 * base_filters):
        layers += [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1)]
        layers += [nn.InstanceNorm2d(2 * channels), nn.ReLU(inplace=True)]
    layers += [Residual(4 * base_filters) for _ in range(blocks)]
    for channels in (4 * base_filters, 2 * base_filters):
        up = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1)
        layers += [up, nn.InstanceNorm2d(channels // 2), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(base_filters, 3, 7), ToImages())


class UNet(nn.Module):
    """pix2pix's generator; skips carry the output of a level before its activation."""

    def __init__(
        self, num_downsamples: int = 8, base_filters: int = 64, dropout: float = 0.5
    ) -> None:
        super().__init__()
        widths = [base_filters * min(2**depth, 8) for depth in range(num_downsamples)]
        self.down = nn.ModuleList([_halve(3, base_filters)])
        for channels_in, channels_out in pairwise(widths[:-1]):
            halve = _halve(channels_in, channels_out)
            block = [nn.LeakyReLU(0.2), halve, nn.BatchNorm2d(channels_out)]
            self.down.append(nn.Sequential(*block))
        self.down.append(nn.Sequential(nn.LeakyReLU(0.2), _halve(widths[-2], widths[-1])))
        self.up = nn.ModuleList()
        for inner, depth in enumerate(range(num_downsamples - 1, 0, -1)):
            channels_in = widths[depth] * (2 if inner else 1)
            block = [nn.ReLU(inplace=True), _double(channels_in, widths[depth - 1], bias=False)]
            block.append(nn.BatchNorm2d(widths[depth - 1]))
            if inner < min(DROPOUT_LEVELS, num_downsamples - 3):
                block.append(Dropout(dropout))
            self.up.append(nn.Sequential(*block))
        last = _double(2 * base_filters, 3, bias=True)
        self.last = nn.Sequential(nn.ReLU(inplace=True), last, ToImages())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        skips = []
        for level in self.down:
            features = level(features)
            skips.append(features)
        skips.pop()
        for level in self.up:
            features = torch.cat([level(features), skips.pop()], dim=1)
        return self.last(features)


def patchgan_discriminator(
    channels: int, base_filters: int, norm: type[nn.Module]
) -> nn.Sequential:
    """The 70x70 PatchGAN: logits; no bias before a norm that has an offset."""
    bias = norm is not nn.BatchNorm2d
    layers: list[nn.Module] = [
        _halve(channels, base_filters, bias=True),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    for depth in (1, 2, 3):
        channels_in, channels_out = base_filters * 2 ** (depth - 1), base_filters * 2**depth
        stride = 2 if depth < 3 else 1
        layers += [
            nn.Conv2d(channels_in, channels_out, 4, stride=stride, padding=1, bias=bias),
            norm(channels_out),
        ]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Conv2d(8 * base_filters, 1, 4, padding=1))


def copy_weights(network: nn.Module, weights: Sequence[np.ndarray]) -> None:
    """Copies the weights of Keras's convolutions and batch norms, in order.

    Raises:
        ValueError: If a shape differs or weights are left over: the networks differ.
    """
    remaining = list(weights)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                # Keras: (height, width, in, out), and (height, width, out, in) if transposed.
                _fill(module.weight, remaining.pop(0).transpose(3, 2, 0, 1))
                if module.bias is not None:
                    _fill(module.bias, remaining.pop(0))
            elif isinstance(module, nn.BatchNorm2d):
                tensors = (module.weight, module.bias, module.running_mean, module.running_var)
                for tensor in tensors:
                    _fill(tensor, remaining.pop(0))
    if remaining:
        raise ValueError(f"{len(remaining)} of the weights have no layer")


def _fill(tensor: torch.Tensor, value: np.ndarray) -> None:
    if tuple(tensor.shape) != value.shape:
        raise ValueError(f"weights must have shape {tuple(tensor.shape)}, got {value.shape}")
    tensor.copy_(torch.from_numpy(value.copy()))


def _halve(channels_in: int, channels_out: int, *, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1, bias=bias)


def _double(channels_in: int, channels_out: int, *, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1, bias=bias)
