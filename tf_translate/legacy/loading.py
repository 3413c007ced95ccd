"""The door: a file of Keras 2 in, a network of Keras 3 out, nothing in the file being run."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tf_translate.errors import DataError
from tf_translate.legacy.network import network_of
from tf_translate.legacy.saved import open_saved
from tf_translate.legacy.weights import fill

# What a damaged or forged description can make Python and Keras say.
_DAMAGE = (
    *(ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error, tf.errors.OpError),
)


def load_legacy(
    path: str | Path,
    *,
    image_shape: tuple[int, int, int] | None = None,
    custom_objects: Mapping[str, type[keras.layers.Layer]] | None = None,
) -> keras.Model:
    """Reads a functional or Sequential network that Keras 2 saved, such as a generator.

    The file describes layers by name; known ones are made anew (Keras's own, and instance and
    group normalisation of tensorflow-addons) and given the file's numbers. Nothing that the file
    holds is run: a Lambda layer, whose code would be, is refused. Initializers, regularizers and
    constraints are left out, and the optimizer too. It computes in float32, also where it was
    trained in mixed precision: the weights of such networks are float32.

    Three layers of others are known by their names: `ReflectionPadding2D` of Keras's CycleGAN
    example, and `InstanceNormalization` of tensorflow-addons and of tensorflow_examples.

    Args:
        path: An H5 file, or a `.keras` file of Keras 2 (tried: 2.15); the content decides.
        image_shape: `(height, width, channels)` for a network that was saved with free sides:
            exporting needs them known.
        custom_objects: Classes of yours by the name that the file has for them; each is made
            by its `from_config` and gets its weights in the order in which they were saved.

    Returns:
        The network, not compiled, equal to the saved one within float32's rounding.

    Raises:
        DataError: If the file is missing, damaged or of another kind, or has a layer that is
            unknown, a Lambda, or set in a way that has no equal here, or contradicts
            `image_shape`.
        ValueError: If `custom_objects` holds anything but classes of layers.

    Source: https://github.com/tensorflow/addons, layers/normalizations.py, version 0.23.
    """
    custom = _named(custom_objects)
    try:
        with open_saved(Path(path)) as saved:
            piece = network_of(saved.entry, image_shape=image_shape, custom=custom)
            fill(piece, saved)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except _DAMAGE as error:
        said = " ".join(str(error).split())[:300]
        raise DataError(f"{path} is damaged, or no network that Keras 2 saved: {said}") from error
    return piece.layer


def _named(custom_objects: Mapping[str, Any] | None) -> dict[str, type[keras.layers.Layer]]:
    chosen = dict(custom_objects or {})
    for name, value in chosen.items():
        if not (isinstance(value, type) and issubclass(value, keras.layers.Layer)):
            raise ValueError(
                f"`custom_objects` must hold classes of Keras layers, got {value!r} for {name!r}"
            )
    return chosen
