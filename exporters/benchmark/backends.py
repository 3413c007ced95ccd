"""Runtimes that can run one network: LiteRT for bundles, ONNX Runtime and PyTorch to compare with.

The other two are used where they are installed; neither is a dependency.
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


def load(file: Path, threads: int, inputs: Mapping[str, np.ndarray], **place: str) -> Run:
    """Loads a network and gives a function that runs it once.

    Args:
        file: A bundle's folder (then `place` holds `recipe` and `signature`), an `.onnx` file,
            or a `.pt` file of TorchScript.
        threads: Processor threads, at least 1.
        inputs: What it is fed every time, images as `(batch, height, width, channels)`; networks
            of `(batch, channels, height, width)` get theirs turned, ahead of time.

    Returns:
        A function without arguments that gives outputs by name, channels of images last.

    Raises:
        ExportError: If the file is of no known kind or the package that runs it is missing.
    """
    if file.is_dir():
        runner = Runner(open_bundle(file), recipe=place["recipe"], threads=threads)
        return lambda: runner.run(place["signature"], inputs)
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
    """Imports a package; ExportError with its pip command if it is not there."""
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
    takes = session.get_inputs()
    _check_count(file, len(takes), len(inputs))
    fed = {
        taken.name: turned(values, tuple(taken.shape))
        for taken, values in zip(takes, inputs, strict=True)
    }
    names = [given.name for given in session.get_outputs()]
    return lambda: dict(zip(names, map(_to_last, session.run(None, fed)), strict=True))


def _torch(file: Path, threads: int, inputs: list[np.ndarray]) -> Run:
    torch = installed("torch")
    torch.set_num_threads(threads)
    module = torch.jit.load(str(file)).eval()
    fed = [torch.from_numpy(np.ascontiguousarray(_to_first(values))) for values in inputs]

    def run() -> Mapping[str, np.ndarray]:
        # The profiling executor would spend minutes on plans that convolutions do not need.
        with torch.inference_mode(), torch.jit.optimized_execution(False):
            outputs: Any = module(*fed)
        several = outputs if isinstance(outputs, tuple | list) else (outputs,)
        return {str(place): _to_last(value.numpy()) for place, value in enumerate(several)}

    return run


def _check_count(file: Path, takes: int, given: int) -> None:
    if takes != given:
        raise ExportError(
            f"{file.name} takes {takes} input(s) and the signature {given}; compare one network "
            "with itself"
        )


def turned(images: np.ndarray, shape: tuple[Any, ...]) -> np.ndarray:
    """Images `(batch, height, width, channels)` in the order of axes that `shape` asks for."""
    if len(shape) != 4 or images.ndim != 4 or shape[-1] == images.shape[-1]:
        return images
    return np.ascontiguousarray(_to_first(images))


def _to_first(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 3, 1, 2) if images.ndim == 4 else images


def _to_last(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 2, 3, 1) if images.ndim == 4 and _first(images) else images


def _first(images: np.ndarray) -> bool:
    """Whether channels come first: there are few of them, fewer than columns."""
    return images.shape[1] <= 4 < images.shape[3]
