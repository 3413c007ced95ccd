import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.cpu import CropFirst


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 4, 1), (None, None, None, 1)])
def test_the_first_row_and_column_are_dropped_and_get_no_gradient(shape, training):
    images = tf.reshape(tf.range(24.0), (2, 3, 4, 1))
    layer = CropFirst()

    @tf.function(input_signature=[tf.TensorSpec(shape)])
    def run(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            cropped = layer(images, training=training)
            total = tf.reduce_sum(cropped**2)
        return cropped, tape.gradient(total, images)

    cropped, gradient = run(images)
    expected = images.numpy()[:, 1:, 1:]
    np.testing.assert_array_equal(cropped, expected)
    np.testing.assert_array_equal(gradient, np.pad(2 * expected, ((0, 0), (1, 0), (1, 0), (0, 0))))
    assert layer.compute_output_shape((2, 3, 4, 1)) == (2, 2, 3, 1)
    assert layer.compute_output_shape((None, None, 4, 1)) == (None, None, 3, 1)
