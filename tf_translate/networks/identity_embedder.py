"""Networks that know a image again: small ones of ours, and given ones made to fit."""

from collections.abc import Sequence

import keras

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
    """A small network from images to embeddings of length 1, to be trained.

    Args:
        image_shape: `(height, width, channels)`; square, a power of two of 8 or more.
        embedding: Numbers of an embedding.
        width: Numbers between its two dense layers.
        base_filters: Channels of the first layer; they double up to `8 * base_filters`.

    Returns:
        Model from images in [-1, 1] to `(batch, embedding)`, float32.

    Raises:
        ValueError: If the image is not square or not a power of two.

    Source: embeddings of length 1 and their number as in FaceNet, Schroff et al. 2015,
    https://arxiv.org/abs/1503.03832; layers are those of `conditional.image_encoder`.
    """
    reads = image_encoder(image_shape, embedding, width=width, base_filters=base_filters)
    unit = keras.layers.UnitNormalization(dtype="float32", name="embedding")(reads.output)
    return keras.Model(reads.input, unit, name=NAME)


def fitted_identity_embedder(
    network: keras.Model,
    image_shape: tuple[int, int, int],
    value_range: Sequence[float] = (-1.0, 1.0),
) -> keras.Model:
    """Makes a network take images of another size, other channels and another range.

    Args:
        network: From images of known sides to embeddings of any shape.
        image_shape: `(height, width, channels)` of the images it shall take.
        value_range: Least and greatest value the network knows.

    Returns:
        Model from images in [-1, 1] to embeddings `(batch, numbers)`, float32.

    Raises:
        ValueError: If the network is not of one input of known sides and one output.
    """
    read, gives = getattr(network, "input_shape", None), getattr(network, "output_shape", None)
    if not isinstance(read, tuple) or len(read) != 4 or None in read[1:]:
        raise ValueError(
            "`identity_embedder` must be a network (keras.Sequential or functional) from images of known "
            f"height, width and channels, got a {type(network).__name__} of input {read}"
        )
    if not isinstance(gives, tuple) or len(gives) < 2:
        raise ValueError(f"`identity_embedder` must give one embedding an image, it gives {gives}")
    images = keras.Input(image_shape, name="image")
    fitted = FitImages(read[1:], value_range)(images)
    embeddings = keras.layers.Flatten(dtype="float32")(network(fitted, training=False))
    return keras.Model(images, embeddings, name=NAME)


def read_identity_embedder(
    path: str, image_shape: tuple[int, int, int], value_range: Sequence[float] = (-1.0, 1.0)
) -> keras.Model:
    """Reads a network from a .keras file and makes it fit (see `fitted_identity_embedder`).

    Raises:
        ValueError: If it cannot be read, or does not go from images to embeddings.
    """
    try:
        network = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, TypeError) as error:
        raise ValueError(
            "`identity_embedder` must be a .keras file of a network from images to embeddings, "
            f"{path} cannot be read: {error}"
        ) from error
    return fitted_identity_embedder(network, image_shape, value_range)
