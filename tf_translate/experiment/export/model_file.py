"""A network in a file, as a signature to export: `tf-translate export MODEL.keras`."""

import pkgutil
import zipfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np

import exporters
import tf_translate.layers
from exporters.untrusted.saved_model import check as check_saved_model
from tf_translate.config.data import Aspect
from tf_translate.core.signature import Signature, image_signature
from tf_translate.core.translator import Translator
from tf_translate.data.image_format import ImageFormat
from tf_translate.errors import ConfigError, DataError
from tf_translate.experiment.export.calibration_images import read_spread
from tf_translate.image_files import find_images
from tf_translate.keras_files import archive as archives
from tf_translate.keras_files.loading import keras_version, load_keras_file
from tf_translate.layers.value_ranges import ImageRanges, Range
from tf_translate.legacy.loading import load_legacy
from tf_translate.networks.inference_behavior import describe_inference

Size = tuple[int, int]  # height, width
Shape = tuple[int, int, int]  # height, width, channels


def load_network(path: Path, size: Size | None = None) -> keras.Model:
    """Loads a network and runs no code of its file.

    Args:
        path: A `.keras` file of Keras 2 or 3, or an H5 file of Keras 2.
        size: Height and width for a network without fixed sides.

    Returns:
        The network, with fixed sides if it maps one image to one image.

    Raises:
        DataError: If the file cannot be read, or is the model of a run.
        ConfigError: If it needs `size`, or contradicts it.
    """
    network = _read(path, size)
    if isinstance(network, Translator):
        raise DataError(f"{path} is the model of a run; give the folder of the run")
    return _with_sides(path, network, size) if maps_one_image(network) else network


def maps_one_image(network: keras.Model) -> bool:
    """Whether a network maps one image to one image, or one map of features to another."""
    shapes = (getattr(network, "input_shape", None), getattr(network, "output_shape", None))
    return all(isinstance(each, tuple) and len(each) == 4 for each in shapes)


def other_signature(
    model: keras.Model | Path, size: Size | None, ranges: Sequence[Range | None]
) -> exporters.Signature:
    """The signature `a_to_b` of a network with other inputs or outputs, or of a SavedModel.

    Args:
        model: The network, or the folder of a SavedModel, of whose operations none may write files.
        size: Height and width of images whose sides it leaves open.
        ranges: Minimum and maximum of its input images and of its output images; None to look at
            the layers.

    Raises:
        ModelError: If the SavedModel has other operations than those of image models.
        ExportError: If the model cannot be exported so.
    """
    if isinstance(model, Path):
        check_saved_model(model, to_export=True)
    unscaled = exporters.signature_of(model, size=size)
    given = {
        tensor.name: limits
        for tensors, limits in zip((unscaled.inputs, unscaled.outputs), ranges, strict=True)
        for tensor in tensors
        if limits is not None and tensor.dtype == "float32" and tensor.value_range is not None
    }
    return exporters.signature_of(model, size=size, ranges=given) if given else unscaled


def network_signature(network: keras.Model, ranges: ImageRanges) -> Signature:
    """The signature `a_to_b` of a network, with the value ranges of its images."""
    behavior = describe_inference(network)
    return image_signature(
        "a_to_b", network, behavior, input_range=ranges.input, output_range=ranges.output
    )


def pixels_in(
    folder: Path, shape: Shape, *, aspect: Aspect, report: Callable[[str], None]
) -> np.ndarray:
    """The images of a folder at the size of a network, at most 1,000, evenly spaced.

    Args:
        folder: Images of any size.
        shape: Height, width and channels.
        aspect: How they are brought to that size.
        report: Called with a line that says what was found.

    Returns:
        uint8 `(n, *shape)`.

    Raises:
        DataError: If there is no image, or one is broken.
    """
    height, width, channels = shape
    found = find_images(folder)
    report(str(found))
    return read_spread(found, ImageFormat((height, width), channels, aspect), report, "--aspect")


def _read(path: Path, size: Size | None) -> keras.Model:
    legacy_shape: Any = None if size is None else (*size, None)  # channels as saved
    if not zipfile.is_zipfile(path):
        return load_legacy(path, image_shape=legacy_shape)
    try:
        with archives.open_archive(path) as archive:
            metadata = archives.read_member(archive, archives.METADATA, archives.MAX_DESCRIPTION)
        version = keras_version(metadata)
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    if version.startswith("2."):
        return load_legacy(path, image_shape=legacy_shape)
    for module in pkgutil.iter_modules(tf_translate.layers.__path__, "tf_translate.layers."):
        import_module(module.name)  # registers its layers
    return load_keras_file(path, compile=False)


def _with_sides(path: Path, network: keras.Model, size: Size | None) -> keras.Model:
    declared = network.input_shape[1:]
    if size is None:
        if None in declared or None in network.output_shape[1:]:
            raise ConfigError(
                f"{path} takes images of shape {declared}, and phones need fixed sides; give "
                "--size HEIGHT WIDTH"
            )
        return network
    if any(side not in (None, given) for side, given in zip(declared, size, strict=False)):
        raise ConfigError(
            f"--size must agree with {declared}, which {path} takes, got {size[0]} {size[1]}"
        )
    if declared[-1] is None:
        raise ConfigError(f"{path} leaves the number of channels open; save it with a fixed one")
    if declared[:2] == size:
        return network
    image = keras.Input((*size, declared[-1]), name="image")
    return keras.Model(image, network(image), name="fixed_sides")
