"""The same ResNet-9 in PyTorch with the same weights, as TorchScript and as ONNX.

python scripts/bench_export_torch.py FOLDER      after `bench_export.py prepare FOLDER`
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

OPSET = 17
TOLERANCE = 1e-3  # runtimes sum in another order; a wrong layer misses by far more


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
        )  # fmt: skip

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.body(features)


def resnet(blocks: int = 9, base: int = 64) -> nn.Sequential:
    """CycleGAN's generator as its authors wrote it: images (batch, 3, height, width) in [-1, 1]."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, base, 7)]
    layers += [nn.InstanceNorm2d(base), nn.ReLU()]
    for channels in (base, 2 * base):
        layers += [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1)]
        layers += [nn.InstanceNorm2d(2 * channels), nn.ReLU()]
    layers += [Residual(4 * base) for _ in range(blocks)]
    for channels in (4 * base, 2 * base):
        up = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1)
        layers += [up, nn.InstanceNorm2d(channels // 2), nn.ReLU()]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(base, 3, 7), nn.Tanh())


def copy_weights(network: nn.Module, weights: list[np.ndarray]) -> None:
    """Fills convolutions in order; a convolution without a bias in Keras gets zeros."""
    waiting = list(weights)
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    with torch.no_grad():
        for layer in (each for each in network.modules() if isinstance(each, kinds)):
            # Keras (height, width, in, out), transposed (height, width, out, in).
            kernel = torch.from_numpy(waiting.pop(0)).permute(3, 2, 0, 1)
            layer.weight.copy_(kernel)
            has_bias = waiting and waiting[0].ndim == 1
            layer.bias.copy_(torch.from_numpy(waiting.pop(0)) if has_bias else torch.tensor(0.0))
    if waiting:
        raise ValueError(f"{len(waiting)} of the weights belong to no layer")


def main(folder: Path) -> None:
    """Writes model.pt and model.onnx, and checks that they compute what the bundle does."""
    network = resnet().eval()
    with np.load(folder / "weights.npz") as file:
        copy_weights(network, [file[name] for name in sorted(file.files)])
    image = torch.from_numpy(np.load(folder / "image.npy").transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        output = network(image).numpy()
    expected = bundled_output(folder)
    difference = float(np.abs(output.transpose(0, 2, 3, 1) - expected).max())
    if difference > TOLERANCE:
        raise ValueError(f"PyTorch's output is off by {difference:.3g}: not the same network")
    torch.jit.freeze(torch.jit.trace(network, image)).save(str(folder / "model.pt"))
    torch.onnx.export(
        network, (image,), str(folder / "model.onnx"), opset_version=OPSET, dynamo=False,
        input_names=["image"], output_names=["output"],
    )  # fmt: skip
    print(f"PyTorch and LiteRT differ by {difference:.2g} at most")


def bundled_output(folder: Path) -> np.ndarray:
    """What the bundle's float32 file makes of the image."""
    import exporters

    runner = exporters.Runner(exporters.open_bundle(folder / "bundle"))
    return runner.run("a_to_b", {"image": np.load(folder / "image.npy")})["image"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
