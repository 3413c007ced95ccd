"""Frozen networks whose features others know too: pretrained ones by name, any by its file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tf_translate.errors import DataError
from tf_translate.packages import Package
from tf_translate.pretrained import dlib_face, efficientnet_lite0, network_inputs

_CHANNELS = (1, 3, 4)
_CHUNK = 16  # images in one go: enlarged to 224 pixels they fill memory soon


@dataclass(frozen=True)
class Pretrained:
    """A network that a package holds.

    Attributes:
        package: Where its weights are.
        network: Builds it, from images in [-1, 1].
        weights: Reads the weights.
        fill: Puts them into the network.
        meaning: One line for people: what it was trained for, whose it is.
    """

    package: Package
    network: Callable[[], keras.Model]
    weights: Callable[[], dict[str, np.ndarray]]
    fill: Callable[[keras.Model, Mapping[str, np.ndarray]], None]
    meaning: str


PRETRAINED = {
    "lite0": Pretrained(
        efficientnet_lite0.PACKAGE,
        efficientnet_lite0.network,
        efficientnet_lite0.weights,
        efficientnet_lite0.fill,
        "1,280 features of EfficientNet-Lite0, trained for ImageNet's classes; Google, Apache-2.0 "
        "(the package itself names no license)",
    ),
    "face128": Pretrained(
        dlib_face.PACKAGE,
        dlib_face.network,
        dlib_face.weights,
        dlib_face.fill,
        "128 features of dlib's face identity_embedder, in face-api's form (MIT); made for photographs of "
        "faces, weak on drawings",
    ),
}


@dataclass(frozen=True)
class Features:
    """A frozen network from images to features.

    Attributes:
        name: As metrics are called by: "lite0", or the stem of a file.
        network: From `(batch, side, side, 3)` in [-1, 1] to features of any shape.
    """

    name: str
    network: keras.Model

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the network reads."""
        _, height, width, _ = self.network.input_shape
        return height, width

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Gives float32 `(n, d)` for float images `(n, h, w, 1, 3 or 4)` in [-1, 1].

        Images of another size are resized as `network_inputs.at_size` does it.
        """
        parts = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
        seen = (network_inputs.at_size(network_inputs.as_colour(part), self.size) for part in parts)
        features = [np.asarray(self.network(part, training=False)) for part in seen]
        return np.concatenate(features).reshape(len(images), -1)

    def as_model(self, shape: tuple[int, int, int]) -> keras.Model:
        """Gives the network for images of one shape, as a model of Keras's own layers only.

        It can be saved and loaded anywhere, exported to a phone, and takes the place of a
        identity embedder in a method (`model.features` of DTN).

        Args:
            shape: (height, width, channels) of images in [-1, 1]; channels 1, 3 or 4.

        Returns:
            From `(batch, *shape)` to `(batch, d)`, the same as `embed`.

        Raises:
            ValueError: If there are other channels.
        """
        if shape[-1] not in _CHANNELS or min(shape) < 1:
            raise ValueError(f"`shape` must be (height, width, 1, 3 or 4 channels), got {shape}")
        images = keras.Input(shape, name="image")
        x = _colour(images)
        if tuple(shape[:2]) != self.size:
            x = ops.clip(_resized(x, self.size), -1.0, 1.0)
        features = keras.layers.Flatten(name="flat")(self.network(x))
        return keras.Model(images, features, name=self.name, trainable=False)


def load_features(name: str | Path) -> Features:
    """Gives a pretrained network, fetched if need be, or the one in a `.keras` file.

    Args:
        name: One of `PRETRAINED`, or a path.

    Raises:
        DataError: If there is none, its package cannot be had, or the file holds no network from
            colour images of one size to features.
    """
    if str(name) in PRETRAINED:
        chosen = PRETRAINED[str(name)]
        network = chosen.network()
        chosen.fill(network, chosen.weights())
        return Features(str(name), network)
    path = Path(name)
    if not path.is_file():
        near = get_close_matches(str(name), PRETRAINED, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise DataError(
            f"features must be one of {', '.join(PRETRAINED)} or a .keras file, there is no "
            f"{str(name)!r}{hint}"
        )
    return Features(path.stem, _loaded(path))


def _loaded(path: Path) -> keras.Model:
    try:
        network = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"the network {path} cannot be loaded: {reason}") from error
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:] or shape[3] != 3:
        raise DataError(
            f"the network {path} must read images (batch, height, width, 3) of one size, it reads "
            f"{shape}"
        )
    network.trainable = False
    return network


def _resized(x, size: tuple[int, int]):
    """As `network_inputs.at_size` before it clips, as two matrices: phones know no bicubic resizing."""
    for axis, equation in enumerate(("bhwc,hn->bnwc", "bhwc,wn->bhnc"), 1):
        shape = [*x.shape[1:]]
        shape[axis - 1] = size[axis - 1]
        resize = keras.layers.EinsumDense(equation, tuple(shape))
        before = x.shape[axis]
        x = resize(x)
        resize.set_weights([_resizing_matrix(before, size[axis - 1])])
    return x


def _resizing_matrix(before: int, after: int) -> np.ndarray:
    """What becomes of each of `before` places: `(before, after)`."""
    places = np.eye(before, dtype=np.float32)[None, :, :, None]
    resized = tf.image.resize(places, (after, before), method="bicubic", antialias=True)
    return np.asarray(resized)[0, :, :, 0].T


def _colour(images):
    """As `network_inputs.as_colour`, inside a network."""
    if images.shape[-1] == 1:
        return keras.layers.Concatenate()([images, images, images])
    if images.shape[-1] == 4:
        alpha = (images[..., 3:] + 1.0) / 2.0
        return images[..., :3] * alpha + (1.0 - alpha)  # white is 1
    return images
