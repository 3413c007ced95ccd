"""XLA is used if it is faster, and measuring it does not change training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_translate.methods.cyclegan import CycleGAN, CycleGANSettings
from tf_translate.training.xla import use_xla_if_faster

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


def _values(model):
    optimizers = model.player_optimizers.values()
    variables = [*model.variables, *(v for each in optimizers for v in each.variables)]
    return [np.array(variable) for variable in variables]


@pytest.mark.slow
def test_measuring_xla_restores_all_variables_and_does_not_change_training():
    plain, measured, reports = _model(), _model(), []
    for model in (plain, measured):
        model.fit(_batches(), steps_per_epoch=3, verbose=0)
    before = _values(measured)
    use_xla_if_faster(measured, _batches(), reports.append)
    for old, new in zip(before, _values(measured), strict=True):
        np.testing.assert_array_equal(old, new)
    (sentence,) = reports
    assert "XLA is " in sentence or "XLA cannot" in sentence
    measured.jit_compile = False
    measured.make_train_function(force=True)
    for model in (plain, measured):
        model.fit(_batches(), steps_per_epoch=3, verbose=0)
    for expected, found in zip(_values(plain), _values(measured), strict=True):
        np.testing.assert_array_equal(expected, found)


@pytest.mark.parametrize(
    ("seconds_with_xla", "used", "report"),
    [
        (0.05, True, "a step takes 100.0 ms, with XLA 50.0 ms: XLA is on"),
        (0.096, False, "a step takes 100.0 ms, with XLA 96.0 ms: XLA is off"),
    ],
)
def test_xla_is_used_if_it_saves_five_percent(seconds_with_xla, used, report):
    model, reports, measured = _model(), [], []

    def measure(model, batches):
        measured.append(model.jit_compile)
        assert next(batches).keys() == {"a", "b"}
        return seconds_with_xla if model.jit_compile else 0.1

    use_xla_if_faster(model, _batches(), reports.append, measure)
    assert measured == [False, True]
    assert model.jit_compile == used
    assert reports == [report]


@pytest.mark.slow
def test_a_step_that_xla_cannot_compile_is_trained_without_xla():
    model, reports = _model(), []

    def measure(model, batches):
        if model.jit_compile:
            raise tf.errors.InvalidArgumentError(None, None, "no kernel for Foo\nmore", 3)
        model.train_function(batches)
        return 1.0

    before = _values(model)
    use_xla_if_faster(model, _batches(), reports.append, measure)
    assert not model.jit_compile
    assert reports == ["XLA is off: it cannot compile this step (no kernel for Foo)"]
    for old, new in zip(before, _values(model), strict=True):
        np.testing.assert_array_equal(old, new)
