import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.instance_norm import InstanceNormalization


def _by_hand(images, epsilon=1e-5):
    mean = images.mean(axis=(1, 2), keepdims=True)
    variance = images.var(axis=(1, 2), keepdims=True)
    return (images - mean) / np.sqrt(variance + epsilon)


def test_four_pixels_are_normalized_as_by_hand():
    # 0, 2, 4, 6: mean 3, variance (9 + 1 + 1 + 9) / 4 = 5.
    images = np.array([0.0, 2.0, 4.0, 6.0], np.float32).reshape(1, 2, 2, 1)
    expected = np.array([-3.0, -1.0, 1.0, 3.0]) / np.sqrt(5.0)
    result = InstanceNormalization(epsilon=1e-9)(images)
    np.testing.assert_allclose(np.ravel(result), expected, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch", [1, 3])
def test_normalization_equals_numpy_in_training_and_inference(training, batch):
    images = np.random.default_rng(0).normal(3.0, 2.0, (batch, 5, 7, 4)).astype(np.float32)
    result = InstanceNormalization()(images, training=training)
    np.testing.assert_allclose(result, _by_hand(images), atol=2e-5)


def test_scale_and_offset_act_per_channel_in_training_and_inference():
    images = np.random.default_rng(1).normal(size=(2, 4, 4, 3)).astype(np.float32)
    layer = InstanceNormalization(affine=True)
    layer.build(images.shape)
    layer.gamma.assign([1.0, 2.0, 3.0])
    layer.beta.assign([0.5, 0.0, -0.5])
    expected = _by_hand(images) * [1.0, 2.0, 3.0] + [0.5, 0.0, -0.5]
    for training in (True, False):
        np.testing.assert_allclose(layer(images, training=training), expected, atol=2e-5)


def test_gradients_of_the_fused_kernel_equal_those_of_plain_operations():
    images = tf.constant(np.random.default_rng(2).normal(size=(2, 4, 4, 3)), tf.float32)
    weights = tf.constant(np.random.default_rng(3).normal(size=(2, 4, 4, 3)), tf.float32)
    gradients = []
    for training in (True, False):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.reduce_sum(weights * InstanceNormalization()(images, training=training))
        gradients.append(tape.gradient(loss, images))
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-4)


def test_statistics_are_float32_in_mixed_bfloat16():
    # In bfloat16 300 + 1 is 300: the variance of 300 and 301 would be lost.
    images = tf.constant([300.0, 302.0, 300.0, 302.0], shape=(1, 2, 2, 1))
    layer = InstanceNormalization(dtype="mixed_bfloat16")
    result = layer(images)
    assert result.dtype == tf.bfloat16
    np.testing.assert_allclose(np.ravel(tf.cast(result, tf.float32)), [-1, 1, -1, 1], atol=0.01)


def test_images_of_rank_3_are_refused():
    with pytest.raises(ValueError, match=r"`images` must be \(batch, height, width, channels\)"):
        InstanceNormalization()(np.zeros((2, 4, 4), np.float32))


def test_a_negative_epsilon_is_refused():
    with pytest.raises(ValueError, match="`epsilon` must be positive, got -1"):
        InstanceNormalization(epsilon=-1)


def test_instance_norm_is_restored_from_its_config():
    layer = InstanceNormalization(epsilon=1e-3, affine=True)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (copy.epsilon, copy.affine) == (1e-3, True)
