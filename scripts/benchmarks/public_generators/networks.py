"""Twelve generators of the literature, rebuilt from their papers in plain Keras, half as wide.

Weights are random: what is exported is the architecture. None of this is the authors' code.
"""

from collections.abc import Callable, Mapping

import keras
import tensorflow as tf
from keras import ops
from keras.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    GroupNormalization,
    LeakyReLU,
    PReLU,
    ReLU,
    Rescaling,
    Reshape,
    UpSampling2D,
)

SIDE = 64


def dcgan() -> keras.Model:
    """Radford et al. 2016, https://arxiv.org/abs/1511.06434: 100 numbers to an image."""
    latent = keras.Input((100,), name="latent")
    features = Reshape((4, 4, 256))(Dense(4 * 4 * 256)(latent))
    for filters in (128, 64, 32):
        features = ReLU()(BatchNormalization()(features))
        features = Conv2DTranspose(filters, 5, strides=2, padding="same")(features)
    features = ReLU()(BatchNormalization()(features))
    image = Conv2DTranspose(3, 5, strides=2, padding="same", activation="tanh")(features)
    return keras.Model(latent, image, name="dcgan")


def srgan() -> keras.Model:
    """Ledig et al. 2017, https://arxiv.org/abs/1609.04802: super-resolution x4 by pixel shuffle."""
    image = keras.Input((None, None, 3), name="image")
    first = PReLU(shared_axes=[1, 2])(Conv2D(32, 9, padding="same")(image))
    features = first
    for _ in range(4):
        inner = BatchNormalization()(Conv2D(32, 3, padding="same")(features))
        inner = Conv2D(32, 3, padding="same")(PReLU(shared_axes=[1, 2])(inner))
        features = Add()([features, BatchNormalization()(inner)])
    features = Add()([first, BatchNormalization()(Conv2D(32, 3, padding="same")(features))])
    for _ in range(2):
        features = PReLU(shared_axes=[1, 2])(_shuffle(Conv2D(128, 3, padding="same")(features), 2))
    return keras.Model(image, Conv2D(3, 9, padding="same", activation="tanh")(features))


def espcn() -> keras.Model:
    """Shi et al. 2016, https://arxiv.org/abs/1609.05158: super-resolution x3 in [0, 1]."""
    image = keras.Input((None, None, 1), name="image")
    features = Conv2D(64, 5, padding="same", activation="tanh")(image)
    features = Conv2D(32, 3, padding="same", activation="tanh")(features)
    return keras.Model(
        image, Activation("sigmoid")(_shuffle(Conv2D(9, 3, padding="same")(features), 3))
    )


def fast_style() -> keras.Model:
    """Johnson et al. 2016, https://arxiv.org/abs/1603.08155, in [0, 255], with instance norm."""
    image = keras.Input((None, None, 3), name="image")
    features = _norm_relu(_mirrored(Rescaling(1 / 127.5, -1)(image), 16, 9))
    for filters in (32, 64):
        features = _norm_relu(_mirrored(features, filters, 3, strides=2))
    for _ in range(3):
        inner = _norm_relu(_mirrored(features, 64, 3))
        features = Add()([features, _instance_norm(_mirrored(inner, 64, 3))])
    for filters in (32, 16):
        features = _norm_relu(_mirrored(UpSampling2D()(features), filters, 3))
    painted = Activation("tanh")(_mirrored(features, 3, 9))
    return keras.Model(image, Rescaling(127.5, 127.5)(painted))


def animegan() -> keras.Model:
    """Chen et al. 2020 (AnimeGAN): inverted residuals, layer norm, bilinear resizing."""
    image = keras.Input((None, None, 3), name="image")
    features = _norm_leaky(_mirrored(image, 32, 7))
    features = _norm_leaky(_mirrored(features, 64, 3, strides=2))
    for _ in range(3):
        inner = _norm_leaky(Conv2D(128, 1)(features))
        inner = _norm_leaky(DepthwiseConv2D(3, padding="same")(inner))
        features = Add()([features, GroupNormalization(1)(Conv2D(64, 1)(inner))])
    features = _norm_leaky(_mirrored(UpSampling2D(interpolation="bilinear")(features), 32, 3))
    return keras.Model(image, Conv2D(3, 1, activation="tanh")(features))


def ugatit_light() -> keras.Model:
    """Kim et al. 2020, https://arxiv.org/abs/1907.10830: attention maps and AdaLIN."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    features = _norm_relu(_mirrored(image, 16, 7))
    for filters in (32, 64):
        features = _norm_relu(_mirrored(features, filters, 3, strides=2))
    weights = Dense(64, activation="sigmoid")(GlobalAveragePooling2D()(features))
    attended = ReLU()(Conv2D(64, 1)(features * Reshape((1, 1, 64))(weights)))
    style = Dense(64, activation="relu")(GlobalAveragePooling2D()(attended))
    gamma, beta = (Reshape((1, 1, 64))(Dense(64)(style)) for _ in range(2))
    for _ in range(2):
        inner = _mirrored(attended, 64, 3)
        mixed = 0.9 * _instance_norm(inner) + 0.1 * GroupNormalization(1)(inner)
        attended = Add()([attended, ReLU()(mixed * gamma + beta)])
    for filters in (32, 16):
        attended = _norm_relu(_mirrored(UpSampling2D()(attended), filters, 3))
    return keras.Model(image, Activation("tanh")(_mirrored(attended, 3, 7)))


def stargan() -> keras.Model:
    """Choi et al. 2018, https://arxiv.org/abs/1711.09020: an image and five attributes."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    attributes = keras.Input((5,), name="attributes")
    maps = ops.zeros_like(image[..., :1]) + Reshape((1, 1, 5))(attributes)
    features = _norm_relu(Conv2D(32, 7, padding="same")(Concatenate()([image, maps])))
    for filters in (64, 128):
        features = _norm_relu(Conv2D(filters, 4, strides=2, padding="same")(features))
    for _ in range(3):
        inner = _norm_relu(Conv2D(128, 3, padding="same")(features))
        features = Add()([features, _instance_norm(Conv2D(128, 3, padding="same")(inner))])
    for filters in (64, 32):
        features = _norm_relu(Conv2DTranspose(filters, 4, strides=2, padding="same")(features))
    outputs = Conv2D(3, 7, padding="same", activation="tanh")(features)
    return keras.Model({"image": image, "attributes": attributes}, outputs, name="stargan")


def spade() -> keras.Model:
    """Park et al. 2019, https://arxiv.org/abs/1903.07291 (GauGAN): 8 classes of a label map."""
    labels = keras.Input((SIDE, SIDE, 8), name="labels")
    features = Conv2D(64, 3, padding="same")(_shrunk(labels, 8))
    for factor, filters in ((8, 64), (4, 32), (2, 16)):
        condition = _shrunk(labels, factor)
        inner = LeakyReLU(0.2)(_spade(features, condition))
        features = Add()([Conv2D(filters, 1)(features), Conv2D(filters, 3, padding="same")(inner)])
        features = UpSampling2D()(features)
    return keras.Model(labels, Conv2D(3, 3, padding="same", activation="tanh")(features))


def unet() -> keras.Model:
    """Isola et al. 2017, https://arxiv.org/abs/1611.07004: a U-Net with batch norm and dropout."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    features, skips = image, []
    for filters in (32, 64, 128, 256):
        features = Conv2D(filters, 4, strides=2, padding="same")(features)
        features = LeakyReLU(0.2)(BatchNormalization()(features))
        skips.append(features)
    for filters, skip in zip((128, 64, 32), skips[-2::-1], strict=True):
        features = Conv2DTranspose(filters, 4, strides=2, padding="same")(features)
        features = ReLU()(Dropout(0.5)(BatchNormalization()(features)))
        features = Concatenate()([features, skip])
    return keras.Model(
        image, Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")(features)
    )


def zero_dce() -> keras.Model:
    """Guo et al. 2020, https://arxiv.org/abs/2001.06826: curves brighten an image in [0, 1]."""
    image = keras.Input((None, None, 3), name="image")
    taps, features = [], image
    for _ in range(4):
        features = Conv2D(32, 3, padding="same", activation="relu")(features)
        taps.append(features)
    for tap in taps[-2::-1]:
        features = Conv2D(32, 3, padding="same", activation="relu")(Concatenate()([tap, features]))
    curves = Conv2D(24, 3, padding="same", activation="tanh")(features)
    bright = image
    for index in range(8):
        curve = curves[..., 3 * index : 3 * index + 3]
        bright = bright + curve * (bright * bright - bright)
    return keras.Model(image, ops.clip(bright, 0.0, 1.0), name="zero_dce")


def dncnn() -> keras.Model:
    """Zhang et al. 2017, https://arxiv.org/abs/1608.03981: the noise of an image in [0, 1]."""
    image = keras.Input((None, None, 3), name="image")
    noise = ReLU()(Conv2D(64, 3, padding="same")(image))
    for _ in range(6):
        noise = ReLU()(BatchNormalization()(Conv2D(64, 3, padding="same", use_bias=False)(noise)))
    clean = image - 0.1 * Conv2D(3, 3, padding="same")(noise)
    return keras.Model(image, ops.clip(clean, 0.0, 1.0), name="dncnn")


def cyclegan() -> keras.Model:
    """Zhu et al. 2017, https://arxiv.org/abs/1703.10593: the ResNet, in mixed precision."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    image = keras.Input((None, None, 3), name="image")
    features = _norm_relu(_mirrored(image, 32, 7))
    for filters in (64, 128):
        features = _norm_relu(Conv2D(filters, 3, strides=2, padding="same")(features))
    for _ in range(3):
        inner = _norm_relu(_mirrored(features, 128, 3))
        features = Add()([features, _instance_norm(_mirrored(inner, 128, 3))])
    for filters in (64, 32):
        features = _norm_relu(Conv2DTranspose(filters, 3, strides=2, padding="same")(features))
    outputs = Activation("tanh", dtype="float32")(_mirrored(features, 3, 7))
    keras.mixed_precision.set_global_policy(before)
    return keras.Model(image, outputs, name="cyclegan")


GENERATORS: Mapping[str, Callable[[], keras.Model]] = {
    each.__name__: each
    for each in (
        *(dcgan, srgan, espcn, fast_style, animegan, ugatit_light),
        *(stargan, spade, unet, zero_dce, dncnn, cyclegan),
    )
}
# What their layers do not tell `exporters.signature_of`: the images' values, by the papers.
RANGES = {"zero_dce": (0.0, 1.0), "dncnn": (0.0, 1.0)}
SIZES = {"srgan": (16, 16), "espcn": (21, 21)}  # of open sides; else SIDE


@keras.saving.register_keras_serializable("public_generators")
class PixelShuffle(keras.layers.Layer):
    """Channels to pixels: `(h, w, s * s * c)` to `(s * h, s * w, c)`."""

    def __init__(self, scale: int, **options):
        super().__init__(**options)
        self.scale = scale

    def call(self, features):
        return tf.nn.depth_to_space(features, self.scale)

    def compute_output_shape(self, shape):
        batch, height, width, channels = shape
        sides = (side and self.scale * side for side in (height, width))
        return (batch, *sides, channels // self.scale**2)


def _shuffle(features, scale: int):
    return PixelShuffle(scale)(features)


def _mirrored(features, filters: int, kernel: int, strides: int = 1):
    border = kernel // 2
    padded = ops.pad(features, ((0, 0), (border, border), (border, border), (0, 0)), "reflect")
    return Conv2D(filters, kernel, strides=strides)(padded)


def _instance_norm(features):
    return GroupNormalization(-1)(features)


def _norm_relu(features):
    return ReLU()(_instance_norm(features))


def _norm_leaky(features):
    return LeakyReLU(0.2)(GroupNormalization(1)(features))  # layer norm over the whole image


def _shrunk(labels, factor: int):
    return keras.layers.AveragePooling2D(factor)(labels)


def _spade(features, condition):
    shared = Conv2D(32, 3, padding="same", activation="relu")(condition)
    filters = features.shape[-1]
    gamma, beta = (Conv2D(filters, 3, padding="same")(shared) for _ in range(2))
    return BatchNormalization(center=False, scale=False)(features) * (1 + gamma) + beta
