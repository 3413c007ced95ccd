"""Frozen feature networks: the pretrained ones by name, any other network by its file."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tf_translate.errors import DataError
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.pretrained import dlib_face, efficientnet_lite0, inception_v3, preprocessing

_CHANNELS = (1, 3, 4)
_CHUNK = 16  # images per call: at 224 pixels a side, larger batches need much memory


@dataclass(frozen=True)
class Source:
    """Where a pretrained network comes from.

    Attributes:
        load: Builds the network with its trained weights, downloaded if necessary.
        description: One line for people: its training data, author and license.
    """

    load: Callable[[], keras.Model]
    description: str


def _from_package(module: ModuleType) -> Callable[[], keras.Model]:
    """Builds a network and assigns the weights of its package."""

    def load() -> keras.Model:
        network = module.build()
        module.assign_weights(network, module.read_weights())
        return network

    return load


PRETRAINED = {
    "efficientnet_lite0": Source(
        _from_package(efficientnet_lite0),
        "1,280 features of EfficientNet-Lite0, trained for ImageNet's classes; Google, Apache-2.0 "
        "(the package itself names no license)",
    ),
    "dlib_face": Source(
        _from_package(dlib_face),
        "128 features of dlib's face recognition network, as packaged by face-api (MIT); trained "
        "on photographs of faces, weak on drawings",
    ),
    "inception_v3": Source(
        inception_v3.load,
        "2,048 features of Inception-v3, trained for ImageNet's classes, with the weights of "
        "keras.applications (Apache-2.0). Published FID uses weights of 2015 instead, so its "
        "values are not comparable",
    ),
}

_SHORT = {"inception": "inception_v3"}


@dataclass(frozen=True)
class PretrainedNetwork:
    """A frozen network from images to features.

    Attributes:
        name: Its name in metrics: one of `PRETRAINED`, or the stem of a file.
        network: From `(batch, side, side, 3)` in [-1, 1] to features of any shape.
    """

    name: str
    network: keras.Model

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        _, height, width, _ = self.network.input_shape
        return height, width

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Computes features, float32 `(n, d)`, of float images `(n, h, w, 1, 3 or 4)` in [-1, 1].

        Images of another size are resized by `preprocessing.resize`.
        """
        parts = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
        inputs = (preprocessing.resize(preprocessing.to_rgb(part), self.size) for part in parts)
        features = [np.asarray(self._graph(tf.constant(part))) for part in inputs]
        return np.concatenate(features).reshape(len(images), -1)

    @functools.cached_property
    def _graph(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """The network as a graph, half again as fast as layer by layer."""
        return tf.function(lambda images: self.network(images, training=False))

    def as_model(self, shape: tuple[int, int, int]) -> keras.Model:
        """Builds a model that reads images of one shape and has Keras's own layers only.

        It can be saved, loaded without this package, and exported to a phone. DTN accepts it as
        `model.feature_extractor`.

        Args:
            shape: (height, width, channels) of images in [-1, 1]; channels 1, 3 or 4.

        Returns:
            From `(batch, *shape)` to `(batch, d)`, the same values as `embed`.

        Raises:
            ValueError: If the number of channels is not 1, 3 or 4.
        """
        if shape[-1] not in _CHANNELS or min(shape) < 1:
            raise ValueError(f"`shape` must be (height, width, 1, 3 or 4 channels), got {shape}")
        images = keras.Input(shape, name="image")
        x = preprocessing.to_rgb_in_network(images)
        if tuple(shape[:2]) != self.size:
            x = ops.clip(_resize(x, self.size), -1.0, 1.0)
        features = keras.layers.Flatten(name="flat")(self.network(x))
        return keras.Model(images, features, name=self.name, trainable=False)


def load_pretrained(name: str | Path) -> PretrainedNetwork:
    """Loads a pretrained network, downloaded if necessary, or the network in a `.keras` file.

    Args:
        name: One of `PRETRAINED`, or a path.

    Raises:
        DataError: If there is no such network, its weights cannot be downloaded, or the file
            holds no network from RGB images of one size to features.
    """
    name = _SHORT.get(str(name), name)
    if str(name) in PRETRAINED:
        return PretrainedNetwork(str(name), PRETRAINED[str(name)].load())
    path = Path(name)
    if not path.is_file():
        near = get_close_matches(str(name), PRETRAINED, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise DataError(
            f"a pretrained network must be one of {', '.join(PRETRAINED)} or a .keras file, "
            f"there is no {str(name)!r}{hint}"
        )
    return PretrainedNetwork(path.stem, _load_file(path))


def _load_file(path: Path) -> keras.Model:
    try:
        network = load_keras_file(path, compile=False)
    except DataError as error:
        raise DataError(f"the network {error}") from error
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:] or shape[3] != 3:
        raise DataError(
            f"the network {path} must read images (batch, height, width, 3) of one size, its "
            f"input shape is {shape}"
        )
    network.trainable = False
    return network


def _resize(x, size: tuple[int, int]):
    """Resizes inside a network like `preprocessing.resize`, before clipping.

    It multiplies by one matrix per axis: LiteRT has no bicubic resizing.
    """
    for axis, equation in enumerate(("bhwc,hn->bnwc", "bhwc,wn->bhnc"), 1):
        shape = [*x.shape[1:]]
        shape[axis - 1] = size[axis - 1]
        layer = keras.layers.EinsumDense(equation, tuple(shape))
        input_side = x.shape[axis]
        x = layer(x)
        layer.set_weights([_resizing_matrix(input_side, size[axis - 1])])
    return x


def _resizing_matrix(input_side: int, output_side: int) -> np.ndarray:
    """The linear map that resizes one axis: `(input_side, output_side)`."""
    basis = np.eye(input_side, dtype=np.float32)[None, :, :, None]
    resized = tf.image.resize(basis, (output_side, input_side), method="bicubic", antialias=True)
    return np.asarray(resized)[0, :, :, 0].T
