import keras
import numpy as np
import pytest

from tf_translate.layers.dropout import Dropout

ONES = np.ones((4, 16, 16, 8), np.float32)


def test_dropout_zeroes_the_stated_fraction_and_scales_the_rest():
    result = np.asarray(Dropout(0.25)(ONES, training=True))
    assert set(np.unique(result.round(5))) == {0.0, np.float32(1.33333)}
    assert abs((result == 0).mean() - 0.25) < 0.02


def test_every_call_has_new_noise_and_a_copy_has_the_same():
    layer, copy = Dropout(0.5, seed=3), Dropout(0.5, seed=3)
    first, second = layer(ONES, training=True), layer(ONES, training=True)
    assert np.any(np.asarray(first) != np.asarray(second))
    np.testing.assert_array_equal(copy(ONES, training=True), first)


def test_another_seed_gives_other_noise():
    first = np.asarray(Dropout(0.5, seed=1)(ONES, training=True))
    assert np.any(first != np.asarray(Dropout(0.5, seed=2)(ONES, training=True)))


def test_features_are_unchanged_at_inference_when_off():
    np.testing.assert_array_equal(Dropout(0.5)(ONES, training=False), ONES)


def test_fixed_noise_is_one_mask_for_all_images_and_calls():
    layer = Dropout(0.5, inference="fixed")
    first = np.asarray(layer(ONES, training=False))
    np.testing.assert_array_equal(layer(ONES, training=False), first)
    np.testing.assert_array_equal(first[0], first[3])
    assert 0.4 < (first == 0).mean() < 0.6


def test_the_counter_of_the_noise_is_restored_from_a_file(tmp_path):
    inputs = keras.Input((16, 16, 8))
    model = keras.Model(inputs, Dropout(0.5)(inputs))
    model(ONES, training=True)
    model.save(tmp_path / "m.keras")
    copy = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(copy(ONES, training=True), model(ONES, training=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 1.0}, r"`rate` must be in \[0, 1\), got 1.0"),
        ({"rate": 0.5, "inference": "maybe"}, "`inference` must be one of"),
    ],
)
def test_impossible_rates_and_policies_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Dropout(**arguments)
