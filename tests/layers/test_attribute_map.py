"""Attributes as numbers and maps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.attribute_map import AttributeMaps, ExpandAttributes, decided


def test_binary_columns_become_pairs_also_beyond_0_and_1():
    layer = ExpandAttributes([True, False, False, True])
    given = np.array([[1, 0, 1, 0], [2.0, 1, 0, -0.5]], np.float32)
    np.testing.assert_allclose(
        layer(given), [[0, 1, 0, 1, 1, 0], [-1, 2, 1, 0, 1.5, -0.5]], atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_number_is_a_constant_map_after_the_features(dtype):
    features = tf.cast(np.random.default_rng(0).normal(size=(2, 3, 4, 5)), dtype)
    numbers = tf.constant([[1.0, 0.5], [0.0, 2.0]])
    stacked = AttributeMaps(dtype=dtype)([features, numbers])
    assert stacked.shape == (2, 3, 4, 7)
    assert stacked.dtype == dtype
    np.testing.assert_array_equal(stacked[..., :5], features)
    for image in range(2):
        for number in range(2):
            assert (stacked[image, ..., 5 + number].numpy() == numbers[image, number].numpy()).all()


def test_layers_come_back_from_their_configuration():
    layer = ExpandAttributes([True, False])
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.binary == [True, False]


def test_attributes_are_decided_one_by_one_and_values_against_each_other():
    # A column of its own by its sign; of three the largest, though all are negative.
    read = np.float32([[0.2, -0.9, -0.1, -0.3], [-0.1, 0.5, 0.4, 0.9], [0.0, 1.0, 0.0, 0.0]])
    expected = [[1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    np.testing.assert_array_equal(decided(read, [1, 3]), expected)
