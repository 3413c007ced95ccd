import numpy as np
import tensorflow as tf

from tf_translate.layers.straight_through_clip import ChangeOfImage, clip_to_images


def test_values_are_clipped_to_the_range_of_images():
    np.testing.assert_array_equal(
        clip_to_images(tf.constant([-3.0, -1.0, 0.25, 1.0, 2.0])), [-1, -1, 0.25, 1, 1]
    )


def test_gradients_pass_inside_the_range_and_towards_it():
    # Descent moves against the gradient. Outside, the gradient passes only if that leads inwards.
    values = tf.constant([-2.0, -2.0, 0.0, 0.0, 2.0, 2.0])
    upstream = tf.constant([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = tf.reduce_sum(clip_to_images(values) * upstream)
    np.testing.assert_array_equal(tape.gradient(loss, values), [-1, 0, -1, 1, 0, 1])


def test_a_change_is_added_to_the_image_in_float32():
    image = tf.constant([[[[0.5, -0.5]]]])
    change = tf.constant([[[[0.25, -1.0]]]], tf.bfloat16)
    result = ChangeOfImage()([image, change])
    assert result.dtype == tf.float32
    np.testing.assert_allclose(np.ravel(result), [0.75, -1.0])
