"""dlib's face identity embedder in face-api's form, as a frozen feature network: 128 numbers a face."""

import json
import tarfile
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from tf_translate.errors import DataError
from tf_translate.packages import Packed, obtain

SIDE = 150
WIDTH = 128
PACKAGE = Packed(
    "@vladmandic/face-api",
    "1.7.15",
    "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
)
_FILES = "package/model/face_recognition_model"
_MEAN, _SCALE = (122.782, 117.001, 104.298), 255.0  # of pixels in [0, 255]
# A block halves the image where its name ends in "down"; face-api's names, dlib's order.
BLOCKS = (
    ("conv32_1", 32),
    ("conv32_2", 32),
    ("conv32_3", 32),
    ("conv64_down", 64),
    ("conv64_1", 64),
    ("conv64_2", 64),
    ("conv64_3", 64),
    ("conv128_down", 128),
    ("conv128_1", 128),
    ("conv128_2", 128),
    ("conv256_down", 256),
    ("conv256_1", 256),
    ("conv256_2", 256),
    ("conv256_down_out", 256),
)


def weights() -> dict[str, np.ndarray]:
    """The trained weights by the names they have in the package, fetched if need be."""
    with tarfile.open(obtain(PACKAGE)) as opened:

        def content(name: str) -> bytes:
            member = opened.extractfile(name)
            assert member is not None, "the package's hash is right"
            return member.read()

        manifest = json.loads(content(f"{_FILES}-weights_manifest.json"))
        return read_manifest(manifest, content(f"{_FILES}.bin"))


def read_manifest(manifest: list[dict], data: bytes) -> dict[str, np.ndarray]:
    """Reads weights as TensorFlow.js keeps them: one after the other, float32 or 8 bits.

    Args:
        manifest: Groups of `weights`: name, shape and, where 8 bits are kept, `quantization`
            with scale and min.
        data: The numbers of all groups.

    Raises:
        DataError: If there are more or fewer numbers than the manifest says.
    """
    found, place = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        count, small = int(np.prod(entry["shape"])), entry.get("quantization")
        dtype = np.dtype(np.uint8 if small else "<f4")
        part = data[place : place + count * dtype.itemsize]
        place += count * dtype.itemsize
        if len(part) != count * dtype.itemsize:
            raise DataError(f"the weights end before {entry['name']} is whole: fetch them again")
        numbers = np.frombuffer(part, dtype).astype(np.float32)
        if small:
            numbers = numbers * np.float32(small["scale"]) + np.float32(small["min"])
        found[entry["name"]] = numbers.reshape(entry["shape"])
    if place != len(data):
        raise DataError(f"the weights have {len(data)} bytes, their manifest says {place}")
    return found


def network() -> keras.Model:
    """Builds the network from images `(150, 150, 3)` in [-1, 1] to 128 features.

    Scales that follow convolutions are folded into them.

    Source: King 2017, dlib's face_recognition_resnet_model_v1 (29 convolutions, after He et al.
    2015, https://arxiv.org/abs/1512.03385, with half the filters and fewer layers).
    """
    images = keras.Input((SIDE, SIDE, 3), name="image")
    middle = [value / 127.5 - 1.0 for value in _MEAN]
    x = keras.layers.Normalization(mean=middle, variance=[(_SCALE / 127.5) ** 2] * 3)(images)
    x = keras.layers.Conv2D(32, 7, 2, activation="relu", name="conv32_down")(x)  # (B, 72, 72, 32)
    x = keras.layers.MaxPooling2D(3, 2)(x)  # (B, 35, 35, 32)
    for name, channels in BLOCKS:
        x = _block(x, channels, name)
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, 256)
    features = keras.layers.Dense(WIDTH, use_bias=False, name="fc")(x)
    return keras.Model(images, features, name="face128", trainable=False)


def fill(model: keras.Model, named: Mapping[str, np.ndarray]) -> None:
    """Puts trained weights into the network, each scale into its convolution."""
    model.get_layer("fc").set_weights([named["fc"]])
    convolutions = [f"{block}/{part}" for block, _ in BLOCKS for part in ("conv1", "conv2")]
    for name in ("conv32_down", *convolutions):
        scale = named[f"{name}/scale/weights"]
        kernel = named[f"{name}/conv/filters"] * scale
        bias = named[f"{name}/conv/bias"] * scale + named[f"{name}/scale/biases"]
        model.get_layer(name.replace("/", "_")).set_weights([kernel, bias])


def _block(x, channels: int, name: str):
    """A residual block; what passes by it is pooled and filled up with zeros to fit."""
    convolution = keras.layers.Conv2D
    if "down" in name:
        y = convolution(channels, 3, 2, activation="relu", name=f"{name}_conv1")(x)
        x = keras.layers.AveragePooling2D(2)(x)
    else:
        y = convolution(channels, 3, padding="same", activation="relu", name=f"{name}_conv1")(x)
    y = convolution(channels, 3, padding="same", name=f"{name}_conv2")(y)
    return ops.relu(_filled(y, x.shape) + _filled(x, y.shape))


def _filled(x, shape):
    """Zeros below, to the right and in further channels, as far as `shape` is larger."""
    missing = [max(0, there - here) for here, there in zip(x.shape[1:], shape[1:], strict=True)]
    return ops.pad(x, [[0, 0], *([0, more] for more in missing)]) if any(missing) else x
