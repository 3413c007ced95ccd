"""dlib's face recognition network, as packaged by face-api: 128 features of a face."""

import json
import tarfile
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from tf_translate.errors import DataError
from tf_translate.packages import NpmPackage, obtain

SIDE = 150
WIDTH = 128
PACKAGE = NpmPackage(
    "@vladmandic/face-api",
    "1.7.15",
    "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
)
_FILES = "package/model/face_recognition_model"
_MEAN, _STANDARD_DEVIATION = (122.782, 117.001, 104.298), 255.0  # of pixels in [0, 255]
# A block with "down" in its name halves height and width. Names are face-api's, order is dlib's.
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


def read_weights() -> dict[str, np.ndarray]:
    """Reads the trained weights by their names in the package, downloaded if necessary."""
    with tarfile.open(obtain(PACKAGE)) as opened:

        def content(name: str) -> bytes:
            member = opened.extractfile(name)
            assert member is not None, "the hash of the package was checked"
            return member.read()

        manifest = json.loads(content(f"{_FILES}-weights_manifest.json"))
        return read_manifest(manifest, content(f"{_FILES}.bin"))


def read_manifest(manifest: list[dict], data: bytes) -> dict[str, np.ndarray]:
    """Reads weights in the format of TensorFlow.js: concatenated, float32 or 8 bits each.

    Args:
        manifest: Groups of `weights`: name, shape and, for weights of 8 bits, `quantization`
            with scale and min.
        data: The bytes of all groups.

    Raises:
        DataError: If `data` does not have the length that the manifest declares.
    """
    arrays, offset = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        count, quantization = int(np.prod(entry["shape"])), entry.get("quantization")
        dtype = np.dtype(np.uint8 if quantization else "<f4")
        part = data[offset : offset + count * dtype.itemsize]
        offset += count * dtype.itemsize
        if len(part) != count * dtype.itemsize:
            raise DataError(f"the weights are truncated in {entry['name']}: download them again")
        values = np.frombuffer(part, dtype).astype(np.float32)
        if quantization:
            scale, least = np.float32(quantization["scale"]), np.float32(quantization["min"])
            values = values * scale + least
        arrays[entry["name"]] = values.reshape(entry["shape"])
    if offset != len(data):
        raise DataError(f"the weights have {len(data)} bytes, their manifest declares {offset}")
    return arrays


def build() -> keras.Model:
    """Builds the network from images `(150, 150, 3)` in [-1, 1] to 128 features.

    The scale after each convolution is folded into its weights.

    Source: King 2017, dlib's face_recognition_resnet_model_v1 (29 convolutions, after He et al.
    2015, https://arxiv.org/abs/1512.03385, with half the filters and fewer layers).
    """
    images = keras.Input((SIDE, SIDE, 3), name="image")
    mean = [value / 127.5 - 1.0 for value in _MEAN]
    x = keras.layers.Normalization(mean=mean, variance=[(_STANDARD_DEVIATION / 127.5) ** 2] * 3)(
        images
    )
    x = keras.layers.Conv2D(32, 7, 2, activation="relu", name="conv32_down")(x)  # (B, 72, 72, 32)
    x = keras.layers.MaxPooling2D(3, 2)(x)  # (B, 35, 35, 32)
    for name, channels in BLOCKS:
        x = _block(x, channels, name)
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, 256)
    features = keras.layers.Dense(WIDTH, use_bias=False, name="fc")(x)
    return keras.Model(images, features, name="dlib_face", trainable=False)


def assign_weights(model: keras.Model, named: Mapping[str, np.ndarray]) -> None:
    """Assigns trained weights to the network and folds each scale into its convolution."""
    model.get_layer("fc").set_weights([named["fc"]])
    convolutions = [f"{block}/{part}" for block, _ in BLOCKS for part in ("conv1", "conv2")]
    for name in ("conv32_down", *convolutions):
        scale = named[f"{name}/scale/weights"]
        kernel = named[f"{name}/conv/filters"] * scale
        bias = named[f"{name}/conv/bias"] * scale + named[f"{name}/scale/biases"]
        model.get_layer(name.replace("/", "_")).set_weights([kernel, bias])


def _block(x, channels: int, name: str):
    """A residual block; its shortcut is average-pooled and zero-padded to the same shape."""
    convolution = keras.layers.Conv2D
    if "down" in name:
        y = convolution(channels, 3, 2, activation="relu", name=f"{name}_conv1")(x)
        x = keras.layers.AveragePooling2D(2)(x)
    else:
        y = convolution(channels, 3, padding="same", activation="relu", name=f"{name}_conv1")(x)
    y = convolution(channels, 3, padding="same", name=f"{name}_conv2")(y)
    return ops.relu(_zero_padded(y, x.shape) + _zero_padded(x, y.shape))


def _zero_padded(x, shape):
    """Appends zeros along each axis of `x` that is shorter than that of `shape`."""
    missing = [max(0, long - short) for short, long in zip(x.shape[1:], shape[1:], strict=True)]
    return ops.pad(x, [[0, 0], *([0, more] for more in missing)]) if any(missing) else x
