"""Whether one network takes the images that another gives."""

from collections.abc import Mapping

import keras


def check_takes_images(networks: Mapping[str, keras.Model], taker: str, giver: str) -> None:
    """Refuses a network that cannot take another's images.

    Args:
        networks: Networks by the argument that holds them.
        taker: Argument of a network of one input.
        giver: Argument of a network of one output.

    Raises:
        ValueError: If one is not a Keras model, or a side or the channels differ; None fits any
            size.
    """
    for name in (taker, giver):
        if not isinstance(networks[name], keras.Model):
            raise ValueError(f"`{name}` must be a keras.Model, got {networks[name]!r}")
    taken, given = networks[taker].input_shape[1:], networks[giver].output_shape[1:]
    if any(None not in pair and pair[0] != pair[1] for pair in zip(taken, given, strict=True)):
        raise ValueError(
            f"`{taker}` must take the images of `{giver}`, {given} (height, width, channels), "
            f"it takes {taken}"
        )
