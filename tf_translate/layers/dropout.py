"""Dropout with noise that checkpoints restore, and with a choice of its use at inference."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_translate.layers.cross_replica import count_and_index

POLICIES = ("off", "fixed")


@keras.saving.register_keras_serializable("tf_translate")
class Dropout(keras.layers.Layer):
    """Zeroes features at random and scales up the rest.

    The noise is a function of `seed` and of a saved counter, so a resumed run has the noise of an
    uninterrupted one (Keras does not store seed generators in `.keras` files). It is generated for
    the images of all devices, so several devices train as one.

    Args:
        rate: Fraction of features to zero, in [0, 1).
        seed: Integer, another one for each dropout layer of a network.
        inference: "off" returns features unchanged at inference. "fixed" drops with one mask that
            is always the same, so pix2pix's noise at test time can be exported and verified.
            Signatures and bundles record it as their inference behavior.

    Call arguments:
        features: Float tensor with a batch axis.
        training: Whether to generate new noise.

    Raises:
        ValueError: If `rate` or `inference` is out of range.

    Source: pix2pix, https://arxiv.org/abs/1611.07004, section 3.1 and appendix 6.1.
    Departs: "fixed" instead of new noise at test time. The authors say that its variation is too
    small to give diversity, and a random output could not be verified.
    """

    def __init__(self, rate: float, *, seed: int = 0, inference: str = "off", **kwargs: Any):
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
        uniform = _uniform(features, [self.seed, self.counter.value])
        self.counter.assign_add(1)
        return features * _mask(uniform, self.rate, features.dtype)

    def _fixed_mask(self, features):
        """One mask for all images: a constant of the graph, as LiteRT has no such noise."""
        uniform = np.random.default_rng(self.seed).random((1, *features.shape[1:]))
        return _mask(tf.constant(uniform, tf.float32), self.rate, features.dtype)

    def get_config(self):
        config = {"rate": self.rate, "seed": self.seed, "inference": self.inference}
        return {**super().get_config(), **config}


def _mask(uniform, rate, dtype):
    return tf.cast(uniform >= rate, dtype) / tf.cast(1.0 - rate, dtype)


def _uniform(features, seed):
    """Uniform values for this replica's images, out of those for the images of all replicas."""
    replicas, index = count_and_index()
    batch = tf.shape(features)[0]
    shape = tf.concat([[batch * replicas], tf.shape(features)[1:]], 0)
    values = tf.random.stateless_uniform(shape, seed=seed)
    return tf.ensure_shape(values[index * batch : (index + 1) * batch], features.shape)
