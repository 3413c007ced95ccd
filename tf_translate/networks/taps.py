"""Named feature outputs (taps) of generators, for losses that compare features."""

import re
from collections.abc import Sequence

import keras

_TAP = re.compile(r"(encoder|residual|decoder)_\d+")


def tap_names(network: keras.Model) -> list[str]:
    """Names of a network's taps from input to output, such as `encoder_0` or `residual_3`."""
    return [layer.name for layer in network.layers if _TAP.fullmatch(layer.name)]


def with_taps(network: keras.Model, names: Sequence[str]) -> keras.Model:
    """A network that returns the features at some taps of another one and shares its weights.

    Only the layers that these features need are run. The losses of contrastive methods such as
    CUT (https://arxiv.org/abs/2007.15651) compare features of a generator's encoder.

    Args:
        network: A generator of `resnet_generator` or `unet_generator`, or any functional network
            with layers of such names.
        names: Names of taps, in the order of the outputs.

    Returns:
        Model from the network's input to a list of features, each `(batch, h, w, channels)`.

    Raises:
        ValueError: If there are no names, or the network has no tap of a name.
    """
    known = tap_names(network)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(
            f"`names` must be some of the taps {known} of {network.name}, "
            f"got {unknown[0] if unknown else 'none'!r}"
        )
    outputs = [network.get_layer(name).output for name in names]
    return keras.Model(network.inputs, outputs, name=f"{network.name}_taps")
