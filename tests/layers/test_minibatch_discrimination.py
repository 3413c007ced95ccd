"""Minibatch discrimination against NumPy, and over devices."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.minibatch_discrimination import MinibatchDiscrimination


def _layer(channels=6, kernels=4, size=3):
    layer = MinibatchDiscrimination(kernels, size)
    layer.build((None, channels))
    random = np.random.default_rng(0)
    layer.kernel.assign(random.normal(size=layer.kernel.shape))
    layer.scale.assign(0.3 * random.normal(size=layer.scale.shape))
    layer.bias.assign(random.normal(size=layer.bias.shape))
    return layer


def _expected(layer, features):
    """The formula of section 3.2, image by image and kernel by kernel."""
    kernel, scale, bias = (np.array(w, np.float64) for w in layer.weights)
    weights = kernel * np.exp(scale) / np.sqrt((kernel**2).sum(0))
    count, kernels = len(features), kernel.shape[1]
    closeness = np.tile(bias, (count, 1))
    for i in range(count):
        for k in range(kernels):
            own = features[i] @ weights[:, k]
            for j in range(count):
                if j != i:
                    closeness[i, k] += np.exp(-np.abs(own - features[j] @ weights[:, k]).sum())
    return np.concatenate([features, closeness], 1)


def test_the_closeness_of_two_images_by_hand():
    # One kernel of size 1 with weight exp(log 2) * 3 / |3| = 2; features 1 and 1.5:
    # distance 2 * 0.5 = 1, closeness exp(-1) = 0.36788 for both, with b = -1: -0.63212.
    layer = MinibatchDiscrimination(1, 1)
    layer.build((None, 1))
    layer.kernel.assign([[[3.0]]])
    layer.scale.assign([[np.log(2.0)]])
    np.testing.assert_allclose(
        layer(tf.constant([[1.0], [1.5]])), [[1.0, -0.63212], [1.5, -0.63212]], atol=1e-5
    )


def test_the_closeness_to_other_images_is_that_of_the_paper():
    features = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
    layer = _layer()
    np.testing.assert_allclose(layer(features), _expected(layer, features), rtol=1e-4, atol=1e-6)


def test_a_single_image_has_no_closeness_and_copies_have_the_largest():
    layer = _layer()
    features = np.random.default_rng(1).normal(size=(1, 6)).astype(np.float32)
    bias = layer.bias.numpy()
    np.testing.assert_allclose(layer(features)[0, 6:], bias, atol=1e-6)
    np.testing.assert_allclose(layer(np.repeat(features, 4, 0))[2, 6:], bias + 3.0, atol=1e-6)


def test_two_devices_compare_and_differentiate_the_images_of_both(two_replicas):
    features = np.random.default_rng(1).normal(size=(6, 6)).astype(np.float32)
    weights = np.random.default_rng(2).normal(size=(6, 10)).astype(np.float32)
    with two_replicas.scope():
        layer = _layer()

    def step(part):
        with tf.GradientTape() as tape:
            tape.watch(part["features"])
            loss = tf.reduce_sum(part["weights"] * layer(part["features"]))
        sources = [part["features"], *(weight.value for weight in layer.trainable_weights)]
        return layer(part["features"]), loss, *tape.gradient(loss, sources)

    data = {"features": features, "weights": weights}
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: {
            key: tf.constant(value[3 * context.replica_id_in_sync_group :][:3])
            for key, value in data.items()
        }
    )
    found = tf.function(lambda part: two_replicas.run(step, (part,)))(parts)
    found = [two_replicas.experimental_local_results(each) for each in found]
    alone = _layer()
    plain = {key: tf.constant(value) for key, value in data.items()}
    with tf.GradientTape() as tape:
        tape.watch(plain["features"])
        expected = alone(plain["features"])
        loss = tf.reduce_sum(plain["weights"] * expected)
    gradients = tape.gradient(
        loss, [plain["features"], *(w.value for w in alone.trainable_weights)]
    )
    np.testing.assert_allclose(np.concatenate(found[0]), expected, atol=1e-5)
    np.testing.assert_allclose(sum(found[1]), loss, rtol=1e-5)
    np.testing.assert_allclose(np.concatenate(found[2]), gradients[0], atol=1e-4)
    for parts, whole in zip(found[3:], gradients[1:], strict=True):
        np.testing.assert_allclose(sum(parts), whole, atol=1e-4)


def test_minibatch_discrimination_is_restored_from_a_file(tmp_path):
    inputs = keras.Input((6,))
    model = keras.Model(inputs, MinibatchDiscrimination(4, 3)(inputs))
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras")
    features = np.random.default_rng(1).normal(size=(3, 6)).astype(np.float32)
    np.testing.assert_array_equal(model(features), copy(features))


def test_zero_kernels_are_refused():
    with pytest.raises(ValueError, match="`kernels` and `size` must be positive, got 0 and 5"):
        MinibatchDiscrimination(0)
