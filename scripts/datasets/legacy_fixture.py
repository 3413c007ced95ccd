"""Writes Keras 2 generators with layers of tensorflow-addons, and their outputs, as test fixtures.

Runs in Keras 2 (`scripts/make legacy_fixture` sees to it), where this project cannot be
imported. Each network is written to `NAME.h5` and `NAME.keras`, two inputs and their outputs to
`NAME.npz`.
"""

import argparse
import logging
import warnings
from pathlib import Path

import numpy as np

warnings.filterwarnings(
    "ignore"
)  # tensorflow-addons warns at every import that its development has ended

import tensorflow as tf  # noqa: E402
import tensorflow_addons as tfa  # noqa: E402
from tensorflow.keras import layers  # noqa: E402

logging.getLogger("tensorflow").setLevel(logging.ERROR)


class ReflectionPadding2D(layers.Layer):
    """The layer of the CycleGAN example of Keras (keras.io/examples/generative/cyclegan)."""

    def __init__(self, padding=(1, 1), **kwargs):
        self.padding = tuple(padding)
        super().__init__(**kwargs)

    def call(self, images):
        width, height = self.padding
        sides = [[0, 0], [height, height], [width, width], [0, 0]]
        return tf.pad(images, sides, mode="REFLECT")

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


class InstanceNormalization(layers.Layer):
    """The layer of pix2pix in tensorflow_examples, used by TensorFlow's CycleGAN tutorial."""

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        start = tf.random_normal_initializer(1.0, 0.02)
        self.scale = self.add_weight(
            name="scale", shape=input_shape[-1:], initializer=start, trainable=True
        )
        self.offset = self.add_weight(
            name="offset", shape=input_shape[-1:], initializer="zeros", trainable=True
        )

    def call(self, images):
        mean, variance = tf.nn.moments(images, axes=[1, 2], keepdims=True)
        return self.scale * (images - mean) * tf.math.rsqrt(variance + self.epsilon) + self.offset

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def resnet(name):
    """A small ResNet generator as in CycleGAN, of fixed size, with all variants of tfa's norms."""
    image = layers.Input((16, 24, 3), name="image")
    values = ReflectionPadding2D((3, 3))(image)
    values = layers.Conv2D(4, 7, use_bias=False)(values)
    values = layers.ReLU()(tfa.layers.InstanceNormalization()(values))
    values = layers.Conv2D(8, 3, strides=2, padding="same")(values)
    values = tfa.layers.InstanceNormalization(axis=3, epsilon=1e-5)(values)
    values = layers.Activation("relu")(values)
    block = layers.Conv2D(8, 3)(ReflectionPadding2D()(values))
    block = layers.LeakyReLU(0.2)(tfa.layers.InstanceNormalization(center=False)(block))
    block = layers.Conv2D(8, 3, padding="same")(block)
    block = tfa.layers.InstanceNormalization(scale=False)(block)
    values = layers.add([values, block])
    values = layers.Conv2DTranspose(4, 3, strides=2, padding="same", use_bias=False)(values)
    values = tfa.layers.InstanceNormalization(center=False, scale=False)(values)
    values = layers.PReLU(shared_axes=[1, 2])(values)
    values = layers.UpSampling2D(2, interpolation="bilinear")(values)
    values = layers.Conv2D(4, 3, strides=2, padding="same")(values)
    values = tfa.layers.GroupNormalization(groups=2)(values)
    values = layers.ZeroPadding2D(((3, 3), (3, 3)))(layers.ReLU()(values))
    return tf.keras.Model(image, layers.Conv2D(3, 7, activation="tanh")(values), name=name)


def unet(name):
    """A small pix2pix generator of TensorFlow: blocks are Sequential, the size is free."""
    image = layers.Input((None, None, 3))
    down = [_down(4, norm=None), _down(6), _down(6, norm="batch")]
    up = [_up(6, norm="batch", dropout=True), _up(4)]
    down[2].layers[0].trainable = False  # H5 lists frozen weights after the others
    values, skips = image, []
    for block in down:
        values = block(values)
        skips.append(values)
    for block, skip in zip(up, reversed(skips[:-1]), strict=True):
        values = layers.Concatenate()([block(values), skip])
    last = layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh")
    return tf.keras.Model(image, last(values), name=name)


def tutorial(name):
    """A Sequential with the norm of tensorflow_examples and one of tfa, one block called twice."""
    shared = tf.keras.Sequential([layers.Conv2D(6, 3, padding="same"), InstanceNormalization()])
    twice = layers.Input((None, None, 6))
    return tf.keras.Sequential(
        [
            layers.Input((16, 24, 3)),
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            InstanceNormalization(epsilon=1e-4),
            tf.keras.Model(twice, shared(layers.ELU()(shared(twice)))),
            tfa.layers.InstanceNormalization(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.SeparableConv2D(3, 3, padding="same"),
            layers.Activation("tanh", dtype="float32"),
        ],
        name=name,
    )


def calls(name):
    """TensorFlow functions called on Keras tensors, as residuals are often written."""
    image = layers.Input((16, 24, 3))
    values = tf.pad(image, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="REFLECT")
    values = tf.nn.relu(tfa.layers.InstanceNormalization()(layers.Conv2D(4, 5)(values)))
    values = values + layers.Conv2D(4, 3, padding="same")(values)
    values = tf.concat([values, image], -1)
    values = tf.nn.leaky_relu(tfa.layers.InstanceNormalization()(values), alpha=0.1)
    values = layers.Conv2D(3, 3, padding="same")(tf.add(values, values))
    return tf.keras.Model(image, tf.keras.activations.tanh(values), name=name)


def mixed(name, policy="mixed_float16"):
    """A network trained in mixed precision: float16 activations, float32 weights."""
    tf.keras.mixed_precision.set_global_policy(policy)
    image = layers.Input((16, 24, 3))
    values = layers.Conv2D(6, 3, strides=2, padding="same")(image)
    values = layers.ReLU()(tfa.layers.InstanceNormalization()(values))
    values = layers.Conv2D(3, 3, padding="same")(layers.UpSampling2D()(values))
    network = tf.keras.Model(image, layers.Activation("tanh", dtype="float32")(values), name=name)
    tf.keras.mixed_precision.set_global_policy("float32")
    return network


def _down(filters, norm="instance"):
    block = tf.keras.Sequential()
    block.add(layers.Conv2D(filters, 4, strides=2, padding="same", use_bias=False))
    _add_norm(block, norm)
    block.add(layers.LeakyReLU())
    return block


def _up(filters, norm="instance", dropout=False):
    block = tf.keras.Sequential()
    block.add(layers.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False))
    _add_norm(block, norm)
    if dropout:
        block.add(layers.Dropout(0.5))
    block.add(layers.ReLU())
    return block


def _add_norm(block, norm):
    if norm == "instance":
        block.add(tfa.layers.InstanceNormalization())
    elif norm == "batch":
        block.add(layers.BatchNormalization())


def _set_weights(network, generator):
    """Sets random weights, so that no weight can be mistaken for another."""
    for weight in network.weights:
        fan_in = np.prod(weight.shape[:-1]) if len(weight.shape) == 4 else 9
        values = generator.normal(0, 1 / np.sqrt(fan_in), weight.shape)
        if weight.name.split("/")[-1].split(":")[0] in ("gamma", "scale", "moving_variance"):
            values = 1 + 0.5 * np.tanh(values)
        weight.assign(values)


def main() -> None:
    """Writes every network and prints the sizes of the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "legacy"
    parser.add_argument("--out", type=Path, default=default, help="output folder")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for make in (resnet, unet, tutorial, calls, mixed):
        tf.keras.backend.clear_session()
        network = make(make.__name__)
        _set_weights(network, generator)
        images = generator.uniform(-1, 1, (2, 16, 24, 3)).astype("float32")
        exact = network
        if make is mixed:  # the outputs of these weights in float32
            exact = mixed("exact", "float32")
            exact.set_weights(network.get_weights())
        outputs = exact(images, training=False).numpy()
        np.savez_compressed(folder / f"{make.__name__}.npz", images=images, outputs=outputs)
        for ending in ("h5", "keras"):
            network.save(folder / f"{make.__name__}.{ending}")
        print(f"{make.__name__}: {network.count_params()} parameters, std {outputs.std():.2f}")
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"TensorFlow {tf.__version__}, tensorflow-addons {tfa.__version__}: {total} bytes")


if __name__ == "__main__":
    main()
