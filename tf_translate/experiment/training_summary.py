"""A short summary of a run, before its training starts."""

import math
from collections.abc import Iterator

import keras

from tf_translate.config.schema import Config
from tf_translate.core.translator import Translator
from tf_translate.experiment.build import averaged_updates
from tf_translate.experiment.unused_settings import unused_settings
from tf_translate.training.run_dir import RunDir

_FLOAT_BYTES = 4
# TensorFlow with its libraries and buffers. With it, six runs of CycleGAN, pix2pix, DiscoGAN and
# DualGAN at 64 to 256 pixels took 78 to 104 % of the estimate, on two CPU cores.
_BASE_GB = 1.0
_FIRST_WEIGHTS = 0.02  # a larger fraction of them in a moving average is said
_DEFAULT_PASSES = 2  # of a network in a step, for methods that do not state it


def summary_lines(config: Config, translator: Translator, run: RunDir) -> list[str]:
    """Sizes of images and networks, memory, settings without effect, and where to watch."""
    networks = ", ".join(
        f"{name} {parameters / 1e6:.2f} M" for name, parameters in trained_parameters(translator)
    )
    crops = crops_text(config)
    return [
        f"images: {_sizes(config, translator)}{f'; {crops}' if crops else ''}",
        f"parameters to train: {networks}",
        f"memory: about {memory_gb(config, translator):.1f} GB, without the images",
        *_first_weights(config, translator),
        *unused_settings(config),
        f"watch: {run.samples}, or tensorboard --logdir {run.logs}",
    ]


def trained_parameters(translator: Translator) -> list[tuple[str, int]]:
    """Name and number of trainable parameters of each network that a player trains."""
    names = dict.fromkeys(name for player in translator.players for name in player.networks)
    return [
        (
            name,
            sum(
                _size(variable.shape) for variable in getattr(translator, name).trainable_variables
            ),
        )
        for name in names
    ]


def memory_gb(config: Config, translator: Translator) -> float:
    """A rough estimate of the memory that training takes, in GB.

    The sum of TensorFlow itself; of weights, gradients and two values of the optimizer for each
    parameter; and of the outputs of all layers in all passes of a step, which the gradients need.
    """
    parameters = sum(count for _, count in trained_parameters(translator))
    passes = translator.conformance.forward_passes
    activations = sum(
        passes.get(name, _DEFAULT_PASSES) * _outputs(getattr(translator, name))
        for name in translator.network_names
    )
    bytes_per_value = _FLOAT_BYTES if config.training.precision == "float32" else _FLOAT_BYTES / 2
    values = config.training.batch_size * activations
    return _BASE_GB + (4 * _FLOAT_BYTES * parameters + bytes_per_value * values) / 1e9


def _sizes(config: Config, translator: Translator) -> str:
    data = config.data
    height, width = data.size
    if translator.layout in ("attributes", "images") or data.channels_a == data.channels_b:
        return f"{height} x {width} pixels, {_channels(data.channels_a)}"
    both = f"{_channels(data.channels_a)} to {_channels(data.channels_b)}"
    return f"{height} x {width} pixels, {both}"


def crops_text(config: Config) -> str:
    """What random crops of `data.load_size` leave of an image; "" without crops."""
    (height, width), load_size = config.data.size, config.data.load_size
    if load_size in (None, config.data.size):
        return ""
    share = height * width / (load_size[0] * load_size[1])
    return (
        f"training images are resized to {load_size[0]} x {load_size[1]} (data.load_size), and "
        f"a random crop shows {share:.0%} of one"
    )


def _first_weights(config: Config, translator: Translator) -> Iterator[str]:
    """Moving averages that end with much of the weights that they began with."""
    momentum = config.training.ema_momentum
    for name, updates in averaged_updates(config, translator).items():
        kept = momentum**updates
        if kept > _FIRST_WEIGHTS:
            yield (
                f"moving average of {name}: {kept:.0%} of it will be the first weights, after "
                f"{updates:,} updates with training.ema_momentum {momentum:g}; "
                f"{_momentum_for(updates)} leaves 1%"
            )


def _momentum_for(updates: int) -> str:
    """The momentum with which an average keeps 1 % of its first weights, or a little less."""
    rest = 1.0 - 0.01 ** (1.0 / updates)
    digits = 1 - math.floor(math.log10(rest))  # two that are not 0
    return f"{1.0 - math.ceil(rest * 10**digits) / 10**digits:.{digits}f}"


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def _outputs(network: keras.Model) -> int:
    """Number of values that all layers of a network output for one image."""
    return sum(
        _size(output.shape[1:])
        for layer in _layers(network)
        for output in keras.tree.flatten(layer.output)
    )


def _layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a network, and of networks in it, that have known outputs."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        elif hasattr(layer, "output") and not isinstance(layer, keras.layers.InputLayer):
            yield layer


def _size(shape: tuple[int | None, ...]) -> int:
    """Number of values of a shape; unknown sides count as 1."""
    size = 1
    for side in shape:
        size *= side or 1
    return size
