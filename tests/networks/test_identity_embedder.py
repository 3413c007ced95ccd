"""Networks that embed identities."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.networks.identity_embedder import (
    adapt_identity_embedder,
    image_identity_embedder,
)


def test_embeddings_have_norm_one():
    network = image_identity_embedder((16, 16, 3), embedding=6, width=8, base_filters=4)
    embeddings = network(tf.random.stateless_uniform((5, 16, 16, 3), [0, 0], -1, 1))
    assert embeddings.shape == (5, 6)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-5)


def test_maps_are_flattened_to_embeddings_and_equal_images_pass_unchanged():
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, keras.layers.Conv2D(2, 3, strides=2)(inputs))
    images = tf.random.stateless_uniform((2, 8, 8, 3), [0, 0], -1, 1)
    adapted = adapt_identity_embedder(network, (8, 8, 3))
    np.testing.assert_allclose(adapted(images), np.reshape(network(images), (2, -1)), atol=1e-6)


def test_a_network_with_other_inputs_than_images_is_refused():
    inputs = keras.Input((8,))
    network = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with pytest.raises(
        ValueError, match=r"`identity_embedder` must be a network .* from images of known"
    ):
        adapt_identity_embedder(network, (8, 8, 3))
    any_size = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalMaxPooling2D()])
    with pytest.raises(ValueError, match="of known height, width and channels, got a Sequential"):
        adapt_identity_embedder(any_size, (8, 8, 3))
