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
    """Counts the passes through each network that a player updates, from now on.

    A pass is a call of its first layer with weights, so views of a network count too.
    """
    names = [name for player in model.players for name in player.networks]
    calls = dict.fromkeys(names, 0)
    for name in names:
        first = _first_layer(getattr(model, name))
        plain = first.call

        def counted(*args, plain=plain, name=name, **kwargs):
            calls[name] += 1
            return plain(*args, **kwargs)

        monkeypatch.setattr(first, "call", counted)
    return calls


def _first_layer(network):
    leaves = (each for each in network._flatten_layers() if not isinstance(each, keras.Model))
    return next(each for each in leaves if each.weights)


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
