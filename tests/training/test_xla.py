"""XLA is taken where it is quicker, and the look at that leaves nothing behind."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.training.xla import take_if_quicker

SHAPE = (16, 16, 3)


def _model():
    keras.utils.set_random_seed(0)
    settings = CycleGANSettings(
        residual_blocks=1, base_filters=2, discriminator_filters=2, discriminator_layers=1
    )
    model = CycleGAN.from_settings(settings, SHAPE, SHAPE)
    model.compile()
    return model


def _batches():
    random = np.random.default_rng(0)
    images = {side: random.uniform(-1, 1, (4, *SHAPE)).astype(np.float32) for side in ("a", "b")}
    return tf.data.Dataset.from_tensor_slices(images).batch(1).repeat()


def _numbers(model):
    optimizers = model.player_optimizers.values()
    held = [*model.variables, *(v for each in optimizers for v in each.variables)]
    return [np.array(variable) for variable in held]


def test_a_look_by_the_clock_puts_everything_back_and_training_goes_on_as_without():
    plain, looked, told = _model(), _model(), []
    for model in (plain, looked):
        model.fit(_batches(), steps_per_epoch=3, verbose=0)
    before = _numbers(looked)
    take_if_quicker(looked, _batches(), told.append)
    for was, now in zip(before, _numbers(looked), strict=True):
        np.testing.assert_array_equal(was, now)
    (sentence,) = told
    assert "XLA is " in sentence or "XLA cannot" in sentence
    looked.jit_compile = False
    looked.make_train_function(force=True)
    for model in (plain, looked):
        model.fit(_batches(), steps_per_epoch=3, verbose=0)
    for wanted, found in zip(_numbers(plain), _numbers(looked), strict=True):
        np.testing.assert_array_equal(wanted, found)


@pytest.mark.parametrize(
    ("with_it", "taken", "said"),
    [
        (0.05, True, "a step takes 100.0 ms, with XLA 50.0 ms: XLA is taken"),
        (0.096, False, "a step takes 100.0 ms, with XLA 96.0 ms: XLA is left out"),
    ],
)
def test_it_is_taken_where_it_saves_a_twentieth(with_it, taken, said):
    model, told, seen = _model(), [], []

    def timed(model, batches):
        seen.append(model.jit_compile)
        assert next(batches).keys() == {"a", "b"}
        return with_it if model.jit_compile else 0.1

    take_if_quicker(model, _batches(), told.append, timed)
    assert seen == [False, True]
    assert model.jit_compile == taken
    assert told == [said]


def test_a_step_that_xla_cannot_compile_is_trained_without():
    model, told = _model(), []

    def timed(model, batches):
        if model.jit_compile:
            raise tf.errors.InvalidArgumentError(None, None, "no kernel for Foo\nmore", 3)
        model.train_function(batches)
        return 1.0

    before = _numbers(model)
    take_if_quicker(model, _batches(), told.append, timed)
    assert not model.jit_compile
    assert told == ["XLA is left out: it cannot compile this step (no kernel for Foo)"]
    for was, now in zip(before, _numbers(model), strict=True):
        np.testing.assert_array_equal(was, now)
