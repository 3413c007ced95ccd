"""Signatures that tests export: plain objects with the protocol's attributes, small networks."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops


@dataclass(frozen=True)
class Tensor:
    name: str = "image"
    shape: tuple[int | None, ...] = (None, 8, 12, 3)
    dtype: str = "float32"
    value_range: tuple[float, float] | None = (-1.0, 1.0)


@dataclass(frozen=True)
class Signature:
    name: str
    function: Callable
    inputs: tuple[Tensor, ...] = (Tensor(),)
    outputs: tuple[Tensor, ...] = (Tensor(),)
    inference_behavior: dict[str, str] = field(default_factory=lambda: {"dropout": "off"})
    tolerance_factor: float = 1.0


def negative(name: str = "a_to_b") -> Signature:
    """The two-line fake: the photographic negative, which is exact on pixels."""
    return Signature(name, lambda image: {"image": -image})


@dataclass(frozen=True)
class Scalars(Tensor):
    """Scalars in [0, 1] with labels; plain tensors above have none."""

    value_range: tuple[float, float] | None = (0.0, 1.0)
    labels: tuple[str, ...] = ()


def scalars(name: str, *labels: str) -> Scalars:
    return Scalars(name, (None, len(labels)), labels=labels)


def edit(name: str = "edit") -> Signature:
    """Paints red by `glasses`, green by black hair, blue by blond hair: 0 is -1, 1 is 1."""
    attributes = scalars("attributes", "glasses", "hair=black", "hair=blond")

    def function(image, attributes):
        return {"image": 0 * image + (2.0 * attributes[:, None, None, :] - 1.0)}

    return Signature(name, function, (Tensor(), attributes))


@dataclass(frozen=True)
class ScalarsWithDefault(Scalars):
    """Scalars that have a default and a meaning."""

    default: tuple[float, ...] | None = None
    meaning: str = ""


def refine(name: str = "refine") -> Signature:
    """Brightens by 0.1 a step and style; by default 3 of 4 steps, and the first of two styles."""
    steps = ScalarsWithDefault(
        "steps", (None, 1), "float32", (0.0, 4.0), ("steps",), (3.0,), "how many steps count"
    )
    style = ScalarsWithDefault("style", (None, 2), labels=("warm", "cold"), default=(1.0, 0.0))

    def function(image, steps, style):
        weight = style[:, None, None, :1] + style[:, None, None, 1:]
        brighter = image + 0.1 * steps[:, None, None, :] * weight
        return {"image": ops.clip(brighter, -1.0, 1.0)}

    return Signature(name, function, (Tensor(), steps, style))


def dim(name: str = "dim") -> Signature:
    """Multiplies by a strength."""

    def function(image, strength):
        return {"image": image * strength[:, None, None, :]}

    return Signature(name, function, (Tensor(), scalars("strength", "strength")))


def swap(name: str = "swap") -> Signature:
    """The photographic negative of two images of different sizes."""
    exemplar = Tensor("exemplar", (None, 6, 6, 3))

    def function(image, exemplar):
        return {"image": -image, "exemplar": -exemplar}

    return Signature(name, function, (Tensor(), exemplar), (Tensor(), exemplar))


def of_model(
    name: str, model: keras.Model, *, inference_behavior: dict[str, str] | None = None
) -> Signature:
    shape = (None, *model.input_shape[1:])
    tensor, result = Tensor(shape=shape), Tensor(shape=(None, *model.output_shape[1:]))
    return Signature(
        name,
        lambda image: {"image": model(image, training=False)},
        (tensor,),
        (result,),
        inference_behavior or {"dropout": "off"},
    )


class PlainInstanceNorm(keras.layers.Layer):
    def call(self, images):
        centred = images - ops.mean(images, axis=(1, 2), keepdims=True)
        return centred * ops.rsqrt(ops.mean(centred * centred, axis=(1, 2), keepdims=True) + 1e-5)


def generator(seed: int, *, filters: int = 32, resize: bool = False) -> keras.Model:
    """Downsampling, instance norm, batch norm, dropout, upsampling, tanh; 16x24 pixels."""
    keras.utils.set_random_seed(seed)
    images = keras.Input((16, 24, 3))
    hidden = keras.layers.Conv2D(filters, 3, strides=2, padding="same")(images)
    hidden = keras.layers.LeakyReLU(negative_slope=0.2)(PlainInstanceNorm()(hidden))
    hidden = keras.layers.Conv2D(filters, 3, padding="same")(hidden)
    hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(hidden))
    if resize:
        enlarged = ops.image.resize(hidden, (16, 24), interpolation="nearest")
        hidden = keras.layers.Conv2D(filters, 3, padding="same")(enlarged)
    else:
        hidden = keras.layers.Conv2DTranspose(filters, 4, strides=2, padding="same")(hidden)
    return keras.Model(images, keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(hidden))


def noise(*shape: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def paint(name: str = "paint") -> Signature:
    """Puts a target's pixels where a mask is 1."""
    mask = Tensor("mask", (None, 8, 12, 1), value_range=(0.0, 1.0))

    def function(image, target, mask):
        return {"image": image + mask * (target - image)}

    return Signature(name, function, (Tensor(), Tensor("target"), mask))
