"""Facts of the pix2pix paper and its released code."""

import numpy as np
import pytest
import tensorflow as tf

from tests.methods.tiny import count_passes
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.methods.pix2pix import Pix2Pix, Pix2PixSettings

SHAPE = (16, 16, 3)
TINY = {
    "num_downsamples": 3,
    "base_filters": 4,
    "discriminator_layers": 1,
    "discriminator_filters": 4,
    "norm": "instance_affine",
}


def _random(seed, channels=3):
    values = np.random.default_rng(seed).uniform(-1, 1, (2, 16, 16, channels))
    return tf.constant(values, tf.float32)


def _tiny(shape_a=SHAPE, shape_b=SHAPE, loss_weights=None, **settings):
    return Pix2Pix.from_settings(
        Pix2PixSettings(**{**TINY, **settings}), shape_a, shape_b, loss_weights=loss_weights
    )


def _cross_entropy(logits, target):
    probability = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
    return -np.mean(target * np.log(probability) + (1 - target) * np.log(1 - probability))


def test_loss_weights_and_the_order_of_players_are_those_of_the_paper():
    assert {term.name: term.weight for term in Pix2Pix.terms} == {
        "l1": 100.0,
        "adversarial": 1.0,
        "discriminator": 1.0,
    }
    assert [player.name for player in Pix2Pix.players] == ["discriminator", "generator"]


def test_default_settings_are_those_of_the_paper():
    settings = Pix2PixSettings()
    assert (settings.num_downsamples, settings.base_filters, settings.norm, settings.dropout) == (
        8,
        64,
        "batch",
        0.5,
    )
    assert (settings.discriminator_layers, settings.conditional) == (3, True)
    assert (settings.inference_dropout, settings.inference_statistics) == ("fixed", "image")


def test_objectives_equal_the_equations_written_in_numpy():
    model = _tiny(dropout=0)
    x, y = _random(0), _random(1)
    fake = model.generator(x, training=True)
    batch, shared = {"a": x, "b": y}, {"fake_b": fake}
    real_score, fake_score = model.discriminator([x, y]), model.discriminator([x, fake])
    discriminator = float(model.discriminator_objective(batch, shared)["discriminator"])
    expected = 0.5 * (_cross_entropy(real_score, 1) + _cross_entropy(fake_score, 0))
    assert discriminator == pytest.approx(expected, abs=1e-5)
    losses = model.generator_objective(batch, shared)
    assert float(losses["l1"]) == pytest.approx(np.abs(fake - y).mean(), abs=1e-5)
    assert float(losses["adversarial"]) == pytest.approx(_cross_entropy(fake_score, 1), abs=1e-5)


def test_a_conditional_discriminator_sees_the_input_and_an_unconditional_one_does_not():
    x, other, y = _random(0), _random(1), _random(2)
    for conditional in (True, False):
        model = _tiny(conditional=conditional)
        scores = [model._discriminate(image, y) for image in (x, other)]
        assert np.allclose(scores[0], scores[1]) == (not conditional)


def test_one_forward_pass_of_the_generator_serves_both_players(monkeypatch):
    model = _tiny()
    model.compile(run_eagerly=True)
    calls = count_passes(model, monkeypatch)
    model.train_step({"a": _random(0), "b": _random(1)})
    assert calls == {"generator": 1, "discriminator": 3}  # real, fake; then fake again


@pytest.mark.slow
def test_training_can_memorize_two_pairs():
    model = _tiny(
        base_filters=16, num_downsamples=2, dropout=0, upsampling="resize", input_skip=True
    )
    import keras

    model.compile({"generator": keras.optimizers.Adam(3e-3, 0.5)})
    y = tf.constant(np.random.default_rng(5).uniform(-0.9, 0.9, (2, 4, 4, 3)), tf.float32)
    y = tf.image.resize(y, (16, 16))
    data = tf.data.Dataset.from_tensors({"a": tf.reverse(y, [3]), "b": y}).repeat()
    history = model.fit(data, steps_per_epoch=60, epochs=4, verbose=0).history
    assert history["content/l1"][-1] < 0.05


def test_inference_behavior_is_recorded_in_the_signature():
    paper = _tiny(
        norm="batch",
        num_downsamples=5,
        dropout=0.5,
        inference_dropout="fixed",
        inference_statistics="image",
        shape_a=(32, 32, 3),
        shape_b=(32, 32, 3),
    )
    assert paper.signatures()["a_to_b"].inference_behavior == {
        "dropout": "fixed",
        "normalization": "statistics of each image",
    }
    plain = _tiny(dropout=0)
    assert plain.signatures()["a_to_b"].inference_behavior == {
        "dropout": "none",
        "normalization": "statistics of each image",
    }


@pytest.mark.parametrize(("channels_a", "channels_b"), [(1, 3), (3, 1), (4, 3), (3, 4)])
def test_the_domains_can_have_different_channels(channels_a, channels_b):
    model = _tiny((16, 16, channels_a), (16, 16, channels_b))
    assert model(_random(0, channels_a)).shape == (2, 16, 16, channels_b)
    model.compile(run_eagerly=True)
    logs = model.train_step({"a": _random(0, channels_a), "b": _random(1, channels_b)})
    assert all(np.isfinite(value) for value in logs.values())


def test_the_resnet_generator_can_be_chosen():
    model = _tiny(generator="resnet", residual_blocks=1, norm="batch")
    assert model(_random(0)).shape == (2, 16, 16, 3)
    norms = [one for one in model.generator.layers if isinstance(one, BatchNormalization)]
    assert {one.inference_statistics for one in norms} == {"image"}
