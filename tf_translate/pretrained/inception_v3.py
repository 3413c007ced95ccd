"""Inception-v3, trained on the 1,000 classes of ImageNet, with the weights that Keras offers."""

import os
from pathlib import Path

import keras

from tf_translate.errors import DataError

SIDE = 299
WIDTH = 2048
FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"


def weights_file() -> Path:
    """Where Keras keeps the weights that it downloaded."""
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return Path(home).expanduser() / "models" / FILE


def build(weights: str | None = None) -> keras.Model:
    """Builds the network from images `(299, 299, 3)` in [-1, 1] to its 2,048 pooled features.

    Args:
        weights: As of `keras.applications.InceptionV3`; None draws them at random.
    """
    network = keras.applications.InceptionV3(
        include_top=False, weights=weights, input_shape=(SIDE, SIDE, 3), pooling="avg"
    )
    network.trainable = False
    return network


def load() -> keras.Model:
    """Builds the network with the weights of ImageNet, downloaded by Keras if necessary.

    Raises:
        DataError: If they cannot be downloaded, or the file is broken.
    """
    try:
        return build("imagenet")
    except Exception as error:  # Keras raises the plain class
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"the weights of inception_v3 are neither in {weights_file()} nor can Keras download "
            f"them: {reason}; copy the file there, or use efficientnet_lite0"
        ) from error
