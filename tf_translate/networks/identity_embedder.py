"""Networks that embed identities: small ones of ours, and others adapted to the images."""

from collections.abc import Sequence

import keras

from tf_translate.errors import DataError
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.layers.resize_images import FitImages
from tf_translate.networks.conditional_gan import image_encoder

NAME = "identity_embedder"


def image_identity_embedder(
    image_shape: tuple[int, int, int],
    *,
    embedding: int = 128,
    width: int = 512,
    base_filters: int = 32,
) -> keras.Model:
    """A small network from images to embeddings of norm 1, to be trained.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        embedding: Size of an embedding.
        width: Size of the first dense layer.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.

    Returns:
        Model from images in [-1, 1] to `(batch, embedding)`, float32.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: norm and size of embeddings as in FaceNet, Schroff et al. 2015,
    https://arxiv.org/abs/1503.03832; layers as in `conditional_gan.image_encoder`.
    """
    encoder = image_encoder(image_shape, embedding, width=width, base_filters=base_filters)
    unit = keras.layers.UnitNormalization(dtype="float32", name="embedding")(encoder.output)
    return keras.Model(encoder.input, unit, name=NAME)


def adapt_identity_embedder(
    network: keras.Model,
    image_shape: tuple[int, int, int],
    value_range: Sequence[float] = (-1.0, 1.0),
) -> keras.Model:
    """Adapts a network to images of another size, other channels and another range.

    Args:
        network: From images of known sides to embeddings of any shape.
        image_shape: `(height, width, channels)` of the images.
        value_range: Least and greatest value of the network's inputs.

    Returns:
        Model from images in [-1, 1] to embeddings `(batch, size)`, float32.

    Raises:
        ValueError: If the network does not have one input of known sides and one output.
    """
    inputs, outputs = (getattr(network, f"{end}_shape", None) for end in ("input", "output"))
    if not isinstance(inputs, tuple) or len(inputs) != 4 or None in inputs[1:]:
        raise ValueError(
            "`identity_embedder` must be a network (keras.Sequential or functional) from images "
            f"of known height, width and channels, got a {type(network).__name__} with the input "
            f"shape {inputs}"
        )
    if not isinstance(outputs, tuple) or len(outputs) < 2:
        raise ValueError(
            "`identity_embedder` must return one embedding for each image, got a network with the "
            f"output shape {outputs}"
        )
    images = keras.Input(image_shape, name="image")
    fitted = FitImages(inputs[1:], value_range)(images)
    embeddings = keras.layers.Flatten(dtype="float32")(network(fitted, training=False))
    return keras.Model(images, embeddings, name=NAME)


def read_identity_embedder(
    path: str, image_shape: tuple[int, int, int], value_range: Sequence[float] = (-1.0, 1.0)
) -> keras.Model:
    """Reads a network from a .keras file and adapts it (see `adapt_identity_embedder`).

    Raises:
        ValueError: If it cannot be read, or is no network from images to embeddings.
    """
    try:
        network = load_keras_file(path, compile=False)
    except DataError as error:
        raise ValueError(
            "`identity_embedder` must be a .keras file of a network from images to embeddings; "
            f"{error}"
        ) from error
    return adapt_identity_embedder(network, image_shape, value_range)
