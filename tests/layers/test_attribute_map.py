"""Attributes as categories and maps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.attribute_map import AttributeMaps, ExpandAttributes, discretize


def test_binary_columns_become_pairs_also_outside_0_and_1():
    layer = ExpandAttributes([True, False, False, True])
    attributes = np.array([[1, 0, 1, 0], [2.0, 1, 0, -0.5]], np.float32)
    np.testing.assert_allclose(
        layer(attributes), [[0, 1, 0, 1, 1, 0], [-1, 2, 1, 0, 1.5, -0.5]], atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_attribute_value_is_a_constant_map_after_the_features(dtype):
    features = tf.cast(np.random.default_rng(0).normal(size=(2, 3, 4, 5)), dtype)
    values = tf.constant([[1.0, 0.5], [0.0, 2.0]])
    stacked = AttributeMaps(dtype=dtype)([features, values])
    assert stacked.shape == (2, 3, 4, 7)
    assert stacked.dtype == dtype
    np.testing.assert_array_equal(stacked[..., :5], features)
    for image in range(2):
        for index in range(2):
            assert (stacked[image, ..., 5 + index].numpy() == values[image, index].numpy()).all()


def test_expand_attributes_is_restored_from_its_config():
    layer = ExpandAttributes([True, False])
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.binary == [True, False]


def test_binary_attributes_are_thresholded_and_one_category_is_chosen():
    # A single column by its sign; the largest of three columns, even if all are negative.
    logits = np.float32([[0.2, -0.9, -0.1, -0.3], [-0.1, 0.5, 0.4, 0.9], [0.0, 1.0, 0.0, 0.0]])
    expected = [[1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    np.testing.assert_array_equal(discretize(logits, [1, 3]), expected)
