"""Dropout whose noise comes back with a checkpoint and whose use at inference is a choice."""

import keras
import numpy as np
import tensorflow as tf

from tf_translate.layers.cross_replica import own_place

POLICIES = ("off", "fixed")


@keras.saving.register_keras_serializable("tf_translate")
class Dropout(keras.layers.Layer):
    """Zeroes features at random and scales up the rest.

    The noise is a function of `seed` and of a saved counter, so a resumed run draws what
    an unbroken one would have drawn (Keras's seed generators are not stored in `.keras`). It is
    drawn for the images of all devices, so many devices train like one.

    Args:
        rate: Share of features to zero, in [0, 1).
        seed: Whole number that tells two dropout layers of a network apart.
        inference: "off" passes features through at inference; "fixed" drops with one mask
            that is always the same, so pix2pix's noise at test time can be exported and
            verified. The inference_behavior is recorded in signatures and bundles.

    Call arguments:
        features: Float tensor with a batch axis.
        training: Whether to draw fresh noise.

    Raises:
        ValueError: If `rate` or `inference` is out of range.

    Source: pix2pix, https://arxiv.org/abs/1611.07004, section 3.1 and appendix 6.1.
    Departs: "fixed" in place of fresh noise at test time; its variation is too small to
    give diversity (the authors say so) and a random output could not be verified.
    """

    def __init__(self, rate: float, *, seed: int = 0, inference: str = "off", **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1), got {rate}")
        if inference not in POLICIES:
            raise ValueError(f"`inference` must be one of {POLICIES}, got {inference!r}")
        self.rate = rate
        self.seed = seed
        self.inference = inference

    def build(self, input_shape):
        self.counter = self.add_weight(
            name="counter",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def call(self, features, training=False):
        if self.rate == 0 or not (training or self.inference == "fixed"):
            return features
        if not training:
            return features * self._fixed_mask(features)
        uniform = _own_share(features, [self.seed, self.counter.value])
        self.counter.assign_add(1)
        return features * _mask(uniform, self.rate, features.dtype)

    def _fixed_mask(self, features):
        """One mask for every image: a constant of the graph, as LiteRT draws no such noise."""
        uniform = np.random.default_rng(self.seed).random((1, *features.shape[1:]))
        return _mask(tf.constant(uniform, tf.float32), self.rate, features.dtype)

    def get_config(self):
        config = {"rate": self.rate, "seed": self.seed, "inference": self.inference}
        return {**super().get_config(), **config}


def _mask(uniform, rate, dtype):
    return tf.cast(uniform >= rate, dtype) / tf.cast(1.0 - rate, dtype)


def _own_share(features, seed):
    """Uniform numbers for the images of all devices, of which this one takes its own."""
    devices, place = own_place()
    count = tf.shape(features)[0]
    shape = tf.concat([[count * devices], tf.shape(features)[1:]], 0)
    everyone = tf.random.stateless_uniform(shape, seed=seed)
    return tf.ensure_shape(everyone[place * count : (place + 1) * count], features.shape)
