"""Repeated values become concatenations; expected values by NumPy and Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from exporters.convert.xnnpack_rewrites import delegate_copies
from tests.exporters.convert.xnnpack_rewrites.conftest import Converted

REPEATING = {"TILE", "BROADCAST_TO"}


def enlarged(image, rows, columns):
    return np.repeat(np.repeat(image, rows, 1), columns, 2)


@pytest.mark.parametrize(
    ("shape", "factors"),
    [
        ((1, 3, 5, 4), (2, 2)),
        ((1, 5, 3, 1), (3, 1)),
        ((1, 4, 3, 3), (1, 7)),
        ((1, 1, 1, 2), (8, 8)),
    ],
)
def test_enlarged_images_are_equal_and_delegated(convert, random, shape, factors):
    before = convert(keras.layers.UpSampling2D(factors), shape)
    after = Converted(delegate_copies(before.content))
    assert REPEATING & set(before.operations())
    assert set(after.operations()) <= {"RESHAPE", "CONCATENATION"}
    image = random.normal(0, 1, shape).astype(np.float32)
    np.testing.assert_array_equal(after.run(image=image), enlarged(image, *factors))
    assert after.delegates() == 1


def test_doubling_takes_two_concatenations_without_reshapes_of_five_axes(convert):
    before = convert(keras.layers.UpSampling2D(), (1, 4, 6, 8))
    after = Converted(delegate_copies(before.content))
    assert sorted(after.operations()) == ["CONCATENATION"] * 2 + ["RESHAPE"] * 3


def test_bilinear_enlargement_is_one_operation_of_xnnpack(convert, random):
    layer = keras.layers.UpSampling2D(interpolation="bilinear")
    before = convert(layer, (1, 5, 3, 2))
    assert before.operations() == ["RESIZE_BILINEAR"]
    assert delegate_copies(before.content) == before.content
    assert before.delegates() == 1
    image = random.normal(0, 1, (1, 5, 3, 2)).astype(np.float32)
    np.testing.assert_allclose(before.run(image=image), layer(image), atol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda image: tf.tile(image, (1, 17, 1, 1)),
        lambda image: tf.tile(image, (1, 2, 3, 1)),
        lambda image: tf.image.resize(image, (8, 12), "nearest"),  # its kernel is faster
    ],
)
def test_other_repetitions_are_kept(convert, function):
    before = convert(function, (1, 4, 6, 2))
    assert delegate_copies(before.content) == before.content


def test_a_tensor_that_others_read_too_is_still_there(convert, random):
    def function(image):
        doubled = tf.repeat(image, 2, 1)
        return tf.repeat(doubled, 2, 2) + tf.reduce_max(doubled, (1, 2), keepdims=True)

    after = Converted(delegate_copies(convert(function, (1, 3, 4, 2)).content))
    assert not REPEATING & set(after.operations())
    image = random.normal(0, 1, (1, 3, 4, 2)).astype(np.float32)
    np.testing.assert_array_equal(after.run(image=image), function(image))


def test_a_tiled_axis_of_several_values_is_repeated_as_a_whole(convert, random):
    after = Converted(
        delegate_copies(convert(lambda x: tf.tile(x, (1, 1, 3, 1)), (1, 2, 5, 3)).content)
    )
    assert "TILE" not in after.operations()
    image = random.normal(0, 1, (1, 2, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(after.run(image=image), np.tile(image, (1, 1, 3, 1)))
