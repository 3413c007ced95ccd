import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.layers.image_pool import ImagePool


def _numbered(*values):
    return np.array(values, np.float32).reshape(-1, 1, 1, 1)


def _pool(size, seed=0):
    pool = ImagePool(size, seed=seed)
    pool.build((None, 1, 1, 1))
    return pool


def test_a_filling_pool_gives_back_what_was_put_in():
    pool = _pool(4)
    np.testing.assert_array_equal(pool(_numbered(1, 2, 3)), _numbered(1, 2, 3))
    assert int(pool.filled.value) == 3


def test_a_full_pool_follows_the_reference_rule_image_by_image():
    pool = _pool(3, seed=5)
    kept = [1.0, 2.0, 3.0]
    pool(_numbered(*kept))
    for step, value in enumerate(np.arange(10.0, 60.0), start=3):
        result = float(pool(_numbered(value))[0, 0, 0, 0])
        # The same draws, the rule written again in plain Python.
        slot, chance = tf.random.stateless_uniform([2], seed=[5, step]).numpy()
        expected = value
        if chance < 0.5:
            expected, kept[int(slot * 3)] = kept[int(slot * 3)], value
        assert result == expected
    np.testing.assert_array_equal(np.ravel(pool.images), kept)


def test_about_half_of_what_comes_out_of_a_full_pool_is_old():
    pool = _pool(50)
    pool(_numbered(*range(50)))
    new = np.arange(1000.0, 2000.0)
    out = np.ravel(pool(_numbered(*new)))
    assert 0.45 < np.mean(out != new) < 0.55


def test_no_gradient_flows_through_the_pool():
    images = tf.constant(_numbered(1, 2))
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(_pool(4)(images))
    assert tape.gradient(total, images) is None


def test_size_0_switches_the_pool_off():
    pool = _pool(0)
    assert pool.weights == []
    np.testing.assert_array_equal(pool(_numbered(7)), _numbered(7))


def test_images_and_draws_come_back_from_a_file(tmp_path):
    inputs = keras.Input((1, 1, 1))
    model = keras.Model(inputs, ImagePool(2, name="pool")(inputs))
    model(_numbered(1, 2, 3, 4))
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras")
    for value in range(5, 15):
        np.testing.assert_array_equal(copy(_numbered(value)), model(_numbered(value)))


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match=r"`size` must be 0 \(off\) or more, got -1"):
        ImagePool(-1)


def test_a_free_image_size_is_refused():
    with pytest.raises(ValueError, match="an image pool needs a fixed image shape"):
        ImagePool(5).build((None, None, None, 3))
