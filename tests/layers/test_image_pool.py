import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.image_pool import ImagePool


def _images(*values):
    return np.array(values, np.float32).reshape(-1, 1, 1, 1)


def _pool(size, seed=0):
    pool = ImagePool(size, seed=seed)
    pool.build((None, 1, 1, 1))
    return pool


def test_a_pool_that_is_not_full_returns_its_input():
    pool = _pool(4)
    np.testing.assert_array_equal(pool(_images(1, 2, 3)), _images(1, 2, 3))
    assert int(pool.filled.value) == 3


def test_a_full_pool_follows_the_reference_rule_image_by_image():
    pool = _pool(3, seed=5)
    kept = [1.0, 2.0, 3.0]
    pool(_images(*kept))
    for step, value in enumerate(np.arange(10.0, 60.0), start=3):
        result = float(pool(_images(value))[0, 0, 0, 0])
        # The same random values, and the rule in plain Python.
        slot, chance = tf.random.stateless_uniform([2], seed=[5, step]).numpy()
        expected = value
        if chance < 0.5:
            expected, kept[int(slot * 3)] = kept[int(slot * 3)], value
        assert result == expected
    np.testing.assert_array_equal(np.ravel(pool.images), kept)


@pytest.mark.slow
def test_about_half_of_the_images_from_a_full_pool_are_old():
    pool = _pool(50)
    pool(_images(*range(50)))
    new = np.arange(1000.0, 2000.0)
    out = np.ravel(pool(_images(*new)))
    assert 0.45 < np.mean(out != new) < 0.55


def test_no_gradient_flows_through_the_pool():
    images = tf.constant(_images(1, 2))
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(_pool(4)(images))
    assert tape.gradient(total, images) is None


def test_size_0_switches_the_pool_off():
    pool = _pool(0)
    assert pool.weights == []
    np.testing.assert_array_equal(pool(_images(7)), _images(7))


def test_images_and_the_random_state_are_restored_from_a_file(tmp_path):
    inputs = keras.Input((1, 1, 1))
    model = keras.Model(inputs, ImagePool(2, name="pool")(inputs))
    model(_images(1, 2, 3, 4))
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras")
    for value in range(5, 15):
        np.testing.assert_array_equal(copy(_images(value)), model(_images(value)))


def test_a_negative_pool_size_is_refused():
    with pytest.raises(ValueError, match=r"`size` must be 0 \(off\) or more, got -1"):
        ImagePool(-1)


def test_an_unknown_image_size_is_refused():
    with pytest.raises(ValueError, match="an image pool needs a fixed image shape"):
        ImagePool(5).build((None, None, None, 3))
