"""Runtimes for one network: LiteRT for bundles, ONNX Runtime and PyTorch for comparison.

The latter two are used if they are installed; neither is a dependency.
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from exporters.bundle.bundle import open_bundle
from exporters.errors import ExportError
from exporters.inference.runner import Runner

Run = Callable[[], Mapping[str, np.ndarray]]
OTHERS = {".onnx": "onnxruntime", ".pt": "torch"}  # suffix of a file -> package that runs it


def load(file: Path, threads: int, inputs: Mapping[str, np.ndarray], **selection: str) -> Run:
    """Loads a network and returns a function that runs it once.

    Args:
        file: A bundle's folder (then `selection` holds `recipe` and `signature`), an `.onnx`
            file, or a `.pt` file of TorchScript.
        threads: Processor threads, at least 1.
        inputs: Inputs of every run, images as `(batch, height, width, channels)`. For networks
            with `(batch, channels, height, width)` they are transposed beforehand.

    Returns:
        A function without arguments that returns outputs by name, with channels last.

    Raises:
        ExportError: If the type of the file is unknown or the package that runs it is missing.
    """
    if file.is_dir():
        runner = Runner(open_bundle(file), recipe=selection["recipe"], threads=threads)
        return lambda: runner.run(selection["signature"], inputs)
    loaders = {".onnx": _onnx, ".pt": _torch}
    if file.suffix not in loaders:
        raise ExportError(
            f"`compare` must be a file that ends in {' or '.join(loaders)}, got {file.name!r}; "
            "write one with torch.onnx.export or torch.jit.save"
        )
    if not file.is_file():
        raise ExportError(f"`compare` names the file {file}, which is not there")
    return loaders[file.suffix](file, threads, list(inputs.values()))


def installed(name: str) -> ModuleType:
    """Imports a package; ExportError with its pip command if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ExportError(
            f"{name} is needed to compare with such a file and is not installed: pip install {name}"
        ) from error


def _onnx(file: Path, threads: int, inputs: list[np.ndarray]) -> Run:
    runtime = installed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    arguments = session.get_inputs()
    _check_count(file, len(arguments), len(inputs))
    feeds = {
        argument.name: to_layout(values, tuple(argument.shape))
        for argument, values in zip(arguments, inputs, strict=True)
    }
    names = [output.name for output in session.get_outputs()]
    return lambda: dict(zip(names, map(_channels_last, session.run(None, feeds)), strict=True))


def _torch(file: Path, threads: int, inputs: list[np.ndarray]) -> Run:
    torch = installed("torch")
    torch.set_num_threads(threads)
    module = torch.jit.load(str(file)).eval()
    tensors = [torch.from_numpy(np.ascontiguousarray(_channels_first(values))) for values in inputs]

    def run() -> Mapping[str, np.ndarray]:
        # The profiling executor would spend minutes on optimisations that do not help here.
        with torch.inference_mode(), torch.jit.optimized_execution(False):
            outputs: Any = module(*tensors)
        several = outputs if isinstance(outputs, tuple | list) else (outputs,)
        return {str(index): _channels_last(value.numpy()) for index, value in enumerate(several)}

    return run


def _check_count(file: Path, expected: int, actual: int) -> None:
    if expected != actual:
        raise ExportError(
            f"{file.name} takes {expected} input(s) and the signature {actual}; compare one "
            "network with itself"
        )


def to_layout(images: np.ndarray, shape: tuple[Any, ...]) -> np.ndarray:
    """Images `(batch, height, width, channels)` with the axes in the order of `shape`."""
    if len(shape) != 4 or images.ndim != 4 or shape[-1] == images.shape[-1]:
        return images
    return np.ascontiguousarray(_channels_first(images))


def _channels_first(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 3, 1, 2) if images.ndim == 4 else images


def _channels_last(images: np.ndarray) -> np.ndarray:
    return (
        images.transpose(0, 2, 3, 1) if images.ndim == 4 and _is_channels_first(images) else images
    )


def _is_channels_first(images: np.ndarray) -> bool:
    """Whether channels come first: at most 4 of them, and fewer than columns."""
    return images.shape[1] <= 4 < images.shape[3]
