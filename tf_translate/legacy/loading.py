"""Loads networks that Keras 2 saved, without running any code from the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tf_translate.errors import DataError
from tf_translate.keras_files.memory import bounded_variables
from tf_translate.legacy.network import build_network
from tf_translate.legacy.saved import open_saved_file
from tf_translate.legacy.weights import load_weights


def load_legacy(
    path: str | Path,
    *,
    image_shape: tuple[int, int, int] | None = None,
    custom_objects: Mapping[str, type[keras.layers.Layer]] | None = None,
) -> keras.Model:
    """Reads a functional or Sequential network that Keras 2 saved, such as a generator.

    The file describes layers by name. Known layers (of Keras, and instance and group
    normalization of tensorflow-addons) are rebuilt and get the weights of the file. No code from
    the file is run; a Lambda layer is refused, as it would need that. Initializers, regularizers,
    constraints and the optimizer are ignored. The network computes in float32, even if it was
    trained in mixed precision: its weights are float32 in the file.

    Three custom layers are known by name: `ReflectionPadding2D` of the CycleGAN example of Keras,
    and `InstanceNormalization` of tensorflow-addons and of tensorflow_examples.

    Args:
        path: An H5 file, or a `.keras` file of Keras 2 (tested with 2.15); the content decides.
        image_shape: `(height, width, channels)` for a network that was saved without a fixed size;
            export needs a fixed size.
        custom_objects: Your own classes by their name in the file. Each is built by its
            `from_config` and gets its weights in the saved order.

    Returns:
        The network, not compiled, equal to the saved one within float32 rounding.

    Raises:
        DataError: If the file is missing, damaged or of another format, contradicts
            `image_shape`, or has a layer that is unknown, a Lambda, or has a setting without
            equivalent in Keras 3.
        ValueError: If `custom_objects` holds anything but classes of layers.

    Source: https://github.com/tensorflow/addons, layers/normalizations.py, version 0.23.
    """
    custom = _check_custom_objects(custom_objects)
    try:
        with open_saved_file(Path(path)) as saved:
            with bounded_variables(saved.size):
                rebuilt = build_network(saved.entry, image_shape=image_shape, custom=custom)
            load_weights(rebuilt, saved)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # a damaged or forged description fails in any layer of Keras
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"{path} is damaged, or is not a network that Keras 2 saved: {reason}"
        ) from error
    return rebuilt.layer


def _check_custom_objects(
    custom_objects: Mapping[str, Any] | None,
) -> dict[str, type[keras.layers.Layer]]:
    classes = dict(custom_objects or {})
    for name, value in classes.items():
        if not (isinstance(value, type) and issubclass(value, keras.layers.Layer)):
            raise ValueError(
                f"`custom_objects` must hold classes of Keras layers, got {value!r} for {name!r}"
            )
    return classes
