"""Networks of one convolution, and a counter of forward passes, for tests of methods."""

import keras
import numpy as np

from tf_translate.methods.ian import IAN, IANSettings

TINY_IAN = {**IAN.conformance.settings, "edit_steps": 3}


def identity_generator(shape, name):
    """A trainable 1x1 convolution, which is the identity at first."""
    inputs = keras.Input(shape)
    layer = keras.layers.Conv2D(shape[-1], 1, use_bias=False)
    outputs = layer(inputs)
    layer.set_weights([np.eye(shape[-1], dtype=np.float32)[None, None]])
    return keras.Model(inputs, outputs, name=name)


def tiny_discriminator(shape, name):
    """One 4x4 convolution to scores."""
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Conv2D(1, 4, strides=2)(inputs), name=name)


def count_passes(model, monkeypatch):
    """Counts the calls of each network that a player updates, from now on."""
    names = [name for player in model.players for name in player.networks]
    calls = dict.fromkeys(names, 0)
    for name in names:
        network = getattr(model, name)
        plain = network.call

        def counted(*args, plain=plain, name=name, **kwargs):
            calls[name] += 1
            return plain(*args, **kwargs)

        monkeypatch.setattr(network, "call", counted)
    return calls


def tiny_ian(weights=None, shape=(16, 16, 3), **settings):
    """A small untrained IAN that runs its steps eagerly."""
    model = IAN.from_settings(IANSettings(**{**TINY_IAN, **settings}), shape, loss_weights=weights)
    model.compile(run_eagerly=True)
    return model


def varied_ian(**settings):
    """A tiny IAN with outputs that depend on the latent, as after training."""
    model = tiny_ian(**settings)
    random = np.random.default_rng(0)
    for weight in model.decoder.trainable_weights:
        if "kernel" in weight.path:
            weight.assign(20.0 * weight)
        elif "beta" in weight.path:
            weight.assign(random.uniform(-1, 1, weight.shape))
    return model
