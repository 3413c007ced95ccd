"""Writes the ResNet-9 of `scripts/bench export` in PyTorch as TorchScript and as ONNX.

python -m scripts.benchmarks.pytorch.export FOLDER      after the step that writes the bundle
"""

import sys
from pathlib import Path

import numpy as np
import torch

from scripts.benchmarks.pytorch.networks import copy_weights, resnet

OPSET = 17
TOLERANCE = 1e-3  # runtimes sum in different orders; a wrong layer exceeds this by far


def main(folder: Path) -> None:
    """Writes model.pt and model.onnx after comparing PyTorch's output with the bundle's."""
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
    """The output of the bundle's float32 file for the image."""
    import exporters

    runner = exporters.Runner(exporters.open_bundle(folder / "bundle"))
    return runner.run("a_to_b", {"image": np.load(folder / "image.npy")})["image"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
