"""A network in a file of Keras, as a signature to export: `tf-translate export MODEL.keras`."""

import pkgutil
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import keras
import numpy as np

import tf_translate.layers
from tf_translate import images
from tf_translate.aspect import onto_canvas
from tf_translate.config.data import Aspect
from tf_translate.core.signature import Signature, image_signature
from tf_translate.core.translator import Translator
from tf_translate.errors import ConfigError, DataError
from tf_translate.image_files import find_images
from tf_translate.keras_files import archive as archives
from tf_translate.keras_files.loading import keras_version, load_keras_file
from tf_translate.layers.value_ranges import ImageRanges
from tf_translate.legacy.loading import load_legacy
from tf_translate.networks.inference_behavior import describe_inference

Size = tuple[int, int, int]  # height, width, channels
MAX_CANDIDATES = 1000  # images of a folder, evenly spaced


def load_network(path: Path, image_shape: Size | None = None) -> keras.Model:
    """Loads a network from one image to one image, and runs no code of its file.

    Args:
        path: A `.keras` file of Keras 2 or 3, or an H5 file of Keras 2.
        image_shape: Height, width and channels for a network without fixed sides.

    Returns:
        The network, with fixed sides.

    Raises:
        DataError: If the file cannot be read, or holds another kind of network.
        ConfigError: If it needs `image_shape`, or contradicts it.
    """
    network = _read(path, image_shape)
    if isinstance(network, Translator):
        raise DataError(f"{path} is the model of a run; give the folder of the run")
    shapes = (getattr(network, "input_shape", None), getattr(network, "output_shape", None))
    if not all(isinstance(each, tuple) and len(each) == 4 for each in shapes):
        raise DataError(
            f"{path} maps {shapes[0]} to {shapes[1]}; a network from one image "
            "(batch, height, width, channels) to one image can be exported from a file, others by "
            "`exporters.export` in Python"
        )
    return _with_sides(path, network, image_shape)


def network_signature(network: keras.Model, ranges: ImageRanges) -> Signature:
    """The signature `a_to_b` of a network, with the value ranges of its images."""
    behavior = describe_inference(network)
    return image_signature(
        "a_to_b", network, behavior, input_range=ranges.input, output_range=ranges.output
    )


def pixels_in(
    folder: Path, shape: Size, *, aspect: Aspect, report: Callable[[str], None]
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
    count = min(len(found.paths), MAX_CANDIDATES)
    at = np.linspace(0, len(found.paths) - 1, count).round().astype(int)
    read = (images.read(found.paths[index], channels=channels) for index in at)
    return np.stack([onto_canvas(each, (height, width), aspect) for each in read])


def _read(path: Path, image_shape: Size | None) -> keras.Model:
    if not zipfile.is_zipfile(path):
        return load_legacy(path, image_shape=image_shape)
    try:
        with archives.open_archive(path) as archive:
            metadata = archives.read_member(archive, archives.METADATA, archives.MAX_DESCRIPTION)
        version = keras_version(metadata)
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    if version.startswith("2."):
        return load_legacy(path, image_shape=image_shape)
    for module in pkgutil.iter_modules(tf_translate.layers.__path__, "tf_translate.layers."):
        import_module(module.name)  # registers its layers
    return load_keras_file(path, compile=False)


def _with_sides(path: Path, network: keras.Model, image_shape: Size | None) -> keras.Model:
    declared = network.input_shape[1:]
    if image_shape is None:
        if None in declared or None in network.output_shape[1:]:
            raise ConfigError(
                f"{path} takes images of shape {declared}, and phones need fixed sides; give "
                "--image-shape HEIGHT WIDTH CHANNELS"
            )
        return network
    if any(side not in (None, given) for side, given in zip(declared, image_shape, strict=True)):
        raise ConfigError(
            f"--image-shape must agree with {declared}, which {path} takes, got {image_shape}"
        )
    if declared == image_shape:
        return network
    image = keras.Input(image_shape, name="image")
    return keras.Model(image, network(image), name="fixed_sides")
